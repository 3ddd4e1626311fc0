//! The messages to Slack, Discord, Mattermost and Rocket.Chat.

use domain::notification::Link;
use domain::rules_document::Severity;
use serde_json::{Value, json};

use crate::fixtures::{World, changed, login_failed, notification, slack};
use crate::sink::Sink;

#[tokio::test]
async fn the_whole_payload() {
    let (sink, world) = (Sink::start().await, World::with(&[]));
    let mut notification = notification(login_failed());
    notification.link =
        Some(Link { target: "https://n.example.org/events/1?a=1&b=2".to_owned(), label: "Show".to_owned() });
    world.send(&notification, slack(sink.url("/services/x"))).await;
    let request = sink.only();
    assert_eq!(request.line, "POST /services/x");
    assert_eq!(request.header("content-type"), "application/json");
    let mut payload = request.json();
    assert_eq!(payload["attachments"][0]["footer"], concat!("Nuncio ", env!("CARGO_PKG_VERSION")));
    payload["attachments"][0]["footer"] = "Nuncio [version]".into();
    // As text: the snapshot library's own JSON does not know serde_json's numbers.
    insta::assert_snapshot!(serde_json::to_string_pretty(&payload).unwrap(), @r###"
{
  "username": "Nuncio",
  "text": "[alert] login_failed: stage: passwordstage default-authentication-password, username: akadmin",
  "attachments": [
    {
      "fallback": "[alert] login_failed: stage: passwordstage default-authentication-password, username: akadmin",
      "color": "#d1242f",
      "title": "login_failed",
      "fields": [
        {
          "title": "Severity",
          "value": "alert",
          "short": true
        },
        {
          "title": "Dispatched for user",
          "value": "akadmin",
          "short": true
        },
        {
          "title": "Event user",
          "value": "AnonymousUser",
          "short": true
        },
        {
          "title": "password",
          "value": "********************"
        },
        {
          "title": "username",
          "value": "akadmin"
        }
      ],
      "footer": "Nuncio [version]",
      "ts": 1676475175,
      "title_link": "https://n.example.org/events/1?a=1&b=2"
    }
  ]
}
"###);
    assert_eq!(request.json()["attachments"][0]["footer"], format!("Nuncio {}", env!("CARGO_PKG_VERSION")));
}

async fn attachment(context: Value) -> Value {
    let (sink, world) = (Sink::start().await, World::with(&[]));
    world.send(&changed("/context", context), slack(sink.url("/"))).await;
    sink.only().json()["attachments"][0].clone()
}

#[tokio::test]
async fn at_most_25_fields_and_only_strings() {
    let mut context: serde_json::Map<String, Value> = (0..40).map(|n| (format!("key{n}"), json!("value"))).collect();
    context.insert("number".to_owned(), json!(1));
    let fields = attachment(context.into()).await["fields"].clone();
    assert_eq!(fields.as_array().unwrap().len(), 25);
    let titles: Vec<_> = fields.as_array().unwrap().iter().map(|field| field["title"].as_str().unwrap()).collect();
    assert_eq!(titles[..4], ["Severity", "Dispatched for user", "Event user", "key0"]);
    assert_eq!(attachment(json!({ "n": 1, "o": {}, "l": ["x"] })).await["fields"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn long_and_hostile_fields() {
    let mut context = serde_json::Map::new();
    context.insert("k".repeat(300), json!("v".repeat(3000)));
    context.insert("<!channel>".to_owned(), json!("<https://evil.example|click & win> @here"));
    let fields = attachment(context.into()).await["fields"].clone();
    assert_eq!(fields[3], json!({ "title": "k".repeat(256), "value": "v".repeat(1024) }));
    assert_eq!(fields[4]["title"], "&lt;!channel&gt;");
    assert_eq!(fields[4]["value"], "&lt;https://evil.example|click &amp; win&gt; @\u{200b}here");
}

#[tokio::test]
async fn every_severity_has_its_colour() {
    let (sink, world) = (Sink::start().await, World::with(&[]));
    for severity in [Severity::Notice, Severity::Warning, Severity::Alert] {
        let mut notification = notification(login_failed());
        notification.severity = severity;
        world.send(&notification, slack(sink.url("/"))).await;
    }
    let mut colours: Vec<_> =
        sink.received().iter().map(|request| request.json()["attachments"][0]["color"].to_string()).collect();
    colours.dedup();
    assert_eq!(colours.len(), 3);
}

/// What Discord counts of an embed: title, fields and footer, in UTF-16 units to be safe.
fn total(attachment: &Value) -> usize {
    let units = |text: &Value| text.as_str().unwrap_or_default().encode_utf16().count();
    let fields = attachment["fields"].as_array().unwrap();
    units(&attachment["title"])
        + units(&attachment["footer"])
        + fields.iter().map(|field| units(&field["title"]) + units(&field["value"])).sum::<usize>()
}

#[tokio::test]
async fn a_message_stays_within_the_receivers_totals() {
    for value in ["v".repeat(1000), "&".repeat(1000), "\u{1f600}".repeat(1000), "é<".repeat(700)] {
        let mut context: serde_json::Map<String, Value> =
            (0..21).map(|n| (format!("key{n}"), json!(value.clone()))).collect();
        context.insert("brief".to_owned(), json!("kept whole"));
        let attachment = attachment(context.into()).await;
        let total = total(&attachment);
        assert!((5_700..=6000).contains(&total), "{total}: the room is used");
        assert_eq!(attachment["fields"].as_array().unwrap().len(), 25);
        let of = |n: usize| attachment["fields"][n]["value"].as_str().unwrap().to_owned();
        assert_eq!((of(3), of(23)), (of(4), of(3)), "all are cut alike");
        assert!(of(3).ends_with('…') && !of(3).trim_end_matches('…').ends_with("&am"), "{}", of(3));
        assert_eq!(of(24), "kept whole");
        let said = attachment["footer"].as_str().unwrap();
        assert!(said.ends_with("21 texts shortened to fit"), "{said}");
    }
    let long_keys: serde_json::Map<String, Value> =
        (0..30).map(|n| (format!("{n}{}", "k".repeat(300)), json!("v"))).collect();
    assert!(total(&attachment(long_keys.into()).await) <= 6000);
}
