//! Each role allows what its function calls, and nothing else: compared with the requests of the functions while every
//! kind of work is done once.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use support::{Answer, Sink, unique};

use crate::aside;
use crate::operate::overdue;
use crate::resolved::{Resolved, texts};
use crate::stack::Stack;

const PATIENCE: Duration = Duration::from_secs(30);

/// What Lambda does with a function's role on its own: it writes the log, and takes messages from the queue.
const BY_LAMBDA: [&str; 6] = [
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
];

/// One action on one pattern of resources.
type Permission = (String, String);

/// Everything that a function's role allows.
fn permissions(template: &Resolved, function: &str) -> BTreeSet<Permission> {
    let role = format!("{function}Role");
    let roles = template.of_type("AWS::IAM::Role");
    let (_, properties) = roles.iter().find(|(name, _)| *name == role).expect("each function has a role");
    assert!(properties.get("ManagedPolicyArns").is_none(), "{role} has policies of others");
    let inline = properties["Policies"].as_array().unwrap().iter().map(|policy| policy["PolicyDocument"].clone());
    let attached = template.of_type("AWS::IAM::Policy").into_iter().map(|(_, policy)| policy);
    let name = template.name(&role);
    let attached = attached.filter(|policy| texts(&policy["Roles"]).contains(&name));
    let documents: Vec<Value> = inline.chain(attached.map(|policy| policy["PolicyDocument"].clone())).collect();
    let statements = documents.iter().flat_map(|document| document["Statement"].as_array().unwrap());
    let mut permissions = BTreeSet::new();
    for statement in statements {
        assert_eq!(statement["Effect"], "Allow");
        for action in texts(&statement["Action"]) {
            permissions.extend(texts(&statement["Resource"]).into_iter().map(|resource| (action.clone(), resource)));
        }
    }
    permissions
}

/// Whether a pattern of a policy, in which `*` stands for anything, covers a resource.
fn covers(pattern: &str, resource: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == resource,
        Some((start, rest)) => resource.strip_prefix(start).is_some_and(|resource| {
            (0..=resource.len()).filter_map(|at| resource.get(at..)).any(|end| covers(rest, end))
        }),
    }
}

/// What a function calls only in a state that this test does not make: `retention` reads deliveries whose due time a wrong
/// clock has set.
const RARE: [(&str, &str); 1] = [("Retention", "dynamodb:BatchGetItem")];

/// Fails if the function has called what its role does not allow, or if its role allows what nothing needs.
fn compare(stack: &Stack, template: &Resolved, function: &str) {
    let allowed = permissions(template, function);
    let mut used: BTreeSet<Permission> = BTreeSet::new();
    for call in stack.calls_of(function) {
        // An action on nothing in particular.
        let resources = if call.resources.is_empty() { BTreeSet::from(["*".to_owned()]) } else { call.resources };
        for action in &call.actions {
            for resource in &resources {
                let covering: Vec<_> =
                    allowed.iter().filter(|(name, pattern)| name == action && covers(pattern, resource)).collect();
                assert!(!covering.is_empty(), "{function}'s role does not allow {action} on {resource}");
                used.extend(covering.into_iter().cloned());
            }
        }
    }
    let queue = template.attribute("Queue", "Arn");
    let is_lambdas = |(action, resource): &Permission| {
        BY_LAMBDA.contains(&action.as_str())
            && (action.starts_with("logs:") || function == "Dispatch" && *resource == queue)
    };
    let is_rare = |(action, _): &Permission| RARE.contains(&(function, action.as_str()));
    let is_needed = |permission: &Permission| is_lambdas(permission) || is_rare(permission);
    let unused: Vec<_> = allowed.difference(&used).filter(|permission| !is_needed(permission)).collect();
    assert!(unused.is_empty(), "{function} needs none of {unused:#?}");
}

fn rules(sink: &Sink, key: &str, chat: &str, tokens: [&str; 2]) -> String {
    let [new, old] = tokens;
    format!(
        r#"
allow_networks: [127.0.0.0/8]
sources: {{ ci: {{ verify: {{ header: X-Token, secrets: ["ssm:{new}", "secretsmanager:{old}"] }}, id: {{ header: X-Id }} }}, builds: {{ verify: {{ header: X-Token, secrets: "ssm:{new}" }} }} }}
retention_by_action: {{ custom_brief: milliseconds=1 }}
groups: {{ ops: [ {{ username: ann, email: ann@example.org }} ] }}
transports:
  hook: {{ mode: webhook, url: "{}", secret: "ssm:{key}" }}
  chat: {{ mode: webhook_slack, url: "secretsmanager:{chat}" }}
policies:
  deploys: {{ event_matcher: {{ action: deploy_failed }} }}
  disks: {{ event_matcher: {{ action: disk_full }} }}
detections:
  silent: {{ absent: {{ of: deploys, every: seconds=1 }} }}
rules:
  tell-ops:
    group: ops
    transports: [hook, chat, default-local-transport, default-email-transport]
    policies: [deploys]
  together: {{ group: ops, transports: [hook], policies: [disks], digest: {{ window: seconds=2 }} }}
"#,
        sink.url("/hook"),
    )
}

