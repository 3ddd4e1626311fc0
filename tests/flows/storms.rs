//! Storm control as a user meets it: what is kept back is seen, and says why.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use support::Sink;
use support::nuncio::{Nuncio, answer};

use crate::recipients::rules_to;

const SOON: Duration = Duration::from_secs(15);

fn stormy(sink: &Sink, control: &str) -> String {
    rules_to(sink, &format!("group: ops, {control}"))
}

fn said(nuncio: &Nuncio, arguments: &[&str]) -> String {
    String::from_utf8(nuncio.run(arguments).stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttle_holds_and_says_so() {
    let sink = Sink::start().await;
    let nuncio = Nuncio::with_rules(&stormy(&sink, "throttle: { max: 3, per: hours=1, by: [client_ip] }")).await;
    let from = |address: &str| json!({ "action": "login_failed", "client_ip": address });
    let mut pks = Vec::new();
    for _ in 0..4 {
        pks.extend(nuncio.accept(&json!(vec![from("192.0.2.7"); 5])).await);
    }
    nuncio.accept(&from("192.0.2.8")).await;
    let suppressed = nuncio.results("/v1/deliveries?state=suppressed", 17).await;
    nuncio.results("/v1/deliveries?state=delivered", 4).await;
    assert_eq!((suppressed.len(), sink.received().len()), (17, 4));

    let one = &suppressed[0];
    assert_eq!(one["attempts"], json!([]));
    let cause = &one["suppressed"];
    assert_eq!(
        (&cause["by"], &cause["max"], &cause["key"]),
        (&json!("throttle"), &json!(3), &json!({ "client_ip": "192.0.2.7" }))
    );
    let why = cause["why"].as_str().unwrap();
    assert!(
        why.starts_with("the rule notifies of at most 3 in 1h with client_ip 192.0.2.7; there is room again at "),
        "{why}"
    );
    let pk = one["event"].as_str().unwrap();
    assert!(pks.iter().any(|known| known == pk));
    let trace = nuncio.get(&format!("/v1/events/{pk}/trace")).await;
    assert_eq!(trace["rules"][0]["matched"], true);
    assert_eq!(trace["rules"][0]["deliveries"][0]["suppressed"], *cause);
    let explained = said(&nuncio, &["explain", pk]);
    assert!(
        explained.contains("suppressed to ann by hook") && explained.contains(&format!("by throttle: {why}")),
        "{explained}"
    );

    // An operator may send it all the same.
    let path = format!("/v1/deliveries/{}/redeliver", one["id"].as_str().unwrap());
    assert_eq!(answer(nuncio.request(Method::POST, &path)).await.0, 202);
    sink.wait_for(5, SOON).await;
    let path = format!("/v1/deliveries/{}", one["id"].as_str().unwrap());
    let sent = nuncio.get_until(&path, |body| body["state"] == "delivered").await;
    assert_eq!(sent["suppressed"], *cause, "why it was kept back stays on record");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_muted_rule_tells_nobody_until_its_window_ends() {
    let sink = Sink::start().await;
    let mut nuncio = Nuncio::with_rules(&stormy(
        &sink,
        "mute: [{ days: [mon, tue, wed, thu, fri, sat, sun], zone: Europe/Berlin }]",
    ))
    .await;
    let pk = nuncio.accept(&json!({ "action": "login_failed" })).await.remove(0);
    let muted = nuncio.results("/v1/deliveries?state=suppressed", 1).await.remove(0);
    assert_eq!(muted["suppressed"]["by"], "mute");
    let explained = said(&nuncio, &["explain", &pk]);
    assert!(explained.contains("by mute: the rule is muted until "), "{explained}");

    nuncio.kill();
    nuncio.write_rules(&stormy(&sink, "mute: []"));
    nuncio.start().await;
    nuncio.accept(&json!({ "action": "login_failed" })).await;
    nuncio.results("/v1/deliveries?state=delivered", 1).await;
    assert_eq!(sink.received().len(), 1, "what was muted is not made up for");
    assert_eq!(nuncio.get("/v1/deliveries?state=suppressed").await["results"].as_array().map(Vec::len), Some(1));
}
