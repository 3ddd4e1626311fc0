//! On AWS, DynamoDB leaves keys of a batch unprocessed when it throttles: they are asked for again, and not for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws::Adapters;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use domain::delivery::Delivery;
use domain::person::Person;
use domain::ports::Ledger as _;
use domain::rules_document::Rule;
use serde_json::{Value, json};
use support::event;
use support::proxy::pass_on;
use tokio::net::TcpListener;

use crate::aws_world::{over, place};
use crate::world::somewhen;

/// Which batch reads are throttled, of those that have come.
#[derive(Clone)]
struct Throttle {
    reads: Arc<AtomicUsize>,
    throttled: usize,
    client: reqwest::Client,
}

/// Forwards requests to the emulator, but answers the first batch reads with all of their keys unprocessed.
async fn throttling(throttled: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let reads = Arc::new(AtomicUsize::new(0));
    let state = Throttle { reads: reads.clone(), throttled, client: reqwest::Client::new() };
    let router = axum::Router::new().fallback(pass).with_state(state);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, reads)
}

async fn pass(State(throttle): State<Throttle>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let is_read = parts.headers.get("x-amz-target").is_some_and(|target| target == "DynamoDB_20120810.BatchGetItem");
    if is_read && throttle.reads.fetch_add(1, Ordering::Relaxed) < throttle.throttled {
        let asked: Value = serde_json::from_slice(&body).unwrap();
        let answer = json!({ "Responses": {}, "UnprocessedKeys": asked["RequestItems"] });
        return Response::builder()
            .header("content-type", "application/x-amz-json-1.0")
            .body(Body::from(answer.to_string()))
            .unwrap();
    }
    pass_on(&throttle.client, parts, body).await.into()
}

/// The result of reading three entries, and the number of requests.
async fn read_while_throttled(throttled: usize) -> (Result<usize, String>, usize) {
    let place = place().await;
    let (now, world) = (somewhen(), over(place.clone()));
    let open = |_| {
        let event = event("login").created(now).build();
        Delivery::open(&event, &Rule::named("rule"), "hook", Person::new("ann", ""), now)
    };
    let entries: Vec<_> = (0..3).map(open).collect();
    world.ledger.open(&entries).await.unwrap();
    let (url, reads) = throttling(throttled).await;
    let sdk = place.sdk.clone().into_builder().endpoint_url(url).build();
    let ledger = Adapters::new(sdk, place.settings).ledger();
    let ids: Vec<_> = entries.iter().map(|entry| entry.id).collect();
    let read = ledger.get_all(&ids).await.map(|entries| entries.len()).map_err(|error| error.to_string());
    (read, reads.load(Ordering::Relaxed))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unprocessed_keys_are_read_again() {
    assert_eq!(read_while_throttled(3).await, (Ok(3), 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_ends_when_nothing_is_ever_processed() {
    let (read, requests) = read_while_throttled(usize::MAX).await;
    assert_eq!(read, Err("store is unavailable: 3 reads were throttled on every attempt".to_owned()));
    assert_eq!(requests, 6);
}
