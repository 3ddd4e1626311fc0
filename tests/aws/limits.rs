//! What Lambda and DynamoDB limit, and callers choose: sizes of responses and of keys.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::Stack;

const RULES: &str = "
retention: days=7
policies: { any: { event_matcher: { action: login } } }
rules: { tell: { event_user: true, transports: [default-local-transport], policies: [any] } }
";

/// Large events, of which 22 are more than a response may have.
#[tokio::test(flavor = "multi_thread")]
async fn large_events_are_listed_page_by_page() {
    let stack = Stack::deploy("retention: days=7\n").await;
    for n in 0..22 {
        let text = format!("{n:03}\"\\").repeat(35_000);
        stack.post(&json!({ "action": "login", "context": { "text": text } })).await;
    }
    for limit in ["", "?limit=1000"] {
        let (mut seen, mut pages, mut cursor) = (Vec::new(), 0, Value::Null);
        loop {
            let joint = if limit.is_empty() { "?" } else { "&" };
            let next = cursor.as_str().map(|cursor| format!("{joint}cursor={cursor}")).unwrap_or_default();
            let page = stack.get(&format!("/v1/events{limit}{next}")).await;
            seen.extend(page["results"].as_array().unwrap().iter().map(|event| event["pk"].to_string()));
            pages += 1;
            cursor = page["next"].clone();
            if cursor.is_null() {
                break;
            }
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 22, "{limit}");
        assert!((2..=11).contains(&pages), "{pages} pages");
    }
    for format in ["ndjson", "csv"] {
        let (mut next, mut bytes) = (String::new(), 0);
        loop {
            let path = format!("/v1/events/export?format={format}{next}");
            let part = stack.request(Method::GET, "ConsoleUrl", &path).send().await.unwrap();
            assert_eq!(part.status(), 200, "{format}: {}", part.text().await.unwrap());
            let cursor = part.headers().get("nuncio-next").map(|next| next.to_str().unwrap().to_owned());
            bytes += part.bytes().await.unwrap().len();
            let Some(cursor) = cursor else { break };
            next = format!("&cursor={cursor}");
        }
        assert!(bytes > 22 * 175_000, "{format}: {bytes}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_caller_chooses_may_have_any_length() {
    let stack = Stack::deploy(RULES).await;
    let long = "a".repeat(3000);
    stack.post(&json!({ "action": "login", "user": { "username": long } })).await;
    let began = Instant::now();
    loop {
        let inbox = stack.get(&format!("/v1/notifications?username={long}")).await;
        if inbox["results"].as_array().unwrap().len() == 1 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{inbox}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(stack.get("/v1/deliveries?state=dead").await["results"], json!([]));
    for (path, status) in [
        (format!("/v1/notifications?cursor={long}"), 400),
        (format!("/v1/notifications?username=b{long}"), 200),
        (format!("/v1/jobs/{long}"), 404),
        (format!("/v1/events?cursor={long}"), 400),
        (format!("/v1/deliveries?cursor={long}"), 400),
    ] {
        let answer = stack.request(Method::GET, "ConsoleUrl", &path).send().await.unwrap();
        assert_eq!(answer.status(), status, "{}", path.replace(&long, "…"));
    }
    let silence = stack.request(Method::DELETE, "ConsoleUrl", &format!("/v1/silences/{long}"));
    assert_eq!(silence.send().await.unwrap().status(), 404);
    let seen = stack.request(Method::PATCH, "ConsoleUrl", &format!("/v1/notifications/{long}"));
    assert_eq!(seen.json(&json!({ "seen": true })).send().await.unwrap().status(), 404);
}