/// A request with a body that must succeed.
async fn done(stack: &Stack, method: Method, function: &str, path: &str, body: Value) -> Value {
    let request = stack.request(method, function, path).json(&body);
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{path}: {status} {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_allows_what_its_function_calls_and_nothing_else() {
    let sink = Sink::start().await;
    let (key, chat) = (format!("/nuncio/{}", unique("key")), format!("nuncio/{}", unique("chat")));
    let tokens = [format!("/nuncio/sources/{}", unique("new")), format!("nuncio/sources/{}", unique("old"))];
    let rules = rules(&sink, &key, &chat, [&tokens[0], &tokens[1]]);
    let stack = Stack::deploy_with_everything(&rules).await;
    let ssm = aws_sdk_ssm::Client::new(&stack.sdk);
    let kind = aws_sdk_ssm::types::ParameterType::SecureString;
    let [new, old] = tokens;
    ssm.put_parameter().name(new).value("the new token").r#type(kind.clone()).send().await.unwrap();
    ssm.put_parameter().name(key).value(format!("whsec_{}", "c2lnbmVk".repeat(4))).r#type(kind).send().await.unwrap();
    let secrets = aws_sdk_secretsmanager::Client::new(&stack.sdk);
    secrets.create_secret().name(old).secret_string("the old token").send().await.unwrap();
    secrets.create_secret().name(chat).secret_string(sink.url("/chat")).send().await.unwrap();

    ingest(&stack, &sink).await;
    webhooks(&stack).await;
    console(&stack).await;
    retention(&stack).await;
    let template = stack.resolved();
    for function in ["Ingest", "Sources", "Dispatch", "Retention", "Console"] {
        compare(&stack, &template, function);
    }
}

/// Events of every kind, which `dispatch` sends over every kind of transport, some of them again.
async fn ingest(stack: &Stack, sink: &Sink) {
    sink.answer("/hook", [Answer::status(404), Answer::status(503), Answer::status(200)]);
    let health = stack.request(Method::GET, "IngestUrl", "/healthz").send().await.unwrap();
    assert_eq!(health.status(), 200);
    stack.post(&json!({ "action": "deploy_failed", "user": { "username": "bob" } })).await;
    sink.wait_for(2, PATIENCE).await;
    for _ in 0..2 {
        let named = stack.request(Method::POST, "IngestUrl", "/v1/events").header("Idempotency-Key", "full");
        let answer = named.json(&json!({ "action": "disk_full" })).send().await.unwrap();
        assert_eq!(answer.status(), 202);
    }
    // The digest is refused first.
    sink.wait_for(4, PATIENCE).await;
    // The activation of detections is delayed until every dispatcher has the rules.
    stack.wait_until_idle().await;
}

/// A sender posts by either token, and posts again; another names no request, and somebody else has no token.
async fn webhooks(stack: &Stack) {
    for (token, status) in [("the new token", 202), ("the old token", 202), ("another token", 401)] {
        for _ in 0..2 {
            let post = stack.request(Method::POST, "SourcesUrl", "/in/ci").header("X-Token", token);
            let answer = post.header("X-Id", token).json(&json!({ "state": "done" })).send().await.unwrap();
            assert_eq!(answer.status(), status, "{token}: {}", answer.text().await.unwrap());
        }
    }
    let unnamed = stack.request(Method::POST, "SourcesUrl", "/in/builds").header("X-Token", "the new token");
    assert_eq!(unnamed.json(&json!({ "state": "done" })).send().await.unwrap().status(), 202);
    let stored = stack.get("/v1/events?action=webhook_received").await;
    assert_eq!(stored["results"].as_array().unwrap().len(), 3, "{stored}");
}

/// What an operator and a reader do in the console.
async fn console(stack: &Stack) {
    let dead = stack.get("/v1/deliveries?state=dead").await;
    let path = format!("/v1/deliveries/{}/redeliver", dead["results"][0]["id"].as_str().unwrap());
    done(stack, Method::POST, "ConsoleUrl", &path, json!({})).await;
    let inbox = stack.get("/v1/notifications?seen=false").await;
    let path = format!("/v1/notifications/{}", inbox["results"][0]["pk"].as_str().unwrap());
    done(stack, Method::PATCH, "ConsoleUrl", &path, json!({ "seen": true })).await;
    for transport in ["hook", "chat", "default-local-transport", "default-email-transport"] {
        let path = format!("/v1/transports/{transport}/test");
        done(stack, Method::POST, "ConsoleUrl", &path, json!({})).await;
    }
    let shown = stack.request(Method::GET, "ConsoleUrl", "/v1/config").send().await.unwrap().text().await.unwrap();
    let replace = stack.request(Method::PUT, "ConsoleUrl", "/v1/config").header("If-Match", "\"1\"").body(shown);
    assert_eq!(replace.send().await.unwrap().status(), 200);
    stack.get("/v1/events").await;
    stack.get("/v1/events/volume").await;
    stack.get("/v1/detections").await;
    stack.get("/v1/detections/silent/groups").await;
}

/// Expired events go to the archive, one person out of it and then the other, a delivery is due, and a message was set
/// aside.
async fn retention(stack: &Stack) {
    for name in ["ann", "bob"] {
        stack.post(&json!({ "action": "custom_brief", "user": { "username": name } })).await;
    }
    let pk = stack.post(&json!({ "action": "login" })).await.parse().unwrap();
    stack.wait_until_idle().await;
    overdue(stack, pk).await;
    stack.age(100).await;
    stack.invoke("Retention");
    for name in ["bob", "ann"] {
        done(stack, Method::POST, "ConsoleUrl", "/v1/jobs", json!({ "kind": "erase", "username": name })).await;
        stack.invoke("Retention");
    }
    let dead = json!({ "QueueUrl": stack.physical("DeadLetters"), "MessageBody": "no message of ours" });
    Stack::call("sqs", "send_message", &dead);
    assert_eq!(aside::redrive(stack).await, 1);
}

#[test]
fn a_pattern_covers_what_it_says() {
    assert!(covers("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/a/b"));
    assert!(!covers("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket"));
    assert!(covers("*", "anything"));
    assert!(!covers("table", "table/index/due"));
}
