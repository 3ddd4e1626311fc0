//! What an operator sees at a glance: the results of the deliveries, the number of events, and who was notified of which.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use support::nuncio::{Nuncio, answer};
use support::{Answer, Sink};

use crate::recipients::rules_to;

fn said(nuncio: &Nuncio, arguments: &[&str]) -> String {
    let output = nuncio.run(arguments);
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_counts_every_delivery_of_the_range_not_only_the_newest() {
    let sink = Sink::start().await;
    sink.answer("/hook", vec![Answer::status(403); 30]);
    let nuncio = Nuncio::with_rules(&rules_to(&sink, "group: ops, throttle: { max: 30, per: hours=1 }")).await;
    nuncio.accept(&json!(vec![json!({ "action": "login_failed" }); 30])).await;
    let is_dead = |summary: &Value, dead: u64| summary["transports"][0]["dead"] == json!(dead);
    nuncio.get_until("/v1/deliveries/summary", |summary| is_dead(summary, 30)).await;
    // More suppressed ones than a page of the list can have, all newer.
    nuncio.accept(&json!(vec![json!({ "action": "login_failed" }); 1000])).await;
    nuncio.accept(&json!(vec![json!({ "action": "login_failed" }); 200])).await;
    let all = |summary: &Value| summary["transports"][0]["suppressed"] == json!(1200);
    let summary = nuncio.get_until("/v1/deliveries/summary", all).await;
    let [hook] = &summary["transports"].as_array().unwrap()[..] else { panic!("{summary}") };
    let counts = ["delivered", "pending", "retrying", "dead", "failing"].map(|state| hook[state].as_u64().unwrap());
    assert_eq!(counts, [0, 0, 0, 30, 0], "{summary}");
    assert_eq!((&hook["transport"], &hook["last_success"]), (&json!("hook"), &Value::Null));
    assert_eq!(hook["last_failure"]["why"], "the receiver answered 403");
    let causes = json!([{ "transport": "hook", "why": "the receiver answered 403", "count": 30 }]);
    assert_eq!((&summary["causes"], &summary["counted"]["deliveries"]), (&causes, &json!(1230)));

    // Nothing lies before, and a range that is not one is refused.
    let before = nuncio.get("/v1/deliveries/summary?until=2020-01-01T00:00:00Z").await;
    assert_eq!((&before["transports"], &before["counted"]["deliveries"]), (&json!([]), &json!(0)));
    assert_eq!(before["counted"]["from"], "2019-12-31T00:00:00.000000Z");
    let (status, _) = answer(nuncio.request(Method::GET, "/v1/deliveries/summary?since=soon")).await;
    assert_eq!(status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_digest_that_died_was_not_delivered() {
    let sink = Sink::start().await;
    sink.answer("/hook", [Answer::status(403)]);
    let nuncio = Nuncio::with_rules(&rules_to(&sink, "group: ops, digest: { window: seconds=2 }")).await;
    nuncio.accept(&json!([{ "action": "login_failed" }, { "action": "login_failed" }])).await;
    // Which of the two opens the digest is left to chance.
    let collected = nuncio.results("/v1/deliveries?state=suppressed", 1).await;
    let pk = collected[0]["event"].as_str().unwrap().to_owned();
    let path = format!("/v1/events/{pk}/trace");
    let of_digest = |trace: &Value| trace["rules"][0]["deliveries"][0]["suppressed"].clone();
    let waiting = nuncio.get_until(&path, |trace| of_digest(trace)["state"] == "retrying").await;
    assert_eq!(of_digest(&waiting)["by"], "digest");
    let died = nuncio.get_until(&path, |trace| of_digest(trace)["state"] == "dead").await;
    assert_eq!(of_digest(&died)["error"], "the receiver answered 403");
    let explained = said(&nuncio, &["explain", &pk]);
    assert!(explained.contains("the digest is dead: the receiver answered 403"), "{explained}");
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_shows_messages_and_no_microseconds() {
    let sink = Sink::start().await;
    sink.answer("/hook", [Answer::status(500)]);
    let rules = rules_to(&sink, "group: ops").replace(
        "event_matcher: { action: login_failed }",
        "expression: \"ak_message('from a new country')\\nreturn True\"",
    );
    let nuncio = Nuncio::with_rules(&rules).await;
    let pk = nuncio.accept(&json!({ "action": "login_failed" })).await.remove(0);
    nuncio.results(&format!("/v1/deliveries?event={pk}&state=retrying"), 1).await;
    let explained = said(&nuncio, &["explain", &pk]);
    assert!(explained.contains("message: from a new country"), "{explained}");
    assert!(explained.contains("next attempt 20") && explained.contains(" UTC"), "{explained}");
    let is_instant = |word: &str| word.starts_with("20") && word.trim_end_matches(',').ends_with('Z');
    assert!(!explained.split_whitespace().any(is_instant), "{explained}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_counted_by_the_minute_and_ranges_are_cut() {
    let nuncio = Nuncio::built_in().await;
    let event = |time: &str| json!({ "action": "login", "created": format!("2026-01-01T{time}Z") });
    nuncio.accept(&json!(["05:01:59", "05:02:00", "05:02:59", "05:07:00", "06:30:00"].map(event))).await;
    let count = |time: &str, count: u8| json!({ "time": format!("2026-01-01T{time}.000000Z"), "action": "login", "count": count });
    for (query, expected) in [
        ("bucket=1m&since=2026-01-01T05:02:30Z&until=2026-01-01T05:07:00Z", vec![count("05:02:00", 2)]),
        (
            "bucket=5m&since=2026-01-01T05:02:00Z&until=2026-01-01T06:00:00Z",
            vec![count("05:00:00", 2), count("05:05:00", 1)],
        ),
        ("bucket=1d&since=2026-01-01T06:10:00Z&until=2026-01-01T07:00:00Z", vec![count("00:00:00", 1)]),
        ("bucket=6h&since=2026-01-01T00:00:00Z&until=2026-01-01T06:00:00Z", vec![count("00:00:00", 4)]),
    ] {
        assert_eq!(nuncio.get(&format!("/v1/events/volume?{query}")).await["results"], json!(expected), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_counts_for_what_the_filter_finds() {
    let nuncio = Nuncio::built_in().await;
    let login = |user: &str, named: Option<&str>| match named {
        Some(named) => {
            json!({ "action": "login_failed", "user": { "username": user }, "context": { "username": named } })
        }
        None => json!({ "action": "login", "user": { "username": user } }),
    };
    let events = [
        login("ann", None),
        login("ann", None),
        login("Ann", None),
        login("AnonymousUser", Some("ANN")),
        login("ann", Some("ann")),
        login("bob", None),
    ];
    nuncio.accept(&json!(events)).await;
    let hour = &nuncio.get("/v1/events?limit=1").await["results"][0]["created"].as_str().unwrap()[..13].to_owned();
    // By the counts of the hours, and by reading the events.
    for since in [format!("{hour}:00:00Z"), "2020-01-01T00:00:01Z".to_owned()] {
        let top = nuncio.get(&format!("/v1/events/top?by=username&since={since}")).await;
        let found = nuncio.get("/v1/events?username=ann").await["results"].as_array().unwrap().len();
        assert_eq!(top["results"][0], json!({ "value": "ann", "count": found }), "{top}");
        assert_eq!(found, 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn networks_are_found_by_filter_query_and_export() {
    let nuncio = Nuncio::built_in().await;
    let from = |address: &str| json!({ "action": "login", "client_ip": address });
    nuncio.accept(&json!(["203.0.113.7", "203.0.113.200", "203.0.114.1", "2001:db8::7"].map(from))).await;
    let found = async |query: &str| {
        let page = nuncio.get(&format!("/v1/events?{query}")).await;
        assert_ne!(page["search"]["as"], "text", "{page}");
        let addresses = page["results"].as_array().unwrap().iter().map(|one| one["client_ip"].as_str().unwrap());
        let mut addresses: Vec<_> = addresses.map(str::to_owned).collect();
        addresses.sort();
        addresses
    };
    assert_eq!(found("client_ip=203.0.113.0/24").await, ["203.0.113.200", "203.0.113.7"]);
    assert_eq!(found("client_ip=203.0.113.0%2F25").await, ["203.0.113.7"]);
    assert_eq!(found("client_ip=2001:db8::/32").await, ["2001:db8::7"]);
    assert_eq!(found("search=client_ip+%3D+%22203.0.113.0/24%22").await.len(), 2);
    assert_eq!(found("search=client_ip+in+(%22203.0.114.0/24%22,+%22::/0%22)").await, ["2001:db8::7", "203.0.114.1"]);
    assert_eq!(found("search=client_ip+!%3D+%22203.0.112.0/22%22").await, ["2001:db8::7"]);
    assert_eq!(said(&nuncio, &["export", "--client-ip", "203.0.113.0/24"]).lines().count(), 2);
    let (status, problem) = answer(nuncio.request(Method::GET, "/v1/events?client_ip=203.0.113")).await;
    let detail = problem["detail"].as_str().unwrap();
    assert_eq!(status, 400);
    assert!(detail.contains("client_ip must be an address, or a network such as 192.0.2.0/24"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_takes_a_username_or_an_address() {
    let nuncio = Nuncio::built_in().await;
    nuncio.accept(&json!({ "action": "login", "user": { "username": "ann" } })).await;
    let tried = said(&nuncio, &["job", "erase", "--username", "ann", "--dry-run"]);
    assert!(tried.starts_with("erase (dry run): ") && tried.contains("1 events"), "{tried}");
    let nobody = said(&nuncio, &["job", "erase", "--dry-run"]);
    assert!(nobody.contains("--username <USERNAME>|--email <EMAIL>"), "{nobody}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_created_only_where_a_server_has_its_store() {
    let nuncio = Nuncio::built_in().await;
    let empty = nuncio.file("empty");
    std::fs::create_dir(&empty).unwrap();
    let folder = empty.to_str().unwrap();
    let refused = nuncio.run(&["token", "create", "--scope", "read", "--data", folder]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&refused.stdout), "", "no token is shown");
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(why.contains(folder) && why.contains("pass the data folder") && why.contains("--data"), "{why}");
    assert_eq!(std::fs::read_dir(&empty).unwrap().count(), 0, "no store is created");

    // The command of the sign-in page works as it is, in any folder, and asks for no token.
    let help = reqwest::Client::new().get(nuncio.at("/v1/session/help"));
    let (status, help) = answer(help.timeout(Duration::from_secs(10))).await;
    assert_eq!(status, 200);
    let command = help["command"].as_str().unwrap();
    let arguments: Vec<_> = command.strip_prefix("nuncio ").unwrap().split(' ').collect();
    assert_eq!(&arguments[..3], ["token", "create", "--data"], "{command}");
    let created = nuncio.command(&arguments).current_dir(&empty).output().unwrap();
    let token = String::from_utf8(created.stdout).unwrap();
    let (status, session) =
        answer(reqwest::Client::new().get(nuncio.at("/v1/session")).bearer_auth(token.trim())).await;
    assert_eq!((status, &session["username"]), (200, &json!("you")), "{session}");
}
