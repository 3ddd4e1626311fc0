//! An operator's work on the deployed system, and its scheduled work.

use std::time::Duration;

use domain::EventPk;
use domain::delivery::{Delivery, DeliveryState};
use domain::person::Person;
use domain::ports::{Clock as _, EventLog as _, Ledger as _};
use domain::rules_document::Rule;
use host::SystemClock;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Answer, Sink, unique};

use crate::stack::Stack;

const PATIENCE: Duration = Duration::from_secs(30);

/// A webhook signed with a parameter, a chat whose URL is a secret, and the inbox.
fn rules(sink: &Sink, key: &str, chat: &str) -> String {
    format!(
        r#"
allow_networks: [127.0.0.0/8]
groups: {{ ops: [ {{ username: ann, email: ann@example.org }} ] }}
transports:
  hook: {{ mode: webhook, url: "{}", secret: "ssm:{key}" }}
  chat: {{ mode: webhook_slack, url: "secretsmanager:{chat}" }}
policies:
  deploys: {{ event_matcher: {{ action: deploy_failed }} }}
rules:
  tell-ops: {{ group: ops, transports: [hook, chat, default-local-transport], policies: [deploys] }}
"#,
        sink.url("/hook"),
    )
}

async fn deploy(sink: &Sink) -> Stack {
    let (key, chat) = (format!("/nuncio/{}", unique("key")), format!("nuncio/{}", unique("chat")));
    let stack = Stack::deploy(&rules(sink, &key, &chat)).await;
    // 24 bytes in base64, as Standard Webhooks wants them.
    let signing = format!("whsec_{}", "c2lnbmVk".repeat(4));
    let ssm = aws_sdk_ssm::Client::new(&stack.sdk);
    let kind = aws_sdk_ssm::types::ParameterType::SecureString;
    ssm.put_parameter().name(key).value(signing).r#type(kind).send().await.unwrap();
    let secrets = aws_sdk_secretsmanager::Client::new(&stack.sdk);
    secrets.create_secret().name(chat).secret_string(sink.url("/chat")).send().await.unwrap();
    stack
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_delivery_is_sent_again() {
    let sink = Sink::start().await;
    let stack = deploy(&sink).await;
    sink.answer("/hook", [Answer::status(404), Answer::status(200)]);
    stack.post(&json!({ "action": "deploy_failed" })).await;
    sink.wait_for(2, PATIENCE).await;
    stack.wait_until_queued(["0", "0", "0"]).await;

    let dead = stack.get("/v1/deliveries?state=dead").await;
    let [dead] = &dead["results"].as_array().unwrap()[..] else { panic!("one is dead: {dead}") };
    assert_eq!((&dead["transport"], &dead["attempts"][0]["status"]), (&json!("hook"), &json!(404)));
    let path = format!("/v1/deliveries/{}", dead["id"].as_str().unwrap());
    let answer = stack.request(Method::POST, "ConsoleUrl", &format!("{path}/redeliver")).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());

    sink.wait_for(3, PATIENCE).await;
    stack.wait_until_queued(["0", "0", "0"]).await;
    assert_eq!(stack.get(&path).await["state"], "delivered");
    let hooks = sink.received_at("/hook");
    assert!(hooks.iter().all(|hook| hook.header("webhook-signature").starts_with("v1,")));
    assert_eq!(sink.received_at("/chat").len(), 1);
    assert_eq!(stack.get("/v1/deliveries?state=dead").await["results"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_is_read() {
    let sink = Sink::start().await;
    let stack = deploy(&sink).await;
    for _ in 0..3 {
        stack.post(&json!({ "action": "deploy_failed" })).await;
    }
    sink.wait_for(6, PATIENCE).await;
    stack.wait_until_queued(["0", "0", "0"]).await;
    let unseen = stack.get("/v1/notifications?seen=false").await;
    assert_eq!(unseen["results"].as_array().unwrap().len(), 3);

    let path = format!("/v1/notifications/{}", unseen["results"][0]["pk"].as_str().unwrap());
    let mark = stack.request(Method::PATCH, "ConsoleUrl", &path).header("Content-Type", "application/json");
    let marked = mark.body(json!({ "seen": true }).to_string()).send().await.unwrap();
    assert_eq!(marked.json::<Value>().await.unwrap()["seen"], true);
    let all = stack.request(Method::POST, "ConsoleUrl", "/v1/notifications/mark_all_seen").send().await.unwrap();
    assert!(all.status().is_success(), "{}", all.text().await.unwrap());
    assert_eq!(stack.get("/v1/notifications?seen=false").await["results"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn transports_are_tested_and_rules_replaced() {
    let sink = Sink::start().await;
    let stack = deploy(&sink).await;
    for transport in ["hook", "chat", "default-local-transport", "default-email-transport"] {
        let path = format!("/v1/transports/{transport}/test");
        let tested = stack.request(Method::POST, "ConsoleUrl", &path).send().await.unwrap();
        let tested: Value = tested.json().await.unwrap();
        assert_eq!(tested["delivered"], true, "{transport}: {tested}");
    }

    let replace = |version: &'static str| {
        stack.request(Method::PUT, "ConsoleUrl", "/v1/config").header("If-Match", version).body("retention: days=3\n")
    };
    assert_eq!(replace("\"0\"").send().await.unwrap().status(), 412);
    assert_eq!(replace("\"1\"").send().await.unwrap().status(), 200);
    let shown = stack.request(Method::GET, "ConsoleUrl", "/v1/config").send().await.unwrap();
    assert_eq!((&shown.headers()["etag"], shown.status().as_u16()), (&"\"2\"".parse().unwrap(), 200));
    assert_eq!(shown.text().await.unwrap(), "retention: days=3\n");
}

/// Puts a delivery of this event to Ann by `hook`, whose attempt is overdue, into the ledger. Returns it as it was opened.
pub(crate) async fn overdue(stack: &Stack, pk: EventPk) -> Delivery {
    let now = SystemClock.now();
    let event = stack.adapters.event_log().get(pk, now).await.unwrap().unwrap();
    let ledger = stack.adapters.ledger();
    let entry = Delivery::open(&event, &Rule::named("tell-ops"), "hook", Person::new("ann", ""), now);
    ledger.open(std::slice::from_ref(&entry)).await.unwrap();
    let waiting = entry.postponed(now - SignedDuration::from_secs(1), now);
    assert_eq!(ledger.replace(&[waiting]).await.unwrap(), [true]);
    entry
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_waits_in_the_ledger_is_sent_when_it_is_due() {
    let sink = Sink::start().await;
    let stack = deploy(&sink).await;
    let pk = stack.post(&json!({ "action": "login" })).await.parse().unwrap();
    stack.wait_until_queued(["0", "0", "0"]).await;

    let (ledger, entry) = (stack.adapters.ledger(), overdue(&stack, pk).await);

    stack.invoke("Retention");
    let [hook] = &sink.wait_for(1, PATIENCE).await[..] else { panic!("one webhook") };
    assert!(hook.header("webhook-id").ends_with(&entry.id.to_string()));
    stack.wait_until_queued(["0", "0", "0"]).await;
    assert_eq!(ledger.get(entry.id).await.unwrap().unwrap().state, DeliveryState::Delivered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_over_what_is_stored() {
    let sink = Sink::start().await;
    let stack = deploy(&sink).await;
    let pk = stack.post(&json!({ "action": "deploy_failed", "user": { "username": "bob" } })).await;
    sink.wait_for(2, PATIENCE).await;
    stack.wait_until_queued(["0", "0", "0"]).await;
    for asked in [json!({ "kind": "restamp" }), json!({ "kind": "erase", "username": "bob" })] {
        let request = stack.request(Method::POST, "ConsoleUrl", "/v1/jobs").json(&asked);
        let job: Value = request.send().await.unwrap().json().await.unwrap();
        stack.invoke("Retention");
        let done = stack.get(&format!("/v1/jobs/{}", job["id"].as_str().unwrap())).await;
        assert_eq!(done["state"], "done", "{done}");
    }
    let answer = stack.request(Method::GET, "ConsoleUrl", &format!("/v1/events/{pk}")).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(stack.get("/v1/deliveries").await["results"], json!([]));
    assert_eq!(stack.get("/v1/notifications?username=ann").await["results"], json!([]));
    let told = stack.get("/v1/events?action=retention_job").await;
    assert_eq!(told["results"].as_array().unwrap().len(), 2, "{told}");
}
