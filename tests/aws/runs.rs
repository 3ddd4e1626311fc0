//! The behaviour of the deployed system.

use std::sync::Arc;
use std::time::Duration;

use aws::Adapters;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::message::{QueueMessage, QueuedWork};
use domain::ports::{Clock as _, EventLog as _, Intake as _, StoreError, WorkQueue as _};
use domain::testing::serialized;
use domain::{Event, EventPk, Timestamp};
use host::SystemClock;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Answer, Received, Sink, event, unique};

use crate::stack::{MAIL_FROM, Stack};

const PATIENCE: Duration = Duration::from_secs(30);

fn rules(sink: &Sink, email: &str) -> String {
    format!(
        r#"
retention: days=7
allow_networks: [127.0.0.0/8]
groups:
  ops:
    - {{ username: ann, email: {email} }}
transports:
  hook: {{ mode: webhook, url: "{}" }}
  chat: {{ mode: webhook_slack, url: "{}" }}
policies:
  builds: {{ expression: 'return request.context["event"].action == "build_failed"' }}
  deploys: {{ event_matcher: {{ action: deploy_failed }} }}
  probes: {{ event_matcher: {{ action: probe_failed }} }}
  disks: {{ event_matcher: {{ action: disk_full }} }}
rules:
  tell-all:
    severity: alert
    group: ops
    transports: [default-email-transport, default-local-transport, hook, chat]
    policies: [deploys]
  tell-hook:
    group: ops
    transports: [hook]
    policies: [builds]
  few: {{ group: ops, transports: [hook], policies: [probes], throttle: {{ max: 2, per: hours=1 }} }}
  together: {{ group: ops, transports: [hook], policies: [disks], digest: {{ window: seconds=5 }} }}
"#,
        sink.url("/hook"),
        sink.url("/chat")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_reaches_everybody_once() {
    let (sink, email) = (Sink::start().await, format!("{}@example.org", unique("ann")));
    let stack = Stack::deploy(&rules(&sink, &email)).await;
    let before = SystemClock.now();
    let pk = stack
        .post(&json!({
            "action": "deploy_failed", "app": "ci.deploy", "user": { "username": "bob" },
            "context": { "message": "release 7 did not start", "api_key": "hunter2" },
        }))
        .await;
    let after = SystemClock.now();

    // Stored, with its secret masked and its end to the second.
    let stored = stack.get(&format!("/v1/events/{pk}")).await;
    assert_eq!(stored["context"]["api_key"], "*".repeat(20));
    let expires: Timestamp = stored["expires"].as_str().unwrap().parse().unwrap();
    let week = SignedDuration::from_hours(7 * 24);
    let micros = domain::time::to_micros;
    assert!(micros(before + week) <= expires && expires <= after + week, "{expires}");
    let [item] = &stack.items("E#").await[..] else { panic!("one event") };
    assert_eq!(item["sk"], AttributeValue::S(pk.clone()));
    assert_eq!(item["ttl"], AttributeValue::N(domain::time::ttl_seconds(expires).to_string()));

    // Told by every way.
    sink.wait_for(2, PATIENCE).await;
    stack.wait_until_queued(["0", "0", "0"]).await;
    told_once(&stack, &sink, &email).await;

    // And counted, in the logs.
    for (function, metric, count) in [
        ("Ingest", "Accepted", 1),
        ("Ingest", "ColdStart", 1),
        ("Dispatch", "Matched", 1),
        ("Dispatch", "Delivered", 4),
    ] {
        assert_eq!(stack.counted(function, metric).await, count, "{function} {metric}");
    }

    // The same message again: as a queue may deliver it twice.
    let pk: EventPk = pk.parse().unwrap();
    let event = stack.adapters.event_log().get(pk, after).await.unwrap().unwrap();
    let again =
        [QueueMessage::new(QueuedWork::Events(vec![Arc::new(event)])), QueueMessage::new(QueuedWork::Stored(vec![pk]))];
    stack.adapters.work_queue().send(&again, SignedDuration::ZERO).await.unwrap();
    stack.wait_until_queued(["0", "0", "0"]).await;
    told_once(&stack, &sink, &email).await;
}

async fn told_once(stack: &Stack, sink: &Sink, email: &str) {
    let [hook] = &sink.received_at("/hook")[..] else { panic!("one webhook") };
    assert_eq!(
        hook.json(),
        json!({
            "body": "release 7 did not start", "severity": "alert", "user_email": email, "user_username": "ann",
            "event_user_email": null, "event_user_username": "bob",
        })
    );
    let [chat] = &sink.received_at("/chat")[..] else { panic!("one chat message") };
    assert_eq!(chat.json()["attachments"][0]["title"], "deploy_failed");

    let mails = stack.mails_to(email).await;
    let [mail] = &mails[..] else { panic!("one mail: {mails:?}") };
    assert_eq!((&mail["Source"], &mail["Subject"]), (&json!(MAIL_FROM), &json!("Nuncio notification: deploy_failed")));

    let inbox = stack.get("/v1/notifications").await;
    let [item] = &inbox["results"].as_array().unwrap()[..] else { panic!("one notification: {inbox}") };
    assert_eq!((&item["body"], &item["seen"]), (&json!("release 7 did not start"), &json!(false)));

    let deliveries = deliveries(stack).await;
    assert_eq!(deliveries.len(), 4, "{deliveries:?}");
    for delivery in deliveries {
        assert_eq!((&delivery["state"], attempts(&delivery)), (&json!("delivered"), 1), "{delivery}");
    }
}

async fn deliveries(stack: &Stack) -> Vec<Value> {
    stack.get("/v1/deliveries").await["results"].as_array().unwrap().clone()
}

fn attempts(delivery: &Value) -> usize {
    delivery["attempts"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_failed_is_tried_again() {
    let sink = Sink::start().await;
    let stack = Stack::deploy(&rules(&sink, "ann@example.org")).await;
    sink.answer("/hook", [Answer::status(503), Answer::status(200)]);
    let pk = stack.post(&json!({ "action": "build_failed" })).await;

    let came = sink.wait_for(2, PATIENCE).await;
    assert_eq!(came[0].header("webhook-id"), came[1].header("webhook-id"));
    assert!(came[1].at.duration_since(came[0].at) >= Duration::from_secs(4));
    stack.wait_until_queued(["0", "0", "0"]).await;
    let [delivery] = &deliveries(&stack).await[..] else { panic!("one delivery") };
    assert_eq!((&delivery["state"], attempts(delivery)), (&json!("delivered"), 2), "{delivery}");

    // Its rule is an expression, which both functions have run in a process of its own.
    let trace = stack.get(&format!("/v1/events/{pk}/trace")).await;
    let rule = trace["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == "tell-hook").unwrap();
    assert_eq!(rule["policies"][0]["why"], "the expression returned True", "{rule}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttle_holds_and_a_digest_leaves() {
    let sink = Sink::start().await;
    let stack = Stack::deploy(&rules(&sink, "ann@example.org")).await;
    for action in ["disk_full", "probe_failed", "disk_full", "probe_failed", "disk_full", "probe_failed"] {
        stack.post(&json!({ "action": action })).await;
    }
    let came = sink.wait_for(3, PATIENCE).await;
    stack.wait_until_queued(["0", "0", "0"]).await;
    let digests: Vec<Value> = came.iter().map(Received::json).filter(|body| !body["digest"].is_null()).collect();
    let [digest] = &digests[..] else { panic!("one digest: {came:?}") };
    assert_eq!(digest["digest"]["count"], 3, "{digest}");
    assert_eq!(sink.received().len(), 3, "two probes and the digest");

    let deliveries = deliveries(&stack).await;
    let mut suppressed: Vec<&str> =
        deliveries.iter().filter_map(|delivery| delivery["suppressed"]["by"].as_str()).collect();
    suppressed.sort_unstable();
    assert_eq!((deliveries.len(), suppressed), (6, vec!["digest", "digest", "throttle"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_message_holds_nobody_up() {
    let sink = Sink::start().await;
    let stack = Stack::deploy(&rules(&sink, "ann@example.org")).await;
    stack.send_raw("no message of ours").await;
    stack.post(&json!({ "action": "build_failed" })).await;
    sink.wait_for(1, PATIENCE).await;
    // The event's message is done with; the other waits to be tried again, until it is set aside.
    stack.wait_until_queued(["0", "0", "1"]).await;
    assert_eq!(sink.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_leaves_no_trace() {
    let sink = Sink::start().await;
    let mut stack = Stack::deploy(&rules(&sink, "ann@example.org")).await;
    stack.token = unique("stranger");
    for (function, method, path) in
        [("IngestUrl", Method::POST, "/v1/events"), ("ConsoleUrl", Method::GET, "/v1/events")]
    {
        let body = json!({ "action": "build_failed" }).to_string();
        let request = stack.request(method, function, path).header("Content-Type", "application/json");
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{function}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let description = stack.request(Method::GET, function, "/openapi.json").send().await.unwrap();
        assert_eq!(description.status(), 200, "{function} describes the API to anybody");
    }
    assert!(stack.items("E#").await.is_empty());
    assert_eq!(stack.queued().await, ["0", "0", "0"]);
    assert!(sink.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_queued_is_not_taken() {
    let sink = Sink::start().await;
    let stack = Stack::deploy(&rules(&sink, "ann@example.org")).await;
    let mut settings = stack.adapters.settings().clone();
    settings.queue_url.push_str("-that-is-not-there");
    let intake = Adapters::new(stack.sdk.clone(), settings).intake();
    assert!(matches!(intake.ready().await, Err(StoreError::Unavailable { part: "queue", .. })));

    let unnamed = event("build_failed").shared();
    let named = Event { pk: EventPk::named(unnamed.created, &[7; 32]), ..(*unnamed).clone() };
    let named = Arc::new(named);
    let refused = intake.accept(&serialized(&[unnamed, named.clone()])).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { part: "queue", .. })), "{refused:?}");
    // The named one is found when it is posted again; the other would stay without any use.
    let [item] = &stack.items("E#").await[..] else { panic!("the named event alone") };
    assert_eq!(item["sk"], AttributeValue::S(named.pk.to_string()));

    stack.adapters.intake().accept(&serialized(&[named])).await.unwrap();
    sink.wait_for(1, PATIENCE).await;
    stack.wait_until_queued(["0", "0", "0"]).await;
    assert_eq!(stack.items("E#").await.len(), 1);
}
