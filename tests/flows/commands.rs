//! The other commands, as a script uses them.

use std::io::Write as _;
use std::process::{Output, Stdio};

use reqwest::Method;
use serde_json::{Value, json};
use support::nuncio::{Nuncio, answer};
use support::pages::Page;
use support::{Received, Sink};

use crate::recipients::rules_to;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn check_reports_every_fault_with_its_place() {
    let nuncio = Nuncio::built_in().await;
    std::fs::write(nuncio.file("good.yaml"), "retention: days=30\n").unwrap();
    std::fs::write(nuncio.file("bad.yaml"), "retention: soon\nrules:\n  a: { group: ops, transports: [hook] }\n")
        .unwrap();
    assert_eq!(nuncio.run(&["check", "good.yaml"]).status.code(), Some(0));
    let bad = nuncio.run(&["check", "bad.yaml"]);
    assert_eq!(bad.status.code(), Some(1));
    let lines: Vec<String> = String::from_utf8(bad.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for (line, start) in lines.iter().zip(["bad.yaml:1:12: ", "bad.yaml:3:15: ", "bad.yaml:3:33: "]) {
        assert!(line.starts_with(start), "{line}");
        assert!(line.contains("; "), "a fault has a hint: {line}");
    }
    let json = nuncio.run(&["check", "--json", "bad.yaml"]);
    let first: Value = serde_json::from_slice(json.stdout.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert_eq!((&first["file"], &first["line"], &first["column"]), (&json!("bad.yaml"), &json!(1), &json!(12)));
    assert_eq!(nuncio.run(&["check", "missing.yaml"]).status.code(), Some(1));
    let schema: Value = serde_json::from_slice(&nuncio.run(&["schema"]).stdout).unwrap();
    assert_eq!(schema["title"], "nuncio.yaml");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_reports_a_secret_that_cannot_sign() {
    let nuncio = Nuncio::built_in().await;
    let rules = "transports:\n  siem: { mode: webhook, url: https://siem.example.org/, secret: [\"env:GOOD_KEY\", \"env:BAD_KEY\"] }\n";
    std::fs::write(nuncio.file("secrets.yaml"), rules).unwrap();
    let check = |bad: &str| {
        let secret = ["whsec", "_", "YWFhYWFhYWFhYWFhYWFhYQ=="].concat();
        let mut command = nuncio.command(&["check", "secrets.yaml"]);
        command.env("GOOD_KEY", &secret).env("BAD_KEY", format!("{bad}{secret}"));
        command.output().unwrap()
    };
    assert_eq!(check("").status.code(), Some(0));
    let found = check("v1,");
    assert_eq!(found.status.code(), Some(1));
    let said = said(&found);
    assert!(said.starts_with("secrets.yaml:2:") && said.contains("env:BAD_KEY") && said.contains("whsec_"), "{said}");
    assert!(!said.contains("YWFh"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_file_of_the_readme_is_valid() {
    let [shown] = &Page::read("README.md").blocks("yaml")[..] else { panic!("the README shows one rules file") };
    let nuncio = Nuncio::built_in().await;
    std::fs::write(nuncio.file("readme.yaml"), shown).unwrap();
    let checked = nuncio.run(&["check", "readme.yaml"]);
    assert_eq!(said(&checked), "readme.yaml: valid\n", "neither fault nor warning");
}

#[tokio::test(flavor = "multi_thread")]
async fn match_says_which_rules_and_why() {
    let nuncio = Nuncio::built_in().await;
    std::fs::write(
        nuncio.file("rules.yaml"),
        "policies:\n  net: { event_matcher: { client_ip: 192.0.2.0/24 } }\n  failed: { event_matcher: { action: login_failed } }\n\
         rules:\n  both: { policies: [failed, net], mode: all }\n  not-net: { policies: [{ policy: net, negate: true }] }\n",
    )
    .unwrap();
    let mut child = nuncio
        .command(&["match", "--rules", "rules.yaml", "--event", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(br#"{"action":"login_failed","client_ip":"192.0.2.7"}"#).unwrap();
    let output = child.wait_with_output().unwrap();
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["rule"], "both");
    assert_eq!(lines[0]["matched"], true);
    assert_eq!(lines[0]["policies"][0]["policy"], "failed");
    assert_eq!(lines[0]["policies"][1]["passed"], true);
    assert_eq!(lines[1]["matched"], false);
    assert!(lines[1]["policies"][0]["why"].as_str().unwrap().contains("negated"), "{}", lines[1]);
}

/// The same as posting the event, which `functions/ingest/tests/http` tests.
#[tokio::test(flavor = "multi_thread")]
async fn match_reads_an_event_as_posting_does() {
    let nuncio = Nuncio::not_started("retention: days=30\n");
    let run = |event: &str| {
        std::fs::write(nuncio.file("event.json"), event).unwrap();
        nuncio.run(&["match", "--rules", "rules.yaml", "--event", "event.json"])
    };
    let nul = run(r#"{"action":"login","context":{"a":["x\u0000"]}}"#);
    let expected = "event.json: /context/a/0: contains a NUL character (U+0000); remove it";
    assert!(nul.status.code() == Some(1) && said(&nul).contains(expected), "{}", said(&nul));
    let twice = run(r#"{"action":"login","context":{"a":1,"a":2}}"#);
    assert!(twice.status.success(), "{}", said(&twice));
    assert_eq!(said(&twice), "/context/a: duplicate key, the last value is kept\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_tries_rules_on_history_and_sends_nothing() {
    let nuncio = Nuncio::built_in().await;
    let events: Vec<Value> = (0..2500)
        .map(|number| json!({ "action": if number % 5 == 0 { "update_available" } else { "login" } }))
        .collect();
    for batch in events.chunks(500) {
        nuncio.accept(&json!(batch)).await;
    }
    nuncio.get_until("/v1/deliveries?state=pending", |body| body["results"] == json!([])).await;
    let before = nuncio.get("/v1/notifications?limit=1000").await["results"].as_array().unwrap().len();
    std::fs::write(
        nuncio.file("new.yaml"),
        "groups: { ops: [{ username: ann, email: ann@example.org }, { username: bob }] }\n\
         policies: { any-login: { event_matcher: { action: login } } }\n\
         rules: { logins: { group: ops, transports: [default-local-transport], policies: [any-login] } }\n",
    )
    .unwrap();
    let report = nuncio.run(&["dry-run", "--config", "new.yaml", "--since", "1d", "--json"]);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap_or_else(|_| panic!("{}", said(&report)));
    assert_eq!(report["events"], 2500);
    let only_day = |rule: &str| report["rules"][rule].as_object().unwrap().values().next().unwrap().clone();
    let none = json!({ "matches": 0, "deliveries": 0 });
    assert_eq!(only_day("logins"), json!({ "old": none, "new": { "matches": 2000, "deliveries": 4000 } }));
    assert_eq!(
        only_day("default-notify-update"),
        json!({ "old": { "matches": 500, "deliveries": 1000 }, "new": none })
    );
    assert_eq!(report["differences"]["logins"]["gained"], 2000);
    assert_eq!(report["differences"]["logins"]["gained_examples"].as_array().unwrap().len(), 5);
    assert_eq!(report["messages"], json!({ "logins": { "ann": 2000, "bob": 2000 } }));
    let readable = said(&nuncio.run(&["dry-run", "--config", "new.yaml", "--since", "1d"]));
    assert!(readable.contains("0 → 2000") && readable.contains("500 → 0"), "{readable}");
    let after = nuncio.get("/v1/notifications?limit=1000").await["results"].as_array().unwrap().len();
    assert_eq!(before, after, "nothing was sent");
    assert_eq!(nuncio.get("/v1/notifications?username=ann").await["results"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_shows_what_receivers_get() {
    let sink = Sink::start().await;
    let mapped = r#"headers: 'return {"X-Source": "nuncio", "Authorization": "Basic open"}', body: 'return {"what": request.context["notification"].body}' }"#;
    let everybody = format!("url: \"{}\"", sink.url("/everybody"));
    let rules = rules_to(&sink, "group: ops").replace(&format!("{everybody} }}"), &format!("{everybody}, {mapped}"));
    assert!(rules.contains(mapped), "{rules}");
    let nuncio = Nuncio::with_rules(&rules).await;
    let pk =
        nuncio.accept(&json!({ "action": "custom_fan_out", "context": { "message": "It happened" } })).await.remove(0);
    nuncio.results(&format!("/v1/deliveries?event={pk}&state=delivered"), 7).await;

    let tried = nuncio.run(&["dry-run", "--config", "rules.yaml", "--since", "1d", "--payloads", "--json"]);
    let tried: Value = serde_json::from_slice(&tried.stdout).unwrap_or_else(|_| panic!("{}", said(&tried)));
    let shown = tried["payloads"].as_array().unwrap();
    let by = |transport: &str| {
        let one = shown.iter().find(|one| one["transport"] == transport).unwrap_or_else(|| panic!("{tried:#}"));
        assert_eq!((&one["event"], &one["recipient"]), (&json!(pk), &json!("ann")));
        one["sent"].clone()
    };
    assert_eq!(shown.len(), 4, "one event by four transports: {tried:#}");
    for (transport, path) in [("everybody", "/everybody"), ("chat", "/chat")] {
        let sent = by(transport);
        // Its span is the delivery's own: there is another one to bob.
        let same = |one: &Received| sent["headers"]["traceparent"] == *one.header("traceparent");
        let received = sink.received_at(path).into_iter().find(same).unwrap_or_else(|| panic!("{sent:#}"));
        assert_eq!((&sent["kind"], &sent["body"]), (&json!("request"), &received.json()), "{transport}");
        for (name, value) in sent["headers"].as_object().unwrap() {
            let expected = if name == "authorization" { domain::admission::mask::MASK } else { received.header(name) };
            assert_eq!(value, expected, "{transport}: {name}");
        }
        assert_eq!(sent["headers"]["content-type"], "application/json");
    }
    assert_eq!(by("everybody")["body"], json!({ "what": "It happened" }));
    let mail = by("default-email-transport");
    assert_eq!(
        (&mail["to"], &mail["subject"]),
        (&json!("ann <ann@example.org>"), &json!("Nuncio notification: custom_fan_out"))
    );
    assert!(mail["text"].as_str().unwrap().contains("It happened"), "{mail}");
    assert_eq!(by("default-local-transport")["body"], "It happened");
    let readable = said(&nuncio.run(&["dry-run", "--config", "rules.yaml", "--since", "1d", "--payloads"]));
    assert!(
        readable.contains("fan-out by everybody to ann, of ") && readable.contains("    x-source: nuncio\n"),
        "{readable}"
    );
    assert_eq!(sink.received().len(), 3, "nothing more was sent: to two people, and to the chat");
}

#[tokio::test(flavor = "multi_thread")]
async fn send_posts_files_and_names_what_was_rejected() {
    let nuncio = Nuncio::built_in().await;
    let line = |number| format!("{{\"action\":\"login\",\"context\":{{\"n\":{number}}}}}");
    let lines = (0..1200).map(line).collect::<Vec<_>>().join("\n");
    std::fs::write(nuncio.file("many.ndjson"), lines).unwrap();
    std::fs::write(nuncio.file("some.json"), r#"[{"action":"logout"}, {"action":"Nope"}, {"action":"logout"}]"#)
        .unwrap();
    let good = nuncio.run(&["send", "many.ndjson"]);
    assert!(good.status.success(), "{}", said(&good));
    assert!(said(&good).contains("1200 accepted, 0 rejected"), "{}", said(&good));
    let mixed = nuncio.run(&["send", "some.json"]);
    assert_eq!(mixed.status.code(), Some(1));
    assert!(said(&mixed).contains("some.json: event 2: /action: "), "{}", said(&mixed));
    assert!(said(&mixed).contains("2 accepted, 1 rejected"), "{}", said(&mixed));
    let page = nuncio.get("/v1/events?action=logout").await;
    assert_eq!(page["results"].as_array().unwrap().len(), 2);
    let kept = r#"{"action":"login","expires":"2030-01-01T00:00:00Z"}"#;
    std::fs::write(nuncio.file("kept.ndjson"), [kept; 22].join("\n")).unwrap();
    let kept = nuncio.run(&["send", "kept.ndjson"]);
    assert!(kept.status.success(), "{}", said(&kept));
    for expected in [
        "kept.ndjson: event 2: note: /expires: ignored; Nuncio sets expires by the retention of the action",
        "2 more notes are not shown",
        "22 accepted, 0 rejected",
    ] {
        assert!(said(&kept).contains(expected), "{}", said(&kept));
    }
    let broken = nuncio.run(&["send", "--token", "wrong", "some.json"]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(said(&broken).contains("401"), "{}", said(&broken));
    assert!(!said(&broken).contains("wrong"));
}

#[tokio::test(flavor = "multi_thread")]
async fn send_loses_no_event_to_another_that_is_corrupt() {
    let nuncio = Nuncio::built_in().await;
    let good = br#"{"action":"login"}"#;
    let mut lines = b"\xef\xbb\xbf".to_vec();
    for number in 0..1200 {
        let bad: &[&[u8]] = &[
            b"{oops",
            br#"{"action":"b","context":{"s":"cut \ud83d"}}"#,
            b"{\"action\":\"b\",\"context\":{\"s\":\"\xff\"}}",
            br#"{"action":"b","context":{"s":1e400}}"#,
        ];
        lines.extend_from_slice(if number % 300 == 7 { bad[number / 300] } else { good });
        lines.push(b'\n');
    }
    let large =
        format!("[{{\"action\":\"b\",\"context\":{{\"s\":\"{}\"}}}},{{\"action\":\"login\"}}]", "x".repeat(6_000_000));
    std::fs::write(nuncio.file("many.ndjson"), lines).unwrap();
    std::fs::write(nuncio.file("large.json"), large).unwrap();
    let sent = nuncio.run(&["send", "many.ndjson", "large.json"]);
    assert_eq!(sent.status.code(), Some(1));
    let said = said(&sent);
    for words in [
        "many.ndjson: event 8: line 8: not JSON: ",
        "many.ndjson: event 308: /context/s: half of a surrogate pair",
        "many.ndjson: event 608: not UTF-8",
        "many.ndjson: event 908: /context/s: number out of range",
        "large.json: event 1: 413 the body is larger than",
        "1197 accepted, 5 rejected",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_open_what_they_may_until_they_are_revoked() {
    let nuncio = Nuncio::built_in().await;
    let create = |arguments: &[&str]| {
        let output = nuncio.run(&[&["token", "create"], arguments].concat());
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let post = async |token: &str| {
        let request = reqwest::Client::new().post(nuncio.at("/v1/events")).bearer_auth(token);
        answer(request.json(&json!({ "action": "login" }))).await.0
    };
    let read =
        async |token: &str| answer(reqwest::Client::new().get(nuncio.at("/v1/events")).bearer_auth(token)).await.0;
    let ingest = create(&["--scope", "ingest", "--note", "shop"]);
    assert_eq!((post(&ingest).await, read(&ingest).await), (202, 403));
    let reader = create(&["--scope", "read"]);
    assert_eq!((post(&reader).await, read(&reader).await), (403, 200));
    let brief = create(&["--scope", "read", "--expires", "milliseconds=1"]);
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    assert_eq!((read(&brief).await, read("nonsense").await), (401, 401));

    let list = said(&nuncio.run(&["token", "list"]));
    let line = list.lines().find(|line| line.ends_with("shop")).unwrap();
    assert!(!list.contains(&ingest));
    let id = line.split_whitespace().next().unwrap();
    assert!(nuncio.run(&["token", "revoke", id]).status.success());
    assert_eq!(post(&ingest).await, 401);
    assert_eq!(nuncio.run(&["token", "revoke", "nope"]).status.code(), Some(1));
    assert_eq!(answer(nuncio.request(Method::GET, "/v1/events")).await.0, 200);
}
