//! Storm control as users see it: suppressed notifications are listed with their causes.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use support::nuncio::{Nuncio, answer};
use support::{Received, Sink};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_is_tried_put_in_force_and_ended() {
    let sink = Sink::start().await;
    let in_file = "silences: [{ event_matcher: { client_ip: 192.0.2.9 }, reason: own scanner, by: bob, ends: 2100-01-01T00:00:00Z }]";
    let nuncio = Nuncio::with_rules(&format!("{}{in_file}\n", stormy(&sink, "enabled: true"))).await;
    let from = |address: &str| json!({ "action": "login_failed", "client_ip": address });
    let post = async |path: &str, body: &Value| answer(nuncio.request(Method::POST, path).json(body)).await;

    nuncio.accept(&from("192.0.2.9")).await;
    let kept = nuncio.results("/v1/deliveries?state=suppressed", 1).await.remove(0);
    let why = "silenced by bob until 2100-01-01 00:00:00 UTC: own scanner (file-1)";
    assert_eq!((&kept["suppressed"]["by"], &kept["suppressed"]["why"]), (&json!("silence"), &json!(why)));
    let told = nuncio.accept(&json!([from("192.0.2.7"), from("192.0.2.8"), { "action": "login" }])).await;
    sink.wait_for(2, SOON).await;

    // The notifications that the silence would suppress if it were in force.
    let network = json!({ "rules": ["failed"], "event_matcher": { "client_ip": "192.0.2.0/29" } });
    let (status, preview) = post("/v1/silences/preview", &network).await;
    assert_eq!(status, 200, "{preview}");
    let report = json!({ "events": 4, "silenced": 1, "rules": { "failed": { "events": 1, "deliveries": 1 } }, "examples": [told[0]] });
    assert_eq!(preview, json!({ "report": report, "next": null }));
    let (_, first) = post("/v1/silences/preview?limit=1", &json!({ "rules": ["failed"] })).await;
    let rest = format!("/v1/silences/preview?cursor={}", first["next"].as_str().unwrap());
    let (_, rest) = post(&rest, &json!({ "rules": ["failed"] })).await;
    let count = |part: &Value, what: &str| part["report"][what].as_u64().unwrap();
    assert_eq!((count(&first, "events"), count(&rest, "events")), (1, 3));
    assert_eq!(count(&first, "silenced") + count(&rest, "silenced"), 3);

    // A faulty silence is rejected, with every fault.
    let (status, problem) = post("/v1/silences", &json!({ "rules": ["faild"], "reason": "x", "by": "ann" })).await;
    assert_eq!(status, 422);
    let hints: Vec<&str> =
        problem["faults"].as_array().unwrap().iter().map(|fault| fault["hint"].as_str().unwrap()).collect();
    assert!(hints.contains(&"did you mean \"failed\"?") && hints.len() == 3, "{problem}");
    assert_eq!(post("/v1/silences", &json!({ "rules": ["failed"], "reason": "x", "starts": "2020-01-01T00:00:00Z", "ends": "2020-01-02T00:00:00Z" })).await.0, 422);

    // The silence is in force: no one is notified, and the trace says who silenced it and why.
    let mut wanted = network.clone();
    wanted["reason"] = json!("network test");
    wanted["ends"] = json!("2100-01-01T00:00:00Z");
    let (status, made) = post("/v1/silences", &wanted).await;
    assert_eq!((status, &made["state"], &made["source"]), (201, &json!("active"), &json!("api")), "{made}");
    let author = made["by"].as_str().unwrap();
    let pk = nuncio.accept(&from("192.0.2.7")).await.remove(0);
    nuncio.results("/v1/deliveries?state=suppressed", 2).await;
    let explained = said(&nuncio, &["explain", &pk]);
    assert!(explained.contains(&format!("by silence: silenced by {author} until 2100")), "{explained}");
    nuncio.accept(&from("192.0.2.8")).await;
    sink.wait_for(3, SOON).await;

    // The silence has ended: notifications are sent again. It stays listed; the one of the file cannot be ended here.
    let all = nuncio.get("/v1/silences").await;
    assert_eq!(all["results"].as_array().map(Vec::len), Some(2), "{all}");
    let path = format!("/v1/silences/{}", made["id"].as_str().unwrap());
    let (status, ended) = answer(nuncio.request(Method::DELETE, &path)).await;
    assert_eq!((status, &ended["state"]), (200, &json!("expired")));
    nuncio.accept(&from("192.0.2.7")).await;
    sink.wait_for(4, SOON).await;
    let active = nuncio.get("/v1/silences?state=active").await;
    assert_eq!(active["results"][0]["id"], "file-1");
    assert_eq!(nuncio.get("/v1/silences?state=expired&limit=1").await["results"][0], ended);
    assert_eq!(answer(nuncio.request(Method::DELETE, "/v1/silences/file-1")).await.0, 409);
    assert_eq!(answer(nuncio.request(Method::DELETE, "/v1/silences/nope")).await.0, 404);
    let reader = said(&nuncio, &["token", "create", "--scope", "read"]);
    let refused = reqwest::Client::new().post(nuncio.at("/v1/silences")).bearer_auth(reader.trim()).json(&wanted);
    assert_eq!(answer(refused).await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_is_one_message_that_survives_a_crash() {
    let sink = Sink::start().await;
    let rules = stormy(&sink, "digest: { window: seconds=4, by: [client_ip] }")
        .replace("transports: [hook]", "transports: [hook, chat, default-email-transport, default-local-transport]");
    let mut nuncio = Nuncio::with_rules(&rules).await;
    let failed = |number: usize| {
        json!({
            "action": "login_failed", "client_ip": "192.0.2.7", "user": { "username": format!("user-{number}") },
            "context": { "message": format!("Wrong password for <b>user-{number}</b>") },
        })
    };
    for batch in 0..4 {
        nuncio.accept(&json!((0..3).map(|place| failed(3 * batch + place)).collect::<Vec<_>>())).await;
    }
    let alone = nuncio.accept(&json!({ "action": "login_failed", "client_ip": "192.0.2.8" })).await.remove(0);
    // Webhook, chat, and two people by mail and inbox: six lanes, in each eleven that wait for the first.
    let collected = nuncio.results("/v1/deliveries?state=suppressed&limit=100", 66).await;
    assert_eq!((collected.len(), sink.received().len()), (66, 0));
    let waiting = nuncio.results("/v1/deliveries?state=retrying", 12).await;
    let cause = &collected[0]["suppressed"];
    assert_eq!(cause["by"], "digest");
    assert!(
        waiting
            .iter()
            .any(|carrier| carrier["id"] == cause["delivery"] && carrier["digest"]["closes"] == cause["until"])
    );
    nuncio.kill();
    nuncio.start().await;

    sink.wait_for(4, Duration::from_secs(30)).await;
    let received = |path: &str| sink.received_at(path).iter().map(Received::json).collect::<Vec<Value>>();
    let (single, digests): (Vec<_>, Vec<_>) =
        received("/hook").into_iter().partition(|one| one.get("digest").is_none());
    assert_eq!((single.len(), &single[0]["body"]), (1, &json!("login_failed")), "one event alone is told of as itself");
    let digest = &digests[0]["digest"];
    assert_eq!((&digest["count"], digest["samples"].as_array().map(Vec::len)), (&json!(12), Some(10)));
    let body = digests[0]["body"].as_str().unwrap();
    assert!(body.starts_with("12 × login_failed from ") && body.contains("\n…  2 more events\n"), "{body}");
    let chats = received("/chat");
    assert!(chats.iter().any(|chat| chat["attachments"][0]["title"] == "login_failed (12 events)"), "{chats:?}");
    nuncio.results(&format!("/v1/deliveries?event={alone}&state=delivered"), 6).await;

    let inbox = nuncio.results("/v1/notifications?username=ann", 2).await;
    assert_eq!(
        inbox.iter().filter(|item| item["body"].as_str().unwrap().starts_with("12 × login_failed from ")).count(),
        1
    );
    nuncio.results("/v1/deliveries?state=delivered", 12).await;
    let mails = nuncio.mails();
    let digest: Vec<&String> = mails.iter().filter(|mail| mail.contains("12 events")).collect();
    assert_eq!((mails.len(), digest.len()), (4, 2), "one to each of the two");
    assert_eq!(sink.received().len(), 4, "nothing is sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_counts_what_storm_control_leaves() {
    let nuncio = Nuncio::built_in().await;
    // Twelve at one minute's distance, posted out of order; and twelve a day later.
    let at = |day: usize, minute: usize| json!({ "action": "login", "created": format!("2026-01-{day:02}T12:{minute:02}:00Z"), "client_ip": "192.0.2.7" });
    for day in [3, 2] {
        let events: Vec<Value> = (0..12).map(|place| at(day, place * 5 % 12)).collect();
        nuncio.accept(&json!(events)).await;
    }
    let rules = |control: &str| {
        format!(
            "groups: {{ ops: [ann, bob] }}\npolicies: {{ any: {{ event_matcher: {{ action: login }} }} }}\n\
             rules: {{ logins: {{ group: ops, transports: [default-local-transport], policies: [any], {control} }} }}\n"
        )
    };
    for (control, deliveries, suppressed) in [
        ("enabled: true", 24, json!(null)),
        ("throttle: { max: 5, per: hours=1 }", 10, json!({ "throttle": 28 })),
        // At 12:00, 12:05 and 12:10 windows open.
        ("digest: { window: minutes=5 }", 6, json!({ "digest": 36 })),
        (
            "throttle: { max: 7, per: hours=1, by: client_ip }, digest: { window: minutes=5 }",
            4,
            json!({ "digest": 20, "throttle": 20 }),
        ),
        ("mute: [{ from: \"13:00\", to: \"13:10\", zone: Europe/Berlin }]", 4, json!({ "mute": 40 })),
    ] {
        std::fs::write(nuncio.file("new.yaml"), rules(control)).unwrap();
        let ran = nuncio.run(&["dry-run", "--config", "new.yaml", "--since", "1000w", "--json"]);
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let days = &report["rules"]["logins"];
        for day in ["2026-01-02", "2026-01-03"] {
            assert_eq!(days[day]["new"], json!({ "matches": 12, "deliveries": deliveries }), "{control}: {report}");
        }
        assert_eq!(report["suppressed"]["logins"], suppressed, "{control}: {report}");
        assert_eq!(
            report["messages"]["logins"],
            json!({ "ann": deliveries, "bob": deliveries }),
            "{control}: {report}"
        );

        // The API decides for the part that was asked for.
        let path = "/v1/rules/dry-run?since=2026-01-01T00:00:00Z&limit=1000";
        let whole = answer(nuncio.request(Method::POST, path).body(rules(control))).await.1;
        assert_eq!(whole["report"]["rules"], report["rules"], "{control}");
    }
}
