//! Endpoints: one that is gone is disabled, one that fails is paused, and none receives more than its limit.

use std::time::Duration;

use domain::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use support::nuncio::{Nuncio, answer};
use support::{Answer, Sink};

use crate::recipients::rules_to;

const SOON: Duration = Duration::from_secs(15);

async fn post(nuncio: &Nuncio, path: &str, body: Value) -> (u16, Value) {
    answer(nuncio.request(Method::POST, path).json(&body)).await
}

/// The state of the transport `hook`.
async fn hook(nuncio: &Nuncio) -> Value {
    let all = nuncio.get("/v1/transports").await;
    all["results"].as_array().unwrap().iter().find(|one| one["name"] == "hook").unwrap().clone()
}

fn last_error(delivery: &Value) -> &str {
    delivery["attempts"].as_array().unwrap().last().unwrap()["error"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_gone_is_disabled_until_an_operator_enables_it() {
    let sink = Sink::start().await;
    sink.answer("/hook", [Answer::status(410), Answer::status(200)]);
    let mut nuncio = Nuncio::with_rules(&rules_to(&sink, "group: ops")).await;
    assert_eq!(hook(&nuncio).await["state"], "ready");
    nuncio.accept(&json!({ "action": "login_failed" })).await;
    let dead = nuncio.results("/v1/deliveries?state=dead", 1).await;
    assert_eq!(last_error(&dead[0]), "the receiver answered 410");

    // It survives the process.
    nuncio.kill();
    nuncio.start().await;
    let known = hook(&nuncio).await;
    assert_eq!((&known["state"], &known["why"]), (&json!("disabled"), &json!("the receiver answered 410")));
    assert!(!known.to_string().contains(&sink.url("")), "no URL is shown");
    nuncio.accept(&json!({ "action": "login_failed" })).await;
    let dead = nuncio.results("/v1/deliveries?state=dead", 2).await;
    assert!(last_error(&dead[0]).starts_with("the transport is disabled since "), "{}", dead[0]);
    assert_eq!(sink.received().len(), 1, "it is not asked again");

    // Two deliveries failed permanently; one event reports it and notifies no one.
    let events = nuncio.results("/v1/events?action=configuration_error", 1).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0]["context"]["nuncio_delivery"].is_string());
    assert_eq!(nuncio.get("/v1/deliveries").await["results"].as_array().unwrap().len(), 2);

    assert_eq!(post(&nuncio, "/v1/transports/no-such/enable", json!({})).await.0, 404);
    let (status, enabled) = post(&nuncio, "/v1/transports/hook/enable", json!({})).await;
    assert_eq!((status, &enabled["state"]), (200, &json!("ready")));
    let (status, redelivered) = post(&nuncio, "/v1/deliveries/redeliver", json!({ "transport": "hook" })).await;
    assert_eq!((status, redelivered), (202, json!({ "redelivered": 2, "next": null })));
    nuncio.results("/v1/deliveries?state=delivered", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_configuration_or_a_successful_test_enables_it_too() {
    let sink = Sink::start().await;
    let nuncio = Nuncio::with_rules(&rules_to(&sink, "group: ops")).await;
    let disable = async |dead| {
        sink.answer("/hook", [Answer::status(410), Answer::status(200)]);
        nuncio.accept(&json!({ "action": "login_failed" })).await;
        nuncio.results("/v1/deliveries?state=dead", dead).await;
        assert_eq!(hook(&nuncio).await["state"], "disabled");
    };
    disable(1).await;
    assert_eq!(post(&nuncio, "/v1/transports/hook/test", json!({})).await.1["delivered"], true);
    assert_eq!(hook(&nuncio).await["state"], "ready");
    disable(2).await;
    nuncio.write_rules(&rules_to(&sink, "group: ops").replace("/hook\"", "/hook?again\""));
    nuncio.get_until("/v1/transports", |all| all["results"].to_string().matches("\"ready\"").count() == 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_is_left_in_peace_and_nothing_is_counted_meanwhile() {
    let sink = Sink::start().await;
    sink.answer("/hook", [Answer::status(503)]);
    let nuncio = Nuncio::with_rules(&rules_to(&sink, "group: ops")).await;
    let failed = json!({ "action": "login_failed" });
    nuncio.accept(&json!(vec![&failed; 5])).await;
    nuncio.get_until("/v1/transports", |all| all["results"].to_string().contains("\"paused\"")).await;
    nuncio.accept(&json!(vec![&failed; 20])).await;
    let waiting = |all: &Value| {
        let all = all["results"].as_array().unwrap();
        all.iter().filter(|one| one["attempts"] == json!([]) && one["next_at"].is_string()).count() == 20
    };
    nuncio.get_until("/v1/deliveries?state=retrying", waiting).await;
    assert_eq!(sink.received().len(), 5);

    sink.answer("/hook", [Answer::status(200)]);
    assert_eq!(post(&nuncio, "/v1/transports/hook/test", json!({})).await.1["delivered"], true);
    assert_eq!(hook(&nuncio).await["state"], "ready");
    // Dispatch caches the endpoints' states for some seconds.
    let delivered = async {
        while nuncio.get("/v1/deliveries?state=delivered").await["results"] == json!([]) {
            nuncio.accept(&failed).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(SOON, delivered).await.expect("it is served again");
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_holds_for_the_delivery_and_for_all_others() {
    let sink = Sink::start().await;
    sink.answer("/hook", [Answer::status(429).header("retry-after", "3600")]);
    let nuncio = Nuncio::with_rules(&rules_to(&sink, "group: ops")).await;
    nuncio.accept(&json!({ "action": "login_failed" })).await;
    let waiting = nuncio.results("/v1/deliveries?state=retrying", 1).await.remove(0);
    let instant = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
    let wait = instant(&waiting["next_at"]).duration_since(instant(&waiting["attempts"][0]["at"]));
    assert!(wait.as_secs() >= 3600, "{wait}");
    assert_eq!(hook(&nuncio).await["state"], "paused");
    nuncio.accept(&json!({ "action": "login_failed" })).await;
    nuncio.results("/v1/deliveries?state=retrying", 2).await;
    assert_eq!(sink.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn none_gets_more_than_its_limit() {
    let sink = Sink::start().await;
    sink.answer("/hook", [Answer::hang()]);
    let rules =
        rules_to(&sink, "group: ops").replace("/hook\",", "/hook\", limit: { concurrency: 2, per_second: 50 },");
    let nuncio = Nuncio::with_rules(&rules).await;
    nuncio.accept(&json!(vec![json!({ "action": "login_failed" }); 10])).await;
    sink.wait_for(2, SOON).await;
    // Those who wait for a turn too long are put off.
    nuncio.results("/v1/deliveries?state=retrying", 8).await;
    assert_eq!(sink.received().len(), 2);
    assert_eq!(hook(&nuncio).await["limit"], json!({ "concurrency": 2, "per_second": 50 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dead_are_redelivered_by_filter_and_some_at_a_time() {
    let sink = Sink::start().await;
    sink.answer("/hook", [Answer::status(404)]);
    let nuncio = Nuncio::with_rules(&rules_to(&sink, "group: ops")).await;
    nuncio.accept(&json!(vec![json!({ "action": "login_failed" }); 5])).await;
    nuncio.results("/v1/deliveries?state=dead", 5).await;
    sink.answer("/hook", [Answer::status(200)]);

    let redeliver = async |filters: Value| post(&nuncio, "/v1/deliveries/redeliver", filters).await;
    for nobody in [
        json!({ "rule": "fan-out" }),
        json!({ "transport": "chat" }),
        json!({ "recipient": "bob" }),
        json!({ "since": "2100-01-01T00:00:00Z" }),
        json!({ "until": "2000-01-01T00:00:00Z" }),
        json!({ "event": "018650dd-2c93-7f1e-8afe-ad5af90bf680" }),
    ] {
        assert_eq!(redeliver(nobody).await, (202, json!({ "redelivered": 0, "next": null })));
    }
    assert_eq!(redeliver(json!({ "rul": "failed" })).await.0, 400);
    assert_eq!(redeliver(json!({ "limit": 1001 })).await.0, 400);
    let (_, first) = redeliver(json!({ "rule": "failed", "recipient": "ann", "limit": 2 })).await;
    assert_eq!(first["redelivered"], 2);
    let (_, rest) = redeliver(json!({ "cursor": first["next"] })).await;
    assert_eq!(rest, json!({ "redelivered": 3, "next": null }));
    nuncio.results("/v1/deliveries?state=delivered", 5).await;
    assert_eq!(sink.received().len(), 10);
}
