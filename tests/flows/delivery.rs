//! Deliveries: a failed attempt is retried, or given up with its cause; a closed delivery is never repeated; a failing
//! receiver delays no one else.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use support::nuncio::{Nuncio, answer};
use support::tls::TlsFront;
use support::{Answer, Sink};

use crate::recipients::rules_to;

const SOON: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_attempt_is_repeated_under_the_same_id() {
    let sink = Sink::start().await;
    sink.answer("/hook", [Answer::status(503), Answer::status(200)]);
    let nuncio = Nuncio::with_rules(&rules_to(&sink, "group: ops")).await;
    nuncio.accept(&json!({ "action": "login_failed" })).await;
    let received = sink.wait_for(2, SOON).await;
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    assert_eq!(received[0].body, received[1].body);
    let waited = received[1].at - received[0].at;
    assert!(waited >= Duration::from_secs(5), "the first wait is five seconds, not {waited:?}");
    let delivery = nuncio.results("/v1/deliveries?state=delivered", 1).await.remove(0);
    assert_eq!(delivery["attempts"][0]["status"], 503);
    assert_eq!(delivery["attempts"][1]["status"], 200);
    assert_eq!(delivery["next_at"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_trace_reaches_the_receiver_at_every_attempt() {
    let sink = Sink::start().await;
    sink.answer("/hook", [Answer::status(503), Answer::status(200)]);
    let nuncio = Nuncio::with_rules(&rules_to(&sink, "group: ops")).await;
    let callers = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = nuncio.request(Method::POST, "/v1/events").header("traceparent", callers);
    let response = request.json(&json!({ "action": "login_failed" })).send().await.unwrap();
    assert_eq!(response.headers()["traceparent"].to_str().unwrap()[..36], callers[..36]);
    for received in sink.wait_for(2, SOON).await {
        let sent = received.header("traceparent");
        assert_eq!((&sent[..36], &sent[52..]), (&callers[..36], "-01"));
        assert_ne!(sent, callers, "the span is the delivery's own");
    }
    let log = nuncio.log();
    let failed = log.lines().find(|line| line.contains("attempt failed; another follows")).expect("a line in the log");
    let failed: Value = serde_json::from_str(failed).unwrap();
    assert_eq!(failed["trace_id"], callers[3..35], "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hopeless_one_is_dead_with_its_cause_and_can_be_redelivered() {
    let sink = Sink::start().await;
    sink.answer("/hook", [Answer::status(404), Answer::status(204)]);
    let nuncio = Nuncio::with_rules(&rules_to(&sink, "group: ops")).await;
    nuncio.accept(&json!({ "action": "login_failed" })).await;
    let dead = nuncio.results("/v1/deliveries?state=dead", 1).await.remove(0);
    assert_eq!(dead["attempts"][0]["error"], "the receiver answered 404");
    let path = format!("/v1/deliveries/{}/redeliver", dead["id"].as_str().unwrap());
    assert_eq!(answer(nuncio.request(Method::POST, &path)).await.0, 202);
    let delivered = nuncio.results("/v1/deliveries?state=delivered", 1).await.remove(0);
    assert_eq!(delivered["id"], dead["id"]);
    assert_eq!(delivered["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(answer(nuncio.request(Method::POST, &path)).await.0, 409, "only the dead are redelivered");
    assert_eq!(sink.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_hangs_delays_nobody_else() {
    let sink = Sink::start().await;
    let healthy = Sink::start().await;
    sink.answer("/hook", [Answer::hang()]);
    let rules = rules_to(&sink, "group: ops")
        .replace(
            "policies:\n",
            &format!("  well: {{ mode: webhook, url: \"{}\", send_once: true }}\npolicies:\n", healthy.url("/")),
        )
        .replace("transports: [hook]", "transports: [hook, well]");
    let nuncio = Nuncio::with_rules(&rules).await;
    let began = Instant::now();
    for _ in 0..20 {
        nuncio.accept(&json!(vec![json!({ "action": "login_failed" }); 10])).await;
    }
    healthy.wait_for(200, Duration::from_secs(10)).await;
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(sink.received().len() <= 64, "an endpoint gets only so many attempts at a time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_reaches_no_private_address_unless_allowed() {
    let sink = Sink::start().await;
    let nuncio = Nuncio::with_rules(&rules_to(&sink, "group: ops").replace("allow_networks: [127.0.0.0/8]", "")).await;
    nuncio.accept(&json!({ "action": "login_failed" })).await;
    let dead = nuncio.results("/v1/deliveries?state=dead", 1).await.remove(0);
    let error = dead["attempts"][0]["error"].as_str().unwrap();
    assert!(error.contains("allow_networks"), "{error}");
    assert!(sink.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn testing_a_transport_says_what_the_receiver_said() {
    let sink = Sink::start().await;
    sink.answer("/hook", [Answer::status(400).body("no such channel"), Answer::status(200).body("thanks")]);
    let nuncio = Nuncio::with_rules(&rules_to(&sink, "group: ops")).await;
    let test = async |name: &str| answer(nuncio.request(Method::POST, &format!("/v1/transports/{name}/test"))).await;
    let (status, refused) = test("hook").await;
    assert_eq!(status, 200);
    assert_eq!(
        refused,
        json!({ "delivered": false, "status": 400, "answer": "no such channel", "error": "the receiver answered 400" })
    );
    let (_, taken) = test("hook").await;
    assert_eq!(taken, json!({ "delivered": true, "status": 200, "answer": "thanks", "error": null }));
    assert_eq!(test("no-such").await.0, 404);
    assert!(test("default-email-transport").await.1["delivered"] == true);
    assert_eq!(nuncio.mails().len(), 1);
    assert_eq!(nuncio.get("/v1/deliveries").await["results"], json!([]), "a test leaves no trace in the ledger");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_evaluated_whatever_its_retention() {
    let sink = Sink::start().await;
    let rules = format!("retention_by_action: {{ login_failed: milliseconds=1 }}\n{}", rules_to(&sink, "group: ops"));
    let nuncio = Nuncio::with_rules(&rules).await;
    for _ in 0..5 {
        nuncio.accept(&json!([{ "action": "login_failed" }, { "action": "login_failed" }])).await;
    }
    assert_eq!(sink.wait_for(10, Duration::from_secs(20)).await.len(), 10);
    assert!(nuncio.get("/v1/events?action=login_failed").await["results"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_came_while_the_process_was_stopped_count() {
    let sink = Sink::start().await;
    sink.answer("/hook", [Answer::status(200).after(Duration::from_secs(1))]);
    let nuncio = Nuncio::with_rules(&rules_to(&sink, "group: ops")).await;
    nuncio.accept(&json!((0..20).map(|_| json!({ "action": "login_failed" })).collect::<Vec<_>>())).await;
    sink.wait_for(20, SOON).await;
    nuncio.signal("STOP");
    // Longer than an attempt may take.
    tokio::time::sleep(Duration::from_secs(17)).await;
    nuncio.signal("CONT");
    // It first closes the connections that were idle for too long, this test's among them.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let delivered = nuncio.results("/v1/deliveries?state=delivered", 20).await;
    assert!(delivered.iter().all(|one| one["attempts"].as_array().unwrap().len() == 1), "{delivered:?}");
    assert_eq!(sink.received().len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_with_an_authority_of_its_own_is_known_by_it() {
    let sink = Sink::start().await;
    let server = sink.url("").trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    let (front, other) = (TlsFront::before(server).await, TlsFront::before(server).await);
    let transport = |name: &str, mode: &str, url: &str, ca: &str| {
        let ca = if ca.is_empty() { String::new() } else { format!(", ca: \"env:{ca}\"") };
        format!("  {name}: {{ mode: {mode}, url: \"{url}\"{ca} }}\n")
    };
    let rules = format!(
        "groups: {{ ops: [{{ username: ann }}] }}\ntransports:\n{}{}{}{}{}{}policies: {{ any: {{ event_matcher: {{ action: login }} }} }}\n\
         rules: {{ all: {{ group: ops, transports: [known, chat, unknown, wrong, broken, missing], policies: [any] }} }}\n\
         allow_networks: [127.0.0.0/8]\n",
        transport("known", "webhook", &front.url("/known"), "OWN_CA"),
        transport("chat", "webhook_slack", &front.url("/chat"), "OWN_CA"),
        transport("unknown", "webhook", &front.url("/unknown"), ""),
        transport("wrong", "webhook", &front.url("/wrong"), "OTHER_CA"),
        transport("broken", "webhook", &front.url("/broken"), "BROKEN_CA"),
        transport("missing", "webhook", &front.url("/missing"), "NOBODY_SET_THIS"),
    );
    let mut nuncio = Nuncio::not_started(&rules);
    nuncio.set("OWN_CA", &front.ca);
    nuncio.set("OTHER_CA", &other.ca);
    nuncio.set("BROKEN_CA", "no certificate at all");
    nuncio.start().await;
    nuncio.accept(&json!({ "action": "login" })).await;
    let tried = |body: &Value| {
        let all = body["results"].as_array().unwrap();
        all.len() == 6 && all.iter().all(|one| one["attempts"] != json!([]))
    };
    let deliveries = nuncio.get_until("/v1/deliveries", tried).await;
    for (name, state, words) in [
        ("known", "delivered", ""),
        ("chat", "delivered", ""),
        ("unknown", "retrying", "certificate"),
        ("wrong", "retrying", "certificate"),
        ("broken", "retrying", "PEM"),
        ("missing", "retrying", "cannot be read"),
    ] {
        let found = deliveries["results"].as_array().unwrap().iter().find(|one| one["transport"] == name).unwrap();
        let error = found["attempts"][0]["error"].as_str().unwrap_or_default();
        assert_eq!(found["state"], state, "{name}: {error}");
        assert!(error.contains(words), "{name}: {error}");
    }
    let mut paths: Vec<String> = sink.received().into_iter().map(|request| request.path).collect();
    paths.sort();
    assert_eq!(paths, ["/chat", "/known"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authorities_that_the_system_is_told_of_are_trusted() {
    let sink = Sink::start().await;
    let server = sink.url("").trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    let front = TlsFront::before(server).await;
    let rules = format!(
        "groups: {{ ops: [{{ username: ann }}] }}\ntransports: {{ hook: {{ mode: webhook, url: \"{}\" }} }}\n\
         policies: {{ any: {{ event_matcher: {{ action: login }} }} }}\n\
         rules: {{ all: {{ group: ops, transports: [hook], policies: [any] }} }}\nallow_networks: [127.0.0.0/8]\n",
        front.url("/hook"),
    );
    let mut nuncio = Nuncio::not_started(&rules);
    std::fs::write(nuncio.file("ca.pem"), &front.ca).unwrap();
    let file = nuncio.file("ca.pem").display().to_string();
    nuncio.set("SSL_CERT_FILE", &file);
    nuncio.start().await;
    nuncio.accept(&json!({ "action": "login" })).await;
    let deliveries = nuncio
        .get_until("/v1/deliveries", |body| {
            body["results"].as_array().unwrap().iter().any(|one| one["attempts"] != json!([]))
        })
        .await;
    assert_eq!(deliveries["results"][0]["state"], "delivered", "{deliveries}");
}
