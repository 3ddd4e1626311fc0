//! On AWS, hours are counted in parts: what that costs a call is bounded, and an interruption between any two writes
//! neither loses an event nor counts one twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws::{Adapters, DynamoVolume, Table, VolumeLimits};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use domain::ports::{Clock as _, Volume, VolumeCounts};
use domain::testing::serialized;
use domain::{Event, Timestamp};
use host::SystemClock;
use jiff::SignedDuration;
use retention::Sweep;
use serde_json::json;
use support::proxy::pass_on;
use support::{FakeClock, event};
use tokio::net::TcpListener;

use crate::aws_world::{Place, over, place};
use crate::world::{HOUR, World, after};

/// The start of an hour three days ago, late in the day: the empty hours after the events are soon over.
fn three_days_ago() -> Timestamp {
    Timestamp::from_second((SystemClock.now().as_second() / 86_400 - 3) * 86_400 + 18 * 3600).unwrap()
}

/// Later than any mark takes to settle.
fn soon() -> Timestamp {
    after(SystemClock.now(), 10 * 60_000)
}

fn events(at: Timestamp, count: usize, actions: &[&str]) -> Vec<Arc<Event>> {
    let event = |index: usize| {
        let created = after(at, i64::try_from(index).unwrap() * 1000);
        event(actions[index % actions.len()]).created(created).kept_for(SignedDuration::from_hours(24 * 365)).shared()
    };
    (0..count).map(event).collect()
}

async fn post(world: &World, events: &[Arc<Event>]) {
    for some in events.chunks(500) {
        world.intake.accept(&serialized(some)).await.unwrap();
    }
}

fn volume(place: &Place, sdk: &aws_config::SdkConfig, limits: VolumeLimits) -> DynamoVolume {
    let client = aws_sdk_dynamodb::Client::new(sdk);
    DynamoVolume::new(Table::new(client, &place.settings.table, place.settings.shards)).with_limits(limits)
}

fn total(counts: &VolumeCounts) -> BTreeMap<String, u64> {
    let mut total = BTreeMap::new();
    for count in &counts.hours {
        *total.entry(count.action.to_string()).or_default() += count.count;
    }
    total
}

fn expected(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
    counts.iter().map(|(action, count)| ((*action).to_owned(), *count)).collect()
}

const SMALL: VolumeLimits = VolumeLimits { part: 7, live: 10 };

/// Forwards requests to the emulator. Of the writes of items, a fifth is refused, a fifth is made and answered with an
/// error, and the others are made.
async fn interrupting() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let writes = Arc::new(AtomicUsize::new(0));
    let router = axum::Router::new().fallback(pass).with_state((writes.clone(), reqwest::Client::new()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, writes)
}

