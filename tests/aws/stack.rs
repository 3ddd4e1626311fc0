//! A deployed stack, and everything that can be observed from outside.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use aws::{Adapters, Settings};
use aws_config::SdkConfig;
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::QueueAttributeName;
use domain::access::token::{Scope, Token, generated_text};
use domain::ports::{Clock as _, Tokens as _};
use host::SystemClock;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use support::binaries::binary;
use support::emulator::{Emulator, template_file};
use support::gateway::Call;
use support::proxy::limiting_responses;
use support::unique;

use crate::resolved::Resolved;

/// The sender that SES is configured to trust.
pub(crate) const MAIL_FROM: &str = "nuncio@example.org";

const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Stack {
    pub(crate) sdk: SdkConfig,
    pub(crate) adapters: Adapters,
    /// An admin's.
    pub(crate) token: String,
    /// The stack's name and parameters.
    name: String,
    parameters: Value,
    /// The outputs, and the physical names of the resources.
    outputs: Value,
    http: reqwest::Client,
    /// Where the functions are reached.
    functions: String,
}

impl Stack {
    /// Deploys one with these rules in force.
    pub(crate) async fn deploy(rules: &str) -> Self {
        Self::deploy_with(rules, None, "").await
    }

    /// The same, with a bucket that it archives in.
    pub(crate) async fn deploy_archiving(rules: &str) -> Self {
        Self::deploy_with(rules, Some(bucket().await), "").await
    }

    /// The same, with a bucket and a configuration set for mail.
    pub(crate) async fn deploy_with_everything(rules: &str) -> Self {
        let set = unique("set");
        Self::call("ses", "create_configuration_set", &json!({ "ConfigurationSet": { "Name": set } }));
        Self::deploy_with(rules, Some(bucket().await), &set).await
    }

    /// The same without any parameter, except for the architecture of this machine.
    pub(crate) async fn deploy_by_default(rules: &str) -> Self {
        Self::deploy_as(rules, None, json!({ "Architecture": architecture() })).await
    }

    async fn deploy_with(rules: &str, archive_bucket: Option<String>, configuration_set: &str) -> Self {
        let parameters = json!({
            "Architecture": architecture(),
            "DeletionProtection": "false",
            "MailFrom": MAIL_FROM,
            "MailConfigurationSet": configuration_set,
            "LogLevel": "debug",
            "ArchiveBucket": archive_bucket.as_deref().unwrap_or_default(),
        });
        Self::deploy_as(rules, archive_bucket, parameters).await
    }

    async fn deploy_as(rules: &str, archive_bucket: Option<String>, parameters: Value) -> Self {
        let emulator = Emulator::shared();
        let sdk = emulator.sdk().await;
        let ses = aws_sdk_ses::Client::new(&sdk);
        ses.verify_email_identity().email_address(MAIL_FROM).send().await.unwrap();
        let name = unique("nuncio");
        let outputs = deploy(emulator, &name, &parameters);
        let text = |name: &str| outputs[name].as_str().unwrap_or_else(|| panic!("no output {name}")).to_owned();
        let settings = Settings {
            table: text("TableName"),
            queue_url: text("QueueUrl"),
            dead_letters_url: None,
            shards: 4,
            mail_from: None,
            mail_configuration_set: None,
            log: String::new(),
            metrics: None,
            geoip: None,
            asn: None,
            archive_bucket,
            event_indexes: Vec::new(),
        };
        let stack = Self {
            adapters: Adapters::new(sdk.clone(), settings),
            sdk,
            token: generated_text(std::array::from_fn(|index| support::random_bits().to_be_bytes()[index % 16])),
            name,
            parameters,
            outputs,
            http: reqwest::Client::new(),
            functions: limiting_responses().await,
        };
        let now = SystemClock.now();
        let token = Token::new(&stack.token, vec![Scope::Admin], Some("ann".to_owned()), String::new(), now, None);
        stack.adapters.tokens().put(&token).await.unwrap();
        let put = stack.request(Method::PUT, "ConsoleUrl", "/v1/config").header("If-Match", "\"0\"");
        let answer = put.body(rules.to_owned()).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        stack
    }

