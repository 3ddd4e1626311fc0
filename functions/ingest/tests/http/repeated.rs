//! Posting the same again: one stored event, one pk.

use serde_json::json;

use crate::world::{JSON, world};

#[tokio::test]
async fn a_named_event_with_a_time() {
    let world = world().await;
    let body = r#"{"action":"login","id":"7","source":"shop","created":"2025-01-01T00:00:00Z"}"#;
    let (first, second) = (world.post(JSON, body).await, world.post(JSON, body).await);
    assert_eq!((second.status, second.pk(0)), (202, first.pk(0)));
    assert_eq!(world.only().await.id.as_deref(), Some("7"));
}

#[tokio::test]
async fn a_named_event_without_a_time_is_remembered() {
    let world = world().await;
    let body = r#"{"action":"login","id":"7","app":"shop"}"#;
    let (first, second) = (world.post(JSON, body).await, world.post(JSON, body).await);
    assert_eq!(first.pk(0), second.pk(0));
    let event = world.only().await;
    assert_eq!(event.created, event.pk.instant());
}

#[tokio::test]
async fn a_named_event_with_another_body_is_another_event() {
    let world = world().await;
    world.post(JSON, r#"{"action":"login","id":"7","app":"shop"}"#).await;
    world.post(JSON, r#"{"action":"logout","id":"7","app":"shop"}"#).await;
    assert_eq!(world.stored().await.len(), 2);
}

#[tokio::test]
async fn a_request_with_an_idempotency_key() {
    let world = world().await;
    let headers = [("content-type", JSON), ("idempotency-key", "order-7")];
    let body = r#"[{"action":"login"},{"action":"login"}]"#;
    let (first, second) = (world.post_with(&headers, body).await, world.post_with(&headers, body).await);
    assert_eq!(first.body, second.body);
    assert_ne!(first.pk(0), first.pk(1));
    assert_eq!(world.stored().await.len(), 2);
}

#[tokio::test]
async fn unnamed_events_are_never_the_same() {
    let world = world().await;
    let body = r#"{"action":"login"}"#;
    assert_ne!(world.post(JSON, body).await.pk(0), world.post(JSON, body).await.pk(0));
    assert_eq!(world.stored().await.len(), 2);
}

#[tokio::test]
async fn within_one_request() {
    for named in [
        json!({ "action": "login", "id": "7", "app": "shop" }),
        json!({ "action": "login", "id": "7", "app": "shop", "created": "2025-01-01T00:00:00Z" }),
    ] {
        let world = world().await;
        let answer = world.post(JSON, json!([named, named, named]).to_string()).await;
        assert_eq!(answer.statuses(), ["accepted"; 3]);
        assert_eq!((answer.pk(0), answer.pk(1)), (answer.pk(2), answer.pk(2)));
        world.only().await;
    }
}
