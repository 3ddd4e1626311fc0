//! On AWS an event is stored first, then queued: its fate if the queue refuses it, and if the queue accepts it but the
//! response is lost.

use std::sync::Arc;
use std::time::Duration;

use aws::Adapters;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use domain::ports::Intake as _;
use domain::testing::serialized;
use domain::{Event, EventPk};
use futures_util::stream;
use serde_json::json;
use support::proxy::pass_on;
use support::{event, random_bits};
use tokio::net::TcpListener;

use crate::aws_world::{Place, over, place};
use crate::world::{World, somewhen};

/// The fault of a request to the queue.
#[derive(Clone, Copy)]
enum Fault {
    Refused,
    AnswerLost,
}

/// Forwards all requests to the emulator, except for the fault; returns the address on which it listens.
async fn between(fault: Fault) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(pass).with_state((fault, reqwest::Client::new()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn pass(State((fault, client)): State<(Fault, reqwest::Client)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let is_send = parts.headers.get("x-amz-target").is_some_and(|target| target == "AmazonSQS.SendMessageBatch");
    if is_send && matches!(fault, Fault::Refused) {
        let refusal = json!({ "__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no" }).to_string();
        return Response::builder().status(400).body(Body::from(refusal)).unwrap();
    }
    let passed = pass_on(&client, parts, to_bytes(body, usize::MAX).await.unwrap()).await;
    if is_send {
        let broken = stream::iter([Err::<bytes::Bytes, _>(std::io::Error::other("the connection broke"))]);
        return Response::new(Body::from_stream(broken));
    }
    passed.into()
}

/// A named one, one that travels with its message, and one that is too large for that.
fn events() -> [Arc<Event>; 3] {
    let at = somewhen();
    let mut hash = [7; 32];
    hash[..16].copy_from_slice(&random_bits().to_be_bytes());
    let named = Event { pk: EventPk::named(at, &hash), ..event("login").created(at).build() };
    let text = (0..8000).map(|_| format!("{:032x}", random_bits())).collect::<Vec<_>>().concat();
    let large = event("login").created(at).context(json!({ "text": text })).shared();
    [Arc::new(named), event("login").created(at).shared(), large]
}

async fn post_through(fault: Fault) -> (World, [Arc<Event>; 3]) {
    let place = place().await;
    let sdk = place.sdk.clone().into_builder().endpoint_url(between(fault).await).build();
    let events = events();
    let posted = Adapters::new(sdk, place.settings.clone()).intake().accept(&serialized(&events)).await;
    let error = posted.expect_err("there was no answer to count on").to_string();
    assert!(error.starts_with("queue is unavailable"), "{error}");
    (over(Place { ..place }), events)
}

async fn stored(world: &World, events: &[Arc<Event>]) -> Vec<bool> {
    let mut stored = Vec::new();
    for event in events {
        stored.push(world.log.get(event.pk, event.created).await.unwrap().is_some());
    }
    stored
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_the_queue_may_have_stay() {
    let (world, events) = post_through(Fault::AnswerLost).await;
    assert_eq!(stored(&world, &events).await, [true; 3]);
    let pks = events.iter().map(|event| event.pk).collect();
    assert_eq!(world.receive_events(&pks).await, pks, "what the queue took is there to be told of");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_the_queue_refuses_are_taken_back() {
    let (world, events) = post_through(Fault::Refused).await;
    assert_eq!(stored(&world, &events).await, [true, false, false], "a named one is found again");
    assert!(world.work.receive(Duration::ZERO).await.is_empty());
}
