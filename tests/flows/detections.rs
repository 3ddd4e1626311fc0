//! Detections as users meet them: a rules file, posted events, notifications, the API and `nuncio explain`.

use std::time::Duration;

use domain::ports::Clock as _;
use host::SystemClock;
use serde_json::json;
use support::Sink;
use support::nuncio::Nuncio;

const SOON: Duration = Duration::from_secs(15);

fn rules(sink: &Sink, detections: &str, bound: &str) -> String {
    format!(
        "groups: {{ ops: [ann] }}\n\
         transports: {{ hook: {{ mode: webhook, url: \"{}\" }} }}\n\
         allow_networks: [127.0.0.1/32]\n\
         policies:\n  \
           failed-logins: {{ event_matcher: {{ action: login_failed }} }}\n  \
           logins: {{ event_matcher: {{ action: login }} }}\n\
         detections:\n{detections}\n\
         rules: {{ attack: {{ severity: alert, group: ops, transports: [hook], policies: [{bound}] }} }}\n",
        sink.url("/hook")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_failures_within_five_minutes_from_one_address_notify_once() {
    let sink = Sink::start().await;
    let brute_force =
        "  brute-force: { count: { of: failed-logins, by: [client_ip], within: minutes=5, at_least: 10 } }";
    let nuncio = Nuncio::with_rules(&rules(&sink, brute_force, "brute-force")).await;
    let failure = |address: &str| json!({ "action": "login_failed", "client_ip": address });
    let mut pks = Vec::new();
    for _ in 0..15 {
        pks.extend(nuncio.accept(&json!([failure("192.0.2.7"), failure("192.0.2.8")])).await);
    }
    nuncio.accept(&json!(vec![failure("192.0.2.9"); 9])).await;
    sink.wait_for(2, SOON).await;
    let detected = nuncio.results("/v1/events?app=nuncio.detections", 2).await;
    for event in &detected {
        let address = event["client_ip"].as_str().unwrap();
        assert_eq!(event["context"]["message"], format!("10 failed logins from {address} within 5 minutes"));
        assert_eq!(event["context"]["events"].as_array().unwrap().len(), 10);
    }
    let list = nuncio.get_until("/v1/detections", |list| list["pending"] == 0).await;
    let own = &list["results"][0];
    assert_eq!(
        (&own["name"], &own["kind"], &own["groups"], &own["fired_24h"]),
        (&json!("brute-force"), &json!("count"), &json!(3), &json!(2))
    );
    let groups = nuncio.get("/v1/detections/brute-force/groups").await;
    assert_eq!(groups["searched"], 3);
    assert_eq!(groups["results"][2]["by"], json!({ "client_ip": "192.0.2.9" }), "the fullest first");
    assert_eq!(groups["results"][2]["count"], 9);
    assert_eq!(sink.received().len(), 2, "once for each address");

    let trace = nuncio.get(&format!("/v1/events/{}/trace", pks.last().unwrap())).await;
    assert_eq!(trace["detections"][0]["detection"], "brute-force");
    assert_eq!(trace["detections"][0]["groups"][0]["missing"], 0);
    let explained = nuncio.run(&["explain", pks.last().unwrap()]);
    let explained = String::from_utf8(explained.stdout).unwrap();
    assert!(
        explained.contains("brute-force") && explained.contains("15 events in the window; 10 are needed"),
        "{explained}"
    );

    let (status, problem) = nuncio.post(&json!({ "action": "detection", "app": "nuncio.detections" })).await;
    assert_eq!(status, 422, "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequence_over_another_detection_notifies_and_survives_a_kill() {
    let sink = Sink::start().await;
    let detections = "  brute-force: { count: { of: failed-logins, by: [client_ip], within: minutes=5, at_least: 3 } }\n  \
                      broke-in: { sequence: { of: [brute-force, logins], by: [client_ip], within: minutes=10 } }";
    let mut nuncio = Nuncio::with_rules(&rules(&sink, detections, "broke-in")).await;
    let now = SystemClock.now();
    let at = |seconds: i64| domain::time::format(domain::time::later(now, jiff::SignedDuration::from_secs(seconds)));
    let failure = |seconds| json!({ "action": "login_failed", "client_ip": "192.0.2.7", "created": at(seconds) });
    nuncio.accept(&json!([failure(-30), failure(-29)])).await;
    nuncio.kill();
    nuncio.start().await;
    nuncio.accept(&failure(-28)).await;
    nuncio.results("/v1/events?app=nuncio.detections", 1).await;
    nuncio.kill();
    nuncio.start().await;
    nuncio.accept(&json!({ "action": "login", "client_ip": "192.0.2.7", "created": at(-1) })).await;
    sink.wait_for(1, SOON).await;
    let detected = nuncio.results("/v1/events?app=nuncio.detections", 2).await;
    assert_eq!(detected[0]["context"]["detection"], "broke-in");
    assert_eq!(detected[0]["context"]["message"], "brute force, then logins from 192.0.2.7 within 10 minutes");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_report_is_noticed_and_its_return_too() {
    let sink = Sink::start().await;
    let silent = "  silent: { absent: { of: logins, by: [app], every: seconds=2, expect: [nightly] } }";
    let nuncio = Nuncio::with_rules(&rules(&sink, silent, "silent")).await;
    nuncio
        .get_until("/v1/events?app=nuncio.detections", |list| list["results"][0]["context"]["state"] == "fired")
        .await;
    nuncio.accept(&json!({ "action": "login", "app": "nightly" })).await;
    let list = nuncio
        .get_until("/v1/events?app=nuncio.detections", |list| list["results"].as_array().unwrap().len() >= 2)
        .await;
    let messages: Vec<_> = list["results"].as_array().unwrap().iter().rev().map(|event| &event["context"]).collect();
    assert_eq!((&messages[0]["state"], &messages[1]["state"]), (&json!("fired"), &json!("resolved")));
    assert_eq!(messages[0]["by"], json!({ "app": "nightly" }));
    assert!(messages[0]["message"].as_str().unwrap().starts_with("no logins in nightly for "), "{}", messages[0]);
}
