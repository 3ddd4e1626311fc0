//! A named event is one event, however often it is posted, and notifies once.

use reqwest::Method;
use serde_json::{Value, json};
use support::Sink;
use support::nuncio::{Nuncio, answer};

use crate::recipients::rules_to;

#[tokio::test(flavor = "multi_thread")]
async fn posting_again_changes_nothing() {
    let sink = Sink::start().await;
    let nuncio = Nuncio::with_rules(&rules_to(&sink, "group: ops")).await;
    let named = json!({ "action": "login_failed", "id": "42", "source": "shop", "created": "2026-01-01T00:00:00Z" });
    let first = nuncio.accept(&named).await;
    sink.wait_for(1, std::time::Duration::from_secs(10)).await;
    assert_eq!(nuncio.accept(&json!([named, named])).await, [first.clone(), first.clone()].concat());
    let mut other = named.clone();
    other["context"] = json!({ "attempt": 2 });
    assert_ne!(nuncio.accept(&other).await, first);
    let notified = sink.wait_for(2, std::time::Duration::from_secs(10)).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(sink.received().len(), 2, "one for each of the two events");
    assert_ne!(notified[0].header("webhook-id"), notified[1].header("webhook-id"));
    assert_eq!(nuncio.get("/v1/events").await["results"].as_array().unwrap().len(), 2);
    assert_eq!(nuncio.get(&format!("/v1/events/{}", first[0])).await["id"], "42");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_without_a_time_is_remembered() {
    let mut nuncio = Nuncio::built_in().await;
    let named = json!({ "action": "login", "id": "7", "source": "shop" });
    let first = nuncio.accept(&named).await;
    nuncio.kill();
    nuncio.start().await;
    assert_eq!(nuncio.accept(&named).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_takes_no_writes_accepts_nothing_and_posting_again_is_safe() {
    let nuncio = Nuncio::built_in().await;
    let other = rusqlite::Connection::open(nuncio.data().join("nuncio.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let event = json!({ "action": "update_available", "id": "1", "source": "shop", "created": "2026-01-01T00:00:00Z" });
    let response = nuncio.request(Method::POST, "/v1/events").json(&event).send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    let (status, _) = answer(nuncio.request(Method::GET, "/healthz")).await;
    assert_eq!(status, 503, "it says itself that it cannot accept events");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(nuncio.get("/v1/events").await["results"], json!([]), "nothing is half written");
    nuncio.accept(&event).await;
    assert_eq!(nuncio.results("/v1/notifications", 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_names_unnamed_events() {
    let nuncio = Nuncio::built_in().await;
    let post = async |key: &str| {
        let request = nuncio.request(Method::POST, "/v1/events").header("Idempotency-Key", key);
        let (status, body) = answer(request.json(&json!([{ "action": "login" }, { "action": "login" }]))).await;
        assert_eq!(status, 202);
        body["results"].clone()
    };
    let first = post("a").await;
    assert_ne!(first[0]["pk"], first[1]["pk"]);
    assert_eq!(post("a").await, first);
    assert_ne!(post("b").await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_events_come_back_as_they_were() {
    let nuncio = Nuncio::built_in().await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/events");
    for name in ["authorize_application", "login", "login_failed", "logout", "user_write"] {
        let text = std::fs::read_to_string(format!("{folder}/{name}.json")).unwrap();
        let posted: Value = serde_json::from_str(&text).unwrap();
        let pk = nuncio.accept(&posted).await.remove(0);
        let stored = nuncio.get(&format!("/v1/events/{pk}")).await;
        let keys: Vec<&String> = stored.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["pk", "user", "action", "app", "context", "client_ip", "created", "expires", "brand", "id"]);
        assert_eq!(stored["id"], posted["pk"]);
        for key in ["user", "action", "app", "context", "client_ip", "created", "brand"] {
            assert_eq!(stored[key], posted[key], "{name}: {key}");
        }
        assert_eq!(nuncio.accept(&posted).await, [pk]);
    }
}
