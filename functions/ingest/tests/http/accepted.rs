//! The three native formats, and the events that they become.

use async_compression::tokio::write::{GzipEncoder, ZstdEncoder};
use axum::body::Body;
use domain::admission::Draft;
use http::Request;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::world::{JSON, NDJSON, NOW, world};

#[tokio::test]
async fn one_event_is_stored_and_queued_and_named() {
    let world = world().await;
    let answer = world.post(JSON, r#"{"action":"login","client_ip":"192.0.2.7"}"#).await;
    let event = world.only().await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.body, json!({ "results": [{ "status": "accepted", "pk": event.pk }] }));
    assert_eq!(event.created, NOW.parse().unwrap());
    world.assert_queued().await;
}

#[tokio::test]
async fn secrets_are_masked_before_they_are_stored() {
    let world = world().await;
    world.post(JSON, r#"{"action":"login","context":{"password":"hunter2"}}"#).await;
    assert_eq!(world.only().await.context["password"], "*".repeat(20));
}

#[tokio::test]
async fn a_batch_is_judged_event_by_event_in_order() {
    let events = [
        r#"{"action":"login"}"#,
        r#"{"action":"login","client_ip":"nowhere"}"#,
        r#"{"action":"login","context":{"a":1,"a":2}}"#,
        r"7",
        r#"{"action":"logout","context":{"x":["a\u0000"]}}"#,
    ];
    let array = format!("[{}]", events.join(","));
    let lines = events.join("\n");
    for (content_type, body) in [(JSON, array), (NDJSON, lines)] {
        let world = world().await;
        let answer = world.post(content_type, body).await;
        assert_eq!(answer.status, 202);
        assert_eq!(answer.statuses(), ["accepted", "rejected", "accepted", "rejected", "rejected"]);
        let results = &answer.body["results"];
        assert_eq!(results[1]["pointer"], "/1/client_ip");
        assert_eq!(results[2]["notes"], json!(["/2/context/a: duplicate key, the last value is kept"]));
        assert_eq!(results[3]["pointer"], "/3");
        assert_eq!(results[4]["pointer"], "/4/context/x/0");
        let mut stored: Vec<_> = world.stored().await.iter().map(|event| event.pk.to_string()).collect();
        let mut accepted = vec![answer.pk(0).to_owned(), answer.pk(2).to_owned()];
        stored.sort();
        accepted.sort();
        assert_eq!(stored, accepted);
    }
}

#[tokio::test]
async fn of_a_duplicate_key_the_last_value_is_kept_and_the_caller_told() {
    let world = world().await;
    let answer = world.post(JSON, r#"{"action":"login","context":{"a":1,"a":2}}"#).await;
    assert_eq!(answer.body["results"][0]["notes"], json!(["/context/a: duplicate key, the last value is kept"]));
    assert_eq!(world.only().await.context["a"], 2);
}

/// Both are in the events that Nuncio returns and exports, which can be posted again.
#[tokio::test]
async fn what_only_nuncio_sets_is_ignored_and_the_caller_told() {
    let event = r#"{"action":"login","expires":"2999-01-01T00:00:00Z","produced_by":{"delivery":{}}}"#;
    let notes = json!([
        "/0/expires: ignored; Nuncio sets expires by the retention of the action",
        "/0/produced_by: ignored; only Nuncio itself sets produced_by"
    ]);
    for (content_type, body) in [(JSON, format!("[{event}]")), (NDJSON, event.to_owned())] {
        let world = world().await;
        let answer = world.post(content_type, body).await;
        assert_eq!((answer.status, &answer.body["results"][0]["notes"]), (202, &notes));
        let stored = world.only().await;
        assert!(stored.expires < "2999-01-01T00:00:00Z".parse().unwrap() && stored.produced_by.is_none());
    }
    let world = world().await;
    let answer = world.post(JSON, r#"{"action":"login","expires":null,"produced_by":null}"#).await;
    assert_eq!(answer.body["results"][0].get("notes"), None);
}

#[tokio::test]
async fn lines_may_be_blank_end_with_crlf_and_one_may_be_broken() {
    let world = world().await;
    let answer = world.post(NDJSON, "\n{\"action\":\"login\"}\r\n\n{\"action\":\r\n{\"action\":\"logout\"}\n").await;
    assert_eq!((answer.status, answer.statuses()), (202, vec!["accepted", "rejected", "accepted"]));
    let rejected = &answer.body["results"][1];
    assert_eq!(rejected["pointer"], "/1");
    assert!(rejected["detail"].as_str().unwrap().contains("at line 4 column"), "{rejected}");
    assert_eq!(world.stored().await.len(), 2);
}

#[tokio::test]
async fn a_thousand_events_are_one_request() {
    let world = world().await;
    let body = format!("[{}]", vec![r#"{"action":"login"}"#; 1000].join(","));
    assert_eq!(world.post(JSON, body).await.statuses(), vec!["accepted"; 1000]);
    assert_eq!(world.stored().await.len(), 1000);
}

#[tokio::test]
async fn compressed_bodies() {
    let plain = br#"{"action":"login"}"#;
    let mut gzip = GzipEncoder::new(Vec::new());
    let mut zstd = ZstdEncoder::new(Vec::new());
    gzip.write_all(plain).await.unwrap();
    gzip.shutdown().await.unwrap();
    zstd.write_all(plain).await.unwrap();
    zstd.shutdown().await.unwrap();
    for (encoding, body) in [("gzip", gzip.into_inner()), ("zstd", zstd.into_inner())] {
        let world = world().await;
        let headers = [("content-type", "application/json; charset=utf-8"), ("content-encoding", encoding)];
        assert_eq!(world.post_with(&headers, body).await.status, 202, "{encoding}");
        world.only().await;
    }
}

#[tokio::test]
async fn without_http() {
    let world = world().await;
    let draft = |value| Draft::from_value(value);
    let drafts = vec![draft(json!({ "action": "login" })), draft(json!({ "action": 1 }))];
    let verdicts = world.ingest.accept(drafts, None).await.unwrap();
    assert_eq!(verdicts[0], Ok(world.only().await.pk));
    assert_eq!(verdicts[1].as_ref().unwrap_err().pointer, "/action");
}

#[tokio::test]
async fn healthy_while_events_can_be_accepted() {
    let world = world().await;
    let answer = world.answer(Request::get("/healthz").body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.body), (200, json!({ "status": "ok" })));
}

#[tokio::test]
async fn a_byte_order_mark_is_ignored() {
    let event = r#"{"action":"login"}"#;
    let cloudevent = r#"{"specversion":"1.0","id":"1","source":"s","type":"a.login"}"#;
    for (content_type, body, count) in [
        (JSON, format!("\u{feff}{event}"), 1),
        (JSON, format!("\u{feff} [{event},{event}]"), 2),
        (NDJSON, format!("\u{feff}{event}\r\n\u{feff}{event}\n"), 2),
        ("application/cloudevents+json", format!("\u{feff}{cloudevent}"), 1),
        ("application/cloudevents-batch+json", format!("\u{feff}[{cloudevent}]"), 1),
    ] {
        let world = world().await;
        let answer = world.post(content_type, body).await;
        assert_eq!((answer.status, answer.statuses()), (202, vec!["accepted"; count]), "{content_type}");
    }
    let world = world().await;
    let headers =
        [("content-type", JSON), ("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "s"), ("ce-type", "a.b")];
    assert_eq!(world.post_with(&headers, "\u{feff}{\"a\":1}").await.status, 202);
    assert_eq!(world.only().await.context["a"], 1);
}

#[tokio::test]
async fn a_hundred_gzip_members_of_one_event_each_are_a_hundred_events() {
    let mut body = Vec::new();
    for number in 0..100 {
        let mut gzip = GzipEncoder::new(Vec::new());
        gzip.write_all(format!("{{\"action\":\"login\",\"context\":{{\"n\":{number}}}}}\n").as_bytes()).await.unwrap();
        gzip.shutdown().await.unwrap();
        body.extend(gzip.into_inner());
    }
    for encoding in ["gzip", "x-gzip"] {
        let world = world().await;
        let headers = [("content-type", NDJSON), ("content-encoding", encoding)];
        let answer = world.post_with(&headers, body.clone()).await;
        assert_eq!((answer.status, answer.statuses()), (202, vec!["accepted"; 100]));
        assert_eq!(world.stored().await.len(), 100);
        assert_eq!(world.post_with(&headers, [&body[..], b"{}"].concat()).await.status, 400);
    }
}
