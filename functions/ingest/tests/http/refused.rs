//! Every kind of bad input: the response, and that nothing is stored.

use async_compression::tokio::write::{GzipEncoder, ZstdEncoder};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::world::{JSON, NDJSON, world};

#[tokio::test]
async fn a_body_that_cannot_be_split_into_events() {
    let world = world().await;
    for (content_type, body, words) in [
        (JSON, "action=login", "not JSON"),
        (JSON, r#"{"action":"login""#, "not JSON"),
        (JSON, r#"[{"action":"login"},"#, "not JSON"),
        (JSON, "\"login\"", "must be an event"),
        (JSON, "7", "must be an event"),
        (JSON, "null", "must be an event"),
        (JSON, "", "empty"),
        (JSON, " \n", "empty"),
        (JSON, "[]", "no event"),
        (NDJSON, "", "no event"),
        (NDJSON, "\n \r\n", "no event"),
        (JSON, "[{\"action\":\"login\"} {}]", "not JSON"),
        (JSON, "[{\"action\":\"login\"},{oops}]", "not JSON"),
        (
            JSON,
            "[{\"action\":\"login\"},{\"a\":\"\\ud800\"},{oops}]",
            "not JSON: key must be a string at line 1 column 37",
        ),
        (JSON, "\"\\ud800\"", "must be an event"),
        (JSON, "\u{feff}", "empty"),
        (JSON, "\u{feff}\u{feff}{}", "not JSON"),
        (NDJSON, "\u{feff}\n", "no event"),
        ("application/cloudevents-batch+json", "{}", "JSON array"),
        ("application/cloudevents+json", " [{}]", "one JSON object"),
    ] {
        let answer = world.post(content_type, body.to_owned()).await;
        assert_eq!(
            (answer.status, answer.headers["content-type"].to_str().unwrap()),
            (400, "application/problem+json")
        );
        assert!(answer.detail().contains(words), "{words}: {}", answer.detail());
        assert_eq!(answer.body.get("results"), None);
    }
    for bytes in [&b"\xff\xfe{\0}\0"[..], b"{\"action\":\"login\"}\xff", b"[{\"action\":\"login\"},\xff]"] {
        assert_eq!(world.post(JSON, bytes.to_vec()).await.status, 400);
    }
    world.assert_nothing_stored().await;
}

/// JSON by its grammar, each with a value that is not accepted: its bytes, the pointer to it, and the error.
fn not_taken() -> Vec<(Vec<u8>, &'static str, &'static str)> {
    let deep = format!(r#"{{"action":"b","context":{}1{}}}"#, r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    let place = "/a".repeat(99);
    vec![
        (br#"{"action":"b","context":{"s":"cut \ud83d"}}"#.to_vec(), "/context/s", "surrogate"),
        (br#"{"action":"b","context":{"s":["\udc00\ud800"]}}"#.to_vec(), "/context/s/0", "surrogate"),
        (br#"{"action":"b","context":{"s":1e400}}"#.to_vec(), "/context/s", "number out of range"),
        (br#"{"action":"b","context":{"s":-1e400}}"#.to_vec(), "/context/s", "number out of range"),
        (deep.into_bytes(), format!("/context{place}").leak(), "nested deeper than 100 levels"),
        (b"{\"action\":\"b\",\"context\":{\"s\":\"\xff\"}}".to_vec(), "", "not UTF-8"),
        (b"{\"action\":\"b\",\"context\":{\"s\":\"cut \xf0\x9f\"}}".to_vec(), "", "not UTF-8"),
        (br#"{"action":"b","context":{"\ud800":1}}"#.to_vec(), "/context", "surrogate"),
        (
            br#"{"action":"b","context":{"a":{"$serde_json::private::RawValue":"{\"password\":\"x\"}"}}}"#.to_vec(),
            "/context/a/$serde_json::private::RawValue",
            "are reserved",
        ),
    ]
}

#[tokio::test]
async fn an_element_with_a_value_that_is_not_taken_refuses_itself_alone() {
    let good = br#"{"action":"login"}"#.to_vec();
    for (bad, pointer, words) in not_taken() {
        let array = [&b"["[..], &good, b", ", &bad, b",\n", &good, b"]"].concat();
        let lines = [&good, &b"\n"[..], &bad, b"\r\n", &good].concat();
        for (content_type, body) in [(JSON, array), (NDJSON, lines)] {
            let world = world().await;
            let answer = world.post(content_type, body).await;
            assert_eq!((answer.status, answer.statuses()), (202, vec!["accepted", "rejected", "accepted"]), "{words}");
            let rejected = &answer.body["results"][1];
            assert_eq!(rejected["pointer"], format!("/1{pointer}"), "{rejected}");
            assert!(rejected["detail"].as_str().unwrap().contains(words), "{rejected}");
            assert_eq!(world.stored().await.len(), 2);
        }
        let world = world().await;
        let alone = world.post(JSON, bad.clone()).await;
        assert_eq!((alone.status, alone.statuses()), (422, vec!["rejected"]), "{words}");
        assert_eq!(alone.body["results"][0]["pointer"], pointer);
        world.assert_nothing_stored().await;
    }
}

#[tokio::test]
async fn a_cloudevent_with_a_value_that_is_not_taken_refuses_itself_alone() {
    let event =
        |data: &[u8]| [br#"{"specversion":"1.0","id":"1","source":"s","type":"a.b","data":"#, data, b"}"].concat();
    for (data, pointer) in [(&br#"{"s":"\ud83d"}"#[..], "/data/s"), (b"1e400", "/data"), (b"\"\xff\"", "")] {
        let world = world().await;
        let batch = [&b"["[..], &event(b"1"), b",", &event(data), b"]"].concat();
        let answer = world.post("application/cloudevents-batch+json", batch).await;
        assert_eq!((answer.status, answer.statuses()), (202, vec!["accepted", "rejected"]));
        assert_eq!(answer.body["results"][1]["pointer"], format!("/1{pointer}"));
        let alone = world.post("application/cloudevents+json", event(data)).await;
        assert_eq!((alone.status, alone.statuses()), (422, vec!["rejected"]));
        let headers =
            [("content-type", JSON), ("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "s"), ("ce-type", "a.b")];
        let binary = world.post_with(&headers, data.to_vec()).await;
        assert_eq!((binary.status, binary.statuses()), (422, vec!["rejected"]));
    }
}

#[tokio::test]
async fn an_event_that_is_not_one() {
    let world = world().await;
    for (event, pointer) in [
        (json!({ "context": {} }), "/action"),
        (json!({ "action": "Log in" }), "/action"),
        (json!({ "action": "a".repeat(129) }), "/action"),
        (json!({ "action": ["login"] }), "/action"),
        (json!({ "action": "login", "created": "2026-01-02T03:20:00Z" }), "/created"),
        (json!({ "action": "login", "created": "yesterday" }), "/created"),
        (json!({ "action": "login", "created": "2026-01-01T00:00:00+25:00" }), "/created"),
        (json!({ "action": "login", "client_ip": "192.0.2.256" }), "/client_ip"),
        (json!({ "action": "login", "user": "root" }), "/user"),
        (json!({ "action": "login", "contxt": {} }), "/contxt"),
        (json!({ "action": "login", "context": { "a/b": "\0" } }), "/context/a~1b"),
        (json!({ "action": "login", "context": { "a\0": 1 } }), "/context/a\0"),
    ] {
        let answer = world.post(JSON, event.to_string()).await;
        assert_eq!((answer.status, answer.statuses()), (422, vec!["rejected"]), "{event}");
        assert_eq!(answer.body["results"][0]["pointer"], pointer);
        assert_eq!(answer.body["detail"], answer.body["results"][0]["detail"]);
        let batch = world.post(NDJSON, format!("{event}\n{event}")).await;
        assert_eq!((batch.status, batch.statuses()), (422, vec!["rejected"; 2]));
        assert_eq!(batch.body["results"][1]["pointer"], format!("/1{pointer}"));
    }
    let broken = world.post(NDJSON, "{\n[[").await;
    assert_eq!((broken.status, broken.statuses()), (422, vec!["rejected"; 2]));
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn too_much() {
    let world = world().await;
    let large = json!({ "action": "login", "context": { "blob": "x".repeat(257 * 1024) } });
    let answer = world.post(JSON, large.to_string()).await;
    assert_eq!((answer.status, answer.statuses()), (413, vec!["rejected"]));
    assert!(answer.detail().contains("256 KiB"), "{}", answer.detail());
    assert_eq!(world.post(JSON, json!([large, { "action": 1 }]).to_string()).await.status, 422);

    let many = vec![r#"{"action":"login"}"#; 1001];
    for (content_type, body) in [(JSON, format!("[{}]", many.join(","))), (NDJSON, many.join("\n"))] {
        let answer = world.post(content_type, body).await;
        assert_eq!(answer.status, 413);
        assert!(answer.detail().contains("1000 events"), "{}", answer.detail());
    }

    let answer = world.post(JSON, vec![b' '; 6 * 1024 * 1024]).await;
    assert_eq!(answer.status, 413);
    assert!(answer.detail().contains("5242880 bytes"), "{}", answer.detail());
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn a_zip_bomb_or_broken_compression() {
    let world = world().await;
    let plain = vec![b' '; 10_000_000];
    let mut gzip = GzipEncoder::new(Vec::new());
    let mut zstd = ZstdEncoder::new(Vec::new());
    gzip.write_all(&plain).await.unwrap();
    gzip.shutdown().await.unwrap();
    zstd.write_all(&plain).await.unwrap();
    zstd.shutdown().await.unwrap();
    for (encoding, bomb) in [("gzip", gzip.into_inner()), ("zstd", zstd.into_inner())] {
        assert!(bomb.len() < 20_000);
        let headers = [("content-type", JSON), ("content-encoding", encoding)];
        assert_eq!(world.post_with(&headers, bomb[..bomb.len() / 40].to_vec()).await.status, 400, "{encoding}");
        assert_eq!(world.post_with(&headers, bomb).await.status, 413, "{encoding}");
    }
    let unknown = [("content-type", JSON), ("content-encoding", "br")];
    assert_eq!(world.post_with(&unknown, "{}").await.status, 415);
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn unknown_content_types() {
    let world = world().await;
    let event = r#"{"action":"login"}"#;
    for content_type in ["text/plain", "application/vnd.x+json", "application/json; charset=latin1", "json"] {
        let answer = world.post(content_type, event).await;
        assert_eq!(answer.status, 415, "{content_type}");
        assert!(answer.detail().contains("application/x-ndjson"), "{}", answer.detail());
    }
    assert_eq!(world.post_with(&[], event).await.status, 415);
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn a_bad_idempotency_key() {
    let world = world().await;
    for key in ["", "a b", &"k".repeat(256)] {
        let headers = [("content-type", JSON), ("idempotency-key", key)];
        assert_eq!(world.post_with(&headers, r#"{"action":"login"}"#).await.status, 400);
    }
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn tokens_that_do_not_open() {
    let world = world().await;
    for (authorization, status, words) in [
        (None, 401, "a token is required"),
        (Some("poster"), 401, "must be one"),
        (Some("Bearer wrong"), 401, "unknown token"),
        (Some("Bearer expired"), 401, "expired"),
        (Some("Bearer revoked"), 401, "revoked"),
        (Some("Bearer reader"), 403, "lacks the scope \"ingest\""),
    ] {
        let mut headers = vec![("content-type", JSON)];
        headers.extend(authorization.map(|value| ("authorization", value)));
        let answer = world.send(&headers, r#"{"action":"login"}"#).await;
        assert_eq!(answer.status, status, "{authorization:?}");
        assert!(answer.detail().contains(words), "{}", answer.detail());
        assert_eq!(answer.headers.get("www-authenticate").is_some(), status == 401);
    }
    world.assert_nothing_stored().await;
}
