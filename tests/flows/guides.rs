//! The guides, followed as they are written: each rules document with a receiver, each command, and the messages that
//! arrive.

use std::process::Command;
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use support::Sink;
use support::nuncio::Nuncio;
use support::pages::Page;

use crate::documented::{curl, words};

const SOON: Duration = Duration::from_secs(10);
/// The environment variables of a guide's reader, and the part of a document that only a test needs.
const LOOPBACK: &str = "allow_networks: [127.0.0.0/8]\n";

fn guide(name: &str) -> Page {
    Page::read(&format!("functions/rulesfile/guides/{name}.md"))
}

/// A server with the guide's document, whose receiver is the sink.
async fn follow(document: &str, variable: &str, sink: &Sink) -> Nuncio {
    let mut nuncio = Nuncio::not_started(&format!("{LOOPBACK}{document}"));
    nuncio.set(variable, &sink.url("/hook"));
    nuncio.start().await;
    nuncio
}

/// Posts a failed login; returns the request that the receiver gets.
async fn failed_login(nuncio: &Nuncio, sink: &Sink) -> Value {
    nuncio
        .accept(&json!({
            "action": "login_failed",
            "app": "shop.web",
            "user": { "username": "bob" },
            "context": { "message": "Wrong password *3* times", "hyperlink": "https://shop.example.org/users/bob" },
        }))
        .await;
    sink.wait_for(1, SOON).await[0].json()
}

