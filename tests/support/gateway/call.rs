//! Reads from a signed request who calls which action on which resources, in the terms of IAM.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::request::Parts;
use serde_json::Value;

/// The account in which the emulator puts everything.
const ACCOUNT: &str = "000000000000";

/// One request, as IAM authorises it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The access key of the caller's session.
    pub access_key: String,
    /// The actions that the caller's role has to allow, such as `dynamodb:PutItem`.
    pub actions: BTreeSet<String>,
    /// The resources on which it has to allow them, as ARNs.
    pub resources: BTreeSet<String>,
}

impl Call {
    /// Reads the caller from the signature, and the action from the protocol of the service.
    pub(crate) fn read(parts: &Parts, body: &Bytes) -> Self {
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …
        let credential = header("authorization").split("Credential=").nth(1).unwrap_or_default();
        let scope: Vec<&str> = credential.split(',').next().unwrap_or_default().split('/').collect();
        let part = |index: usize| scope.get(index).copied().unwrap_or_default();
        let (access_key, region, service) = (part(0).to_owned(), part(2), part(3));
        let arn = |service: &str, name: &str| format!("arn:aws:{service}:{region}:{ACCOUNT}:{name}");
        let operation = header("x-amz-target").rsplit('.').next().unwrap_or_default();
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let named = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
        let (actions, resources) = match service {
            "dynamodb" => (dynamodb_actions(operation, &json), dynamodb_resources(&json, arn)),
            "sqs" => {
                let queue = named("QueueUrl");
                let queue = queue.rsplit('/').next().unwrap_or_default().to_owned();
                // A batch needs the permission for one.
                (set([format!("sqs:{}", operation.trim_end_matches("Batch"))]), set([arn("sqs", &queue)]))
            }
            "ssm" => (set([format!("ssm:{operation}")]), set([arn("ssm", &format!("parameter{}", named("Name")))])),
            "secretsmanager" => {
                let secret = arn("secretsmanager", &format!("secret:{}", named("SecretId")));
                (set([format!("secretsmanager:{operation}")]), set([secret]))
            }
            "ses" => ses(body, arn),
            "s3" => s3(parts),
            other => (set([format!("{other}:{operation}")]), BTreeSet::new()),
        };
        Self { access_key, actions, resources }
    }

    /// The tables that a request to DynamoDB names.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &str> {
        let tables = self.resources.iter().filter_map(|resource| resource.split_once(":table/"));
        tables.map(|(_, table)| table.split('/').next().unwrap_or_default())
    }
}

fn set(values: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    values.into_iter().collect()
}

/// A transaction needs the permission for each of its parts, and none of its own.
fn dynamodb_actions(operation: &str, json: &Value) -> BTreeSet<String> {
    if operation != "TransactWriteItems" {
        return set([format!("dynamodb:{operation}")]);
    }
    let parts = json["TransactItems"].as_array().into_iter().flatten();
    let kinds = parts.flat_map(|part| part.as_object().into_iter().flat_map(|part| part.keys()));
    let action =
        |kind: &str| if kind == "ConditionCheck" { "ConditionCheckItem".to_owned() } else { format!("{kind}Item") };
    kinds.map(|kind| format!("dynamodb:{}", action(kind))).collect()
}

fn dynamodb_resources(json: &Value, arn: impl Fn(&str, &str) -> String) -> BTreeSet<String> {
    let mut tables: BTreeSet<&str> = json["TableName"].as_str().into_iter().collect();
    tables.extend(json["RequestItems"].as_object().into_iter().flat_map(|items| items.keys().map(String::as_str)));
    for part in json["TransactItems"].as_array().into_iter().flatten() {
        let parts = part.as_object().into_iter().flat_map(|part| part.values());
        tables.extend(parts.filter_map(|part| part["TableName"].as_str()));
    }
    let index = json["IndexName"].as_str().map(|index| format!("/index/{index}")).unwrap_or_default();
    tables.into_iter().map(|table| arn("dynamodb", &format!("table/{table}{index}"))).collect()
}

/// SES checks the sender's identity, and the configuration set if one is named.
fn ses(body: &Bytes, arn: impl Fn(&str, &str) -> String) -> (BTreeSet<String>, BTreeSet<String>) {
    let form: Vec<(String, String)> = serde_urlencoded(body);
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let action = format!("ses:{}", field("Action").unwrap_or_default());
    let identity = field("Source").map(|source| arn("ses", &format!("identity/{source}")));
    let set_name = field("ConfigurationSetName").map(|name| arn("ses", &format!("configuration-set/{name}")));
    (set([action]), identity.into_iter().chain(set_name).collect())
}

fn serde_urlencoded(body: &Bytes) -> Vec<(String, String)> {
    let query = format!("http://form/?{}", String::from_utf8_lossy(body));
    let url = reqwest::Url::parse(&query).expect("a form is a query");
    url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

/// The bucket is in the path, because the emulator has an address instead of a name.
fn s3(parts: &Parts) -> (BTreeSet<String>, BTreeSet<String>) {
    let path = parts.uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let action = match parts.method.as_str() {
        "GET" | "HEAD" if key.is_empty() => "s3:ListBucket",
        "GET" | "HEAD" => "s3:GetObject",
        "PUT" | "POST" => "s3:PutObject",
        "DELETE" => "s3:DeleteObject",
        other => return (set([format!("s3:{other}")]), BTreeSet::new()),
    };
    let name = if key.is_empty() { bucket.to_owned() } else { format!("{bucket}/{key}") };
    (set([action.to_owned()]), set([format!("arn:aws:s3:::{name}")]))
}
