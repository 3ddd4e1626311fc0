//! The trace that a request's events belong to.

use crate::world::{Answer, JSON, world};

const CALLERS: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn trace(answer: &Answer) -> String {
    answer.headers["traceparent"].to_str().unwrap().split('-').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn the_callers_trace_is_taken_over() {
    for (name, value) in
        [("traceparent", CALLERS), ("x-amzn-trace-id", "Root=1-0af76519-16cd43dd8448eb211c80319c;Sampled=1")]
    {
        let world = world().await;
        let answer = world.post_with(&[("content-type", JSON), (name, value)], r#"{"action":"login"}"#).await;
        assert_eq!(trace(&answer), TRACE);
        let kept = world.only().await.traceparent.unwrap();
        assert_eq!(kept.to_string(), answer.headers["traceparent"]);
        // The caller's trace, sampled as it was, but a span of our own.
        assert!(kept.to_string().ends_with("-01"));
        assert_ne!(kept.to_string(), CALLERS);
    }
}

#[tokio::test]
async fn without_one_or_with_a_broken_one_the_events_pk_is_its_trace() {
    // AWS puts a trace on every request; most are not recorded.
    let unsampled = "Root=1-0af76519-16cd43dd8448eb211c80319c;Sampled=0";
    for headers in [
        vec![],
        vec![("traceparent", "00-broken")],
        vec![("traceparent", CALLERS), ("traceparent", CALLERS)],
        vec![("x-amzn-trace-id", unsampled)],
    ] {
        let world = world().await;
        let headers = [vec![("content-type", JSON)], headers].concat();
        let answer = world.post_with(&headers, r#"{"action":"login"}"#).await;
        assert_eq!(answer.status, 202);
        let event = world.only().await;
        assert_eq!((event.traceparent, event.trace().trace_id()), (None, trace(&answer)));
        assert_eq!(trace(&answer), event.pk.to_string().replace('-', ""));
    }
}

#[tokio::test]
async fn several_events_without_one_have_no_trace_in_common() {
    let world = world().await;
    let answer = world.post(JSON, r#"[{"action":"login"},{"action":"logout"}]"#).await;
    assert_eq!((answer.status, answer.headers.get("traceparent")), (202, None));
    let answer = world.post_with(&[("content-type", JSON), ("traceparent", CALLERS)], "[{},{}]").await;
    assert_eq!((answer.status, trace(&answer).as_str()), (422, TRACE));
}

#[tokio::test]
async fn an_event_may_name_its_own() {
    let native = format!(r#"{{"action":"login","traceparent":"{CALLERS}"}}"#);
    let cloud = format!(r#"{{"specversion":"1.0","id":"1","source":"/a","type":"login","traceparent":"{CALLERS}"}}"#);
    for (content_type, body) in [(JSON, native), ("application/cloudevents+json", cloud)] {
        let world = world().await;
        let answer = world.post(content_type, body).await;
        assert_eq!(world.only().await.traceparent.unwrap().to_string(), CALLERS);
        assert_eq!(answer.headers["traceparent"], CALLERS);
    }
}

#[tokio::test]
async fn a_broken_one_of_an_event_is_a_fault_and_the_answer_is_traced_too() {
    let world = world().await;
    let answer = world
        .post_with(&[("content-type", JSON), ("traceparent", CALLERS)], r#"{"action":"login","traceparent":"7"}"#)
        .await;
    assert_eq!((answer.status, trace(&answer).as_str()), (422, TRACE));
    assert_eq!(answer.body["results"][0]["pointer"], "/traceparent");
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn the_trace_is_no_part_of_a_name() {
    let world = world().await;
    let event = r#"{"action":"login","id":"7","source":"shop","created":"2026-01-02T03:04:05Z"}"#;
    let first = world.post_with(&[("content-type", JSON), ("traceparent", CALLERS)], event).await;
    let second = world.post(JSON, event).await;
    assert_eq!(first.pk(0), second.pk(0));
    assert_eq!(world.only().await.trace().trace_id(), TRACE);
}
