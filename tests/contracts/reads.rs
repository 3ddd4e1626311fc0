//! On AWS, a step of a job and a page of a list read little more than they use.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws::Adapters;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::query::EventQuery;
use domain::testing::serialized;
use serde_json::Value;
use support::event;
use support::proxy::pass_on;
use tokio::net::TcpListener;

use crate::aws_world::{over, place};
use crate::world::{after, somewhen};

type Counter = (Arc<AtomicUsize>, reqwest::Client);

/// Forwards requests to the emulator, and counts the items of the answers to queries.
async fn counting() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let read = Arc::new(AtomicUsize::new(0));
    let router = axum::Router::new().fallback(pass).with_state((read.clone(), reqwest::Client::new()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, read)
}

async fn pass(State((read, client)): State<Counter>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let passed = pass_on(&client, parts, to_bytes(body, usize::MAX).await.unwrap()).await;
    let answer: Value = serde_json::from_slice(&passed.body).unwrap_or_default();
    let items = answer["Count"].as_u64().unwrap_or(0);
    read.fetch_add(usize::try_from(items).unwrap(), Ordering::Relaxed);
    passed.into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_of_a_job_and_a_page_read_little_more_than_they_use() {
    let place = place().await;
    let (now, world) = (somewhen(), over(place.clone()));
    let events: Vec<_> = (0..1200).map(|n| event("login").created(after(now, n)).shared()).collect();
    for some in events.chunks(400) {
        world.intake.accept(&serialized(some)).await.unwrap();
    }
    let (url, read) = counting().await;
    let adapters = Adapters::new(place.sdk.clone().into_builder().endpoint_url(url).build(), place.settings);
    let stores = adapters.stores();
    let mut before = None;
    for _ in 0..3 {
        read.store(0, Ordering::Relaxed);
        let page = stores.keeping.list_received(before, 200, now).await.unwrap();
        assert_eq!(page.results.len(), 200);
        let read = read.load(Ordering::Relaxed);
        assert!((200..=400).contains(&read), "{read} items were read");
        before = page.next;
    }
    read.store(0, Ordering::Relaxed);
    let query = EventQuery { limit: 50, before, ..EventQuery::default() };
    assert_eq!(stores.log.list(&query, now).await.unwrap().results.len(), 50);
    let read = read.load(Ordering::Relaxed);
    assert!((50..=130).contains(&read), "{read} items were read");
}