    /// A request to a function's URL, with the admin's token.
    pub(crate) fn request(&self, method: Method, function: &str, path: &str) -> RequestBuilder {
        self.request_as(&self.token, method, function, path)
    }

    /// The URL that the stack's outputs name for a function.
    pub(crate) fn url_of(&self, function: &str) -> String {
        self.outputs[function].as_str().unwrap().to_owned()
    }

    /// A request to a function's URL, with this token.
    pub(crate) fn request_as(&self, token: &str, method: Method, function: &str, path: &str) -> RequestBuilder {
        let url = self.url_of(function);
        let host = url.trim_start_matches("https://").trim_end_matches('/');
        // The emulator tells functions apart by the host that was asked for.
        let request = self.http.request(method, format!("{}{path}", self.functions));
        request.header("Host", host).bearer_auth(token)
    }

    /// Posts an event; returns its pk.
    pub(crate) async fn post(&self, event: &Value) -> String {
        let request = self.request(Method::POST, "IngestUrl", "/v1/events").header("Content-Type", "application/json");
        let answer = request.body(event.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 202, "{}", answer.text().await.unwrap());
        let answer: Value = answer.json().await.unwrap();
        answer["results"][0]["pk"].as_str().unwrap().to_owned()
    }

    /// The console's response to a GET request.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.request(Method::GET, "ConsoleUrl", path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// Runs a function as its schedule would; returns its response.
    pub(crate) fn invoke(&self, function: &str) -> Value {
        Emulator::shared().script("invoke.py", &[self.outputs[function].as_str().unwrap()])
    }

    /// The physical name of a resource.
    pub(crate) fn physical(&self, resource: &str) -> &str {
        self.outputs[resource].as_str().unwrap_or_else(|| panic!("the stack has no {resource}"))
    }

    /// The template with the values of this stack.
    pub(crate) fn resolved(&self) -> Resolved {
        Resolved::new(&self.name, self.parameters.clone(), self.outputs.clone())
    }

    /// The namespace of the stack's own metrics.
    pub(crate) fn namespace(&self) -> String {
        format!("Nuncio/{}", self.name)
    }

    /// What a function's role allows it: the adapters with its credentials. They are valid once the function has run.
    pub(crate) fn adapters_of(&self, function: &str) -> Adapters {
        let part = |index: usize| self.outputs["Credentials"][function][index].as_str().unwrap().to_owned();
        let credentials = Credentials::new(part(0), part(1), Some(part(2)), None, "role");
        let provider = SharedCredentialsProvider::new(credentials);
        let gateway = Emulator::shared().gateway().address();
        let sdk = self.sdk.clone().into_builder().credentials_provider(provider).endpoint_url(gateway).build();
        let dead_letters_url = Some(self.physical("DeadLetters").to_owned());
        Adapters::new(sdk, Settings { dead_letters_url, ..self.adapters.settings().clone() })
    }

    /// The different calls that a function has made.
    pub(crate) fn calls_of(&self, function: &str) -> Vec<Call> {
        let key = self.outputs["Credentials"][function][0].as_str().unwrap();
        Emulator::shared().gateway().calls(key)
    }

    /// Calls an action of a service, as an operator does; returns the answer, or its `error`.
    pub(crate) fn call(service: &str, method: &str, arguments: &Value) -> Value {
        Emulator::shared().script("call.py", &[service, method, &arguments.to_string()])
    }

    /// What a function logged: the `values` of each metric, the number of `invocations`, and the other `lines`.
    pub(crate) fn logged(&self, function: &str) -> Value {
        self.logged_by(&[function]).swap_remove(0)
    }

    /// The same for several functions, in their order.
    pub(crate) fn logged_by(&self, functions: &[&str]) -> Vec<Value> {
        let names: Vec<_> = functions.iter().map(|function| self.physical(function)).collect();
        let mut logged = Emulator::shared().script("metrics.py", &names);
        names.into_iter().map(|name| logged[name].take()).collect()
    }