async fn pass(State((writes, client)): State<(Arc<AtomicUsize>, reqwest::Client)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let is_write = ["UpdateItem", "PutItem", "DeleteItem"].iter().any(|write| target.ends_with(write));
    // Mixed, so that no sequence of writes meets the same fates again and again.
    let mixed = |number: usize| (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % 5;
    let fate = if is_write { mixed(writes.fetch_add(1, Ordering::Relaxed)) } else { 2 };
    let refusal = || {
        let refusal = json!({ "__type": "com.amazonaws.dynamodb.v20120810#AccessDeniedException", "message": "no" });
        Response::builder().status(400).body(Body::from(refusal.to_string())).unwrap()
    };
    if fate == 0 {
        return refusal();
    }
    let passed = pass_on(&client, parts, to_bytes(body, usize::MAX).await.unwrap()).await;
    if fate == 1 { refusal() } else { passed.into() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interruption_between_any_two_writes_loses_and_repeats_nothing() {
    let place = place().await;
    let world = over(place.clone());
    let start = three_days_ago();
    post(&world, &events(start, 40, &["login", "logout", "update"])).await;
    post(&world, &events(after(start, 2 * HOUR), 20, &["login"])).await;
    let (url, writes) = interrupting().await;
    let sdk = place.sdk.clone().into_builder().endpoint_url(url).build();
    let volume = volume(&place, &sdk, SMALL);
    let roll_up = async || {
        loop {
            match volume.roll_up(soon()).await {
                Ok(part) if !part.has_more => return,
                _ => {}
            }
        }
    };
    roll_up().await;
    let counts = async || volume.hours(start, after(start, 70 * HOUR)).await.unwrap();
    assert_eq!(counts().await.complete_since, None);
    assert_eq!(total(&counts().await), expected(&[("login", 34), ("logout", 13), ("update", 13)]));
    // All of these are late.
    post(&world, &events(after(start, 60_000), 33, &["login", "logout", "update"])).await;
    post(&world, &events(after(start, 5 * HOUR), 9, &["logout"])).await;
    roll_up().await;
    assert_eq!(total(&counts().await), expected(&[("login", 45), ("logout", 33), ("update", 24)]));
    assert!(writes.load(Ordering::Relaxed) > 100, "{writes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_without_time_counts_a_part_and_the_next_one_goes_on() {
    let place = place().await;
    let world = over(place.clone());
    let start = three_days_ago();
    let clock = Arc::new(FakeClock::at(&soon().to_string()));
    post(&world, &events(start, 2500, &["login", "logout"])).await;
    let limits = VolumeLimits { part: 300, live: 500 };
    let sweep = Sweep {
        volume: Arc::new(volume(&place, &place.sdk, limits)),
        ..Sweep::new(&world.stores, None, clock, SignedDuration::from_hours(24 * 365))
    };
    let live = sweep.volume.hours(start, after(start, HOUR)).await.unwrap();
    let newest = after(start, 2000 * 1000);
    assert_eq!(live.hours.iter().map(|count| count.count).sum::<u64>(), 500, "it reads no further");
    assert!(live.complete_since.is_some_and(|since| since > newest && since < after(newest, 1000)), "{live:?}");
    let mut counted = Vec::new();
    while counted.iter().sum::<usize>() < 2500 {
        counted.push(sweep.run(SignedDuration::ZERO).await.unwrap().counted);
        assert!(counted.len() < 20, "{counted:?}");
    }
    assert!(counted.iter().all(|part| (1..=300).contains(part)), "{counted:?}");
    for _ in 0..80 {
        sweep.run(SignedDuration::ZERO).await.unwrap();
    }
    let counts = sweep.volume.hours(start, after(start, 70 * HOUR)).await.unwrap();
    assert_eq!(total(&counts), expected(&[("login", 1250), ("logout", 1250)]));
    assert_eq!(counts.complete_since, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_actions_are_counted_in_several_readings() {
    let place = place().await;
    let world = over(place.clone());
    let start = three_days_ago();
    let actions: Vec<_> = (0..2500).map(|n| format!("{}{n:04}", "a".repeat(120))).collect();
    let actions: Vec<_> = actions.iter().map(String::as_str).collect();
    post(&world, &events(start, 2500, &actions)).await;
    let volume = volume(&place, &place.sdk, VolumeLimits { part: 1000, live: 10 });
    while volume.roll_up(soon()).await.unwrap().has_more {}
    let counts = volume.hours(start, after(start, HOUR)).await.unwrap();
    assert_eq!(counts.hours.len(), actions.len());
    assert!(counts.hours.iter().all(|count| count.count == 1));
}

/// Stores an item in the events' partition that is no event.
async fn store_unreadable(place: &Place, like: &Event, body: &[u8]) {
    let pk = like.pk.to_string();
    let client = aws_sdk_dynamodb::Client::new(&place.sdk);
    let found = client.scan().table_name(&place.settings.table).send().await.unwrap();
    let stored = found.items().iter().find(|item| item["sk"] == AttributeValue::S(pk.clone())).unwrap();
    let put = client.put_item().table_name(&place.settings.table).set_item(Some(stored.clone()));
    put.item("body", AttributeValue::B(Blob::new(body))).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreadable_event_is_missing_and_stops_nothing() {
    let place = place().await;
    let world = over(place.clone());
    let start = three_days_ago();
    let some = events(start, 5, &["login"]);
    post(&world, &some).await;
    let newer = zstd::encode_all(&br#"{"v2":{"action":{"name":"login"}}}"#[..], 3).unwrap();
    store_unreadable(&place, &some[1], &newer).await;
    store_unreadable(&place, &some[3], b"\0").await;
    let counts = async || total(&world.volume.hours(start, after(start, HOUR)).await.unwrap());
    assert_eq!(counts().await, expected(&[("login", 3)]));
    let first = world.volume.roll_up(soon()).await.unwrap();
    assert_eq!((first.events, first.unreadable, first.has_more), (5, 2, true));
    while world.volume.roll_up(soon()).await.unwrap().has_more {}
    assert_eq!(counts().await, expected(&[("login", 3)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_task_of_a_sweep_waits_for_another_to_succeed() {
    let place = place().await;
    let start = three_days_ago();
    let settings = aws::Settings {
        archive_bucket: Some("there-is-no-such-bucket".to_owned()),
        dead_letters_url: Some(format!("{}-gone", place.settings.queue_url)),
        ..place.settings.clone()
    };
    let adapters = Adapters::new(place.sdk.clone(), settings);
    let stores = adapters.stores();
    let expired = event("login").created(start).kept_for(SignedDuration::from_hours(24)).shared();
    stores.intake.accept(&serialized(&[expired])).await.unwrap();
    // The first minute of an hour, in which dead letters are redriven.
    let now = Timestamp::from_second((soon().as_second() / 3600 + 30) * 3600).unwrap();
    let clock = Arc::new(FakeClock::at(&now.to_string()));
    let sweep =
        Sweep::new(&stores, adapters.archive().map(|archive| Arc::new(archive) as _), clock, SignedDuration::ZERO);
    let error = sweep.run(SignedDuration::from_secs(10)).await.unwrap_err();
    let failed: Vec<_> = error.failures.iter().map(|(task, _)| *task).collect();
    assert_eq!(failed, ["redrive dead letters", "archive"], "{error}");
    let counts = stores.volume.hours(start, after(start, HOUR)).await.unwrap();
    assert_eq!(total(&counts), expected(&[("login", 1)]));
    let client = aws_sdk_dynamodb::Client::new(&place.sdk);
    let cursor = client.get_item().table_name(&place.settings.table);
    let cursor = cursor.key("pk", AttributeValue::S("V".to_owned())).key("sk", AttributeValue::S("V".to_owned()));
    assert!(cursor.send().await.unwrap().item.is_some(), "the hours are closed, not only read");
}