/// Runs the page's test of a transport.
fn test_transport(nuncio: &Nuncio, page: &Page) {
    let line = page.shell().into_iter().find(|line| line.contains("/test")).unwrap();
    let tested = curl(nuncio, &line);
    assert_eq!(tested["delivered"], true, "{tested}");
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_gets_an_adaptive_card() {
    let (page, sink) = (guide("microsoft-teams"), Sink::start().await);
    let nuncio = follow(&page.blocks("yaml")[0], "TEAMS_URL", &sink).await;
    let message = failed_login(&nuncio, &sink).await;
    assert_eq!(message["type"], "message");
    let attachment = &message["attachments"][0];
    assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
    let card = &attachment["content"];
    assert_eq!((&card["type"], &card["version"]), (&json!("AdaptiveCard"), &json!("1.4")));
    assert_eq!(card["body"][1]["text"], "Wrong password *3* times");
    assert_eq!(card["body"][2]["facts"][2], json!({ "title": "User", "value": "bob" }));
    assert_eq!(card["actions"][0]["url"], "https://shop.example.org/users/bob");
    test_transport(&nuncio, &page);
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_rooms_get_their_formats() {
    let page = guide("chat-rooms");
    let [slack, changed, matrix] = &page.blocks("yaml")[..] else { panic!("three documents") };

    let sink = Sink::start().await;
    let nuncio = follow(slack, "CHAT_URL", &sink).await;
    let message = failed_login(&nuncio, &sink).await;
    assert_eq!(message["attachments"][0]["title"], "login_failed");
    test_transport(&nuncio, &page);

    let sink = Sink::start().await;
    let nuncio = follow(changed, "CHAT_URL", &sink).await;
    test_transport(&nuncio, &page);
    let message = sink.received()[0].json();
    assert_eq!(message["channel"], "security");
    assert!(message["attachments"][0]["pretext"].is_string(), "{message}");

    let sink = Sink::start().await;
    let nuncio = follow(matrix, "MATRIX_URL", &sink).await;
    let message = failed_login(&nuncio, &sink).await;
    let text = "**login_failed** (alert): Wrong password *3* times https://shop.example.org/users/bob";
    assert_eq!(message, json!({ "text": text, "username": "Nuncio" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn pagerduty_gets_an_alert() {
    let (page, sink) = (guide("pagerduty"), Sink::start().await);
    let document = page.blocks("yaml")[0].replace("https://events.pagerduty.com/v2/enqueue", &sink.url("/hook"));
    assert!(document.contains("127.0.0.1"));
    let nuncio = follow(&document, "UNUSED", &sink).await;
    let line = page.shell().into_iter().find(|line| line.starts_with("curl")).unwrap();
    assert_eq!(curl(&nuncio, &line)["results"][0]["status"], "accepted");
    let alert = sink.wait_for(1, SOON).await[0].json();
    let pk = alert["payload"]["custom_details"]["pk"].clone();
    assert_eq!(
        alert,
        json!({
            "routing_key": "YOUR_INTEGRATION_KEY",
            "event_action": "trigger",
            "dedup_key": "backup_failed/shop.database",
            "payload": {
                "summary": "The nightly backup failed",
                "source": "shop.database",
                "severity": "critical",
                "timestamp": alert["payload"]["timestamp"],
                "class": "backup_failed",
                "custom_details": { "user": null, "client_ip": null, "pk": pk },
            },
            "client": "Nuncio",
        })
    );
    assert!(alert["payload"]["timestamp"].as_str().unwrap().contains('T'), "{alert}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_signs_beside_the_old_one() {
    let (page, sink) = (guide("signing-secrets"), Sink::start().await);
    let make = page.shell().into_iter().find(|line| line.starts_with("printf")).unwrap();
    let secret = || String::from_utf8(Command::new("sh").args(["-c", &make]).output().unwrap().stdout).unwrap();
    let both = page.blocks("yaml")[1].replace("https://siem.example.org/in", &sink.url("/hook"));
    let mut nuncio = Nuncio::not_started(&format!(
        "{LOOPBACK}{both}groups: {{ ops: [ann] }}\npolicies: {{ all: {{ event_matcher: {{}} }} }}\n\
         rules: {{ all: {{ group: ops, transports: [siem], policies: [all] }} }}\n"
    ));
    for name in ["SIEM_SECRET", "SIEM_SECRET_2"] {
        nuncio.set(name, secret().trim());
    }
    let checked = nuncio.run(&["check", "rules.yaml"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    nuncio.start().await;
    nuncio.accept(&json!({ "action": "login" })).await;
    let request = sink.wait_for(1, SOON).await.remove(0);
    assert_eq!(request.header("webhook-signature").split(' ').filter(|one| one.starts_with("v1,")).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_token_reads_until_it_is_revoked() {
    let page = Page::read("functions/nuncio/guides/read-only-token.md");
    let nuncio = Nuncio::built_in().await;
    let run = |start: &str, id: &str| {
        let line = page.shell().into_iter().find(|line| line.starts_with(start)).unwrap();
        let line = line.replace("nuncio-data", "data").replace(" ID", &format!(" {id}"));
        let words = words(&line);
        let output = nuncio.run(&words[1..].iter().map(String::as_str).collect::<Vec<_>>());
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let token = run("nuncio token create", "").trim().to_owned();
    let read = page.shell().into_iter().find(|line| line.starts_with("curl")).unwrap();
    assert!(curl(&nuncio, &read)["results"].is_array());
    let status = |path: &'static str, body: Option<Value>| {
        let client = Client::new();
        let request = match body {
            None => client.get(nuncio.at(path)),
            Some(body) => client.post(nuncio.at(path)).json(&body),
        };
        let request = request.bearer_auth(&token);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(status("/v1/events?limit=5", None).await, 200);
    assert_eq!(status("/v1/events", Some(json!({ "action": "login" }))).await, 403);
    let list = run("nuncio token list", "");
    let own = list.lines().find(|line| line.contains("Ann, on-call")).unwrap();
    run("nuncio token revoke", own.split_whitespace().next().unwrap());
    assert_eq!(status("/v1/events?limit=5", None).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_rules_are_tried_before_they_are_in_force() {
    let page = guide("dry-run");
    let nuncio = Nuncio::built_in().await;
    std::fs::write(nuncio.file("event.json"), &page.blocks("json")[0]).unwrap();
    std::fs::write(nuncio.file("new.yaml"), &page.blocks("yaml")[0]).unwrap();
    let event: Value = serde_json::from_str(&page.blocks("json")[0]).unwrap();
    let pk = nuncio.accept(&event).await.remove(0);
    let mut answers = Vec::new();
    for line in page.shell() {
        let words = words(&line.replace(" PK", &format!(" {pk}")));
        let output = nuncio.run(&words[1..].iter().map(String::as_str).collect::<Vec<_>>());
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        answers.push(String::from_utf8(output.stdout).unwrap());
    }
    let [matched, tried, with_payloads, explained] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!(serde_json::from_str::<Value>(matched).unwrap()["matched"], true);
    assert!(tried.contains("failed-logins") && with_payloads.contains("failed-logins"), "{tried}{with_payloads}");
    assert!(explained.contains("default-notify-configuration-error"), "{explained}");
    assert!(nuncio.mails().is_empty(), "nothing is sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_made_sender_signs_what_it_posts() {
    let page = guide("sources");
    let document = page.blocks("yaml").into_iter().find(|document| document.contains("legacy")).unwrap();
    let mut nuncio = Nuncio::not_started(&document);
    nuncio.set("LEGACY_KEY", "a key of this test");
    nuncio.start().await;
    let script = page.blocks("sh").concat().replace("http://127.0.0.1:8787", &nuncio.at(""));
    for (key, status) in [("a key of this test", 202), ("another key", 401)] {
        let output = Command::new("sh").args(["-c", &script]).env("LEGACY_KEY", key).output().unwrap();
        let answer = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        let expected = if status == 202 { answer["events"] == 1 } else { answer["status"] == status };
        assert!(expected, "{answer} {}", String::from_utf8_lossy(&output.stderr));
    }
    let stored = nuncio.results("/v1/events?action=webhook_received", 1).await;
    assert_eq!((&stored[0]["app"], &stored[0]["context"]), (&json!("legacy"), &json!({ "state": "done" })));
}

#[test]
fn a_payload_is_shown_as_its_events() {
    let page = guide("sources");
    let nuncio = Nuncio::not_started("");
    std::fs::write(nuncio.file("nuncio.yaml"), &page.blocks("yaml")[0]).unwrap();
    std::fs::write(nuncio.file("payload.json"), r#"{"action": "publicized", "sender": {"login": "ann"}}"#).unwrap();
    let line = page.shell().into_iter().find(|line| line.starts_with("nuncio source test")).unwrap();
    let words = words(&line);
    let arguments: Vec<_> = words.iter().skip(1).map(String::as_str).collect();
    let output = nuncio.run(&arguments);
    let event: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(event["action"], "github.repository.publicized");
    assert_eq!(event["user"], json!({ "username": "ann" }));
    for (arguments, said) in [
        (vec!["source", "test", "nobody", "--file", "payload.json"], "its sources are: github"),
        (vec!["source", "test", "github", "--file", "payload.json"], "the header x-github-event is missing"),
        (vec!["source", "test", "github", "--file", "payload.json", "--header", "x"], "write a header such as"),
    ] {
        let output = nuncio.run(&arguments);
        assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains(said), "{output:?}");
    }
}