    /// The total of a metric that a function counted in its log. Waits until the function has counted it.
    pub(crate) async fn counted(&self, function: &str, metric: &str) -> i64 {
        let (wanted, began) = (format!("{}/{}/{metric}", self.namespace(), function.to_lowercase()), Instant::now());
        loop {
            let logged = self.logged(function);
            if let Some(values) = logged["values"][&wanted].as_array() {
                return values.iter().filter_map(Value::as_i64).sum();
            }
            assert!(began.elapsed() < PATIENCE, "{function} has not counted {metric}: {logged}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The items of the table whose partition begins so.
    pub(crate) async fn items(&self, start: &str) -> Vec<std::collections::HashMap<String, AttributeValue>> {
        let table = &self.adapters.settings().table;
        let scan = aws_sdk_dynamodb::Client::new(&self.sdk)
            .scan()
            .table_name(table)
            .consistent_read(true)
            .filter_expression("begins_with(pk, :start)")
            .expression_attribute_values(":start", AttributeValue::S(start.to_owned()));
        scan.send().await.unwrap().items.unwrap_or_default()
    }

    /// Puts a text into the queue as it is.
    pub(crate) async fn send_raw(&self, body: &str) {
        let queue = &self.adapters.settings().queue_url;
        let client = aws_sdk_sqs::Client::new(&self.sdk);
        client.send_message().queue_url(queue).message_body(body).send().await.unwrap();
    }

    /// The numbers of messages that wait, that are delayed, and that were taken and not deleted.
    pub(crate) async fn queued(&self) -> [String; 3] {
        use QueueAttributeName as Name;
        let names = [
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesDelayed,
            Name::ApproximateNumberOfMessagesNotVisible,
        ];
        let request = aws_sdk_sqs::Client::new(&self.sdk)
            .get_queue_attributes()
            .queue_url(&self.adapters.settings().queue_url)
            .set_attribute_names(Some(names.to_vec()));
        let attributes = request.send().await.unwrap().attributes.unwrap_or_default();
        names.map(|name| attributes.get(&name).cloned().unwrap_or_default())
    }

    /// Waits until the queue holds just that.
    pub(crate) async fn wait_until_queued(&self, wanted: [&str; 3]) {
        let began = Instant::now();
        loop {
            let queued = self.queued().await;
            if queued == wanted {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "the queue holds {queued:?}, not {wanted:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until nothing is queued or in work but what is delayed.
    pub(crate) async fn wait_until_idle(&self) {
        let began = Instant::now();
        loop {
            let [waiting, _, in_work] = self.queued().await;
            if [&*waiting, &*in_work] == ["0", "0"] {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{waiting} messages wait, {in_work} are in work");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The mails that were sent to an address, as they left.
    pub(crate) async fn mails_to(&self, address: &str) -> Vec<Value> {
        let url = format!("{}/_ministack/ses/messages", Emulator::shared().endpoint());
        let all: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        let accounts = all["messages"].as_object().expect("the emulator lists mails by account");
        let mails = accounts.values().filter_map(Value::as_array).flatten();
        mails.filter(|mail| mail["To"].to_string().contains(address)).cloned().collect()
    }
}

/// The function as `sam build` left it, where `NUNCIO_SAM_BUILD` names its folder (`.aws-sam/build`).
#[expect(clippy::disallowed_methods, reason = "what is deployed is the caller's wish")]
fn built_by_sam(function: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("NUNCIO_SAM_BUILD")?;
    Some(PathBuf::from(folder).join(function).join("bootstrap"))
}

/// A new bucket.
async fn bucket() -> String {
    let (sdk, bucket) = (Emulator::shared().sdk().await, unique("archive"));
    aws_sdk_s3::Client::new(&sdk).create_bucket().bucket(&bucket).send().await.unwrap();
    bucket
}

fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

fn deploy(emulator: &Emulator, name: &str, parameters: &Value) -> Value {
    let binaries = ["Ingest", "Sources", "Dispatch", "Retention", "Console"].map(|function| {
        let name = function.to_lowercase();
        let file = built_by_sam(function).unwrap_or_else(|| binary(&name));
        format!("{name}={}", file.display())
    });
    let template = template_file();
    let parameters = parameters.to_string();
    let mut arguments = vec![template.to_str().unwrap(), name, &parameters];
    arguments.extend(binaries.iter().map(String::as_str));
    emulator.script("deploy.py", &arguments)
}
