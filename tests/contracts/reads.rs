//! On AWS, a step of a job and a page of a list read little more than they use.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws::{Adapters, Settings};
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::ports::{ActiveRules, Configuration as _, EventLog as _, SaveOutcome, Suppression as _};
use domain::query::EventQuery;
use domain::rules_document::{Period, Throttle};
use domain::suppression::{SuppressionKey, SuppressionRecord, SuppressionState, ThrottleLog};
use domain::testing::serialized;
use serde_json::Value;
use support::proxy::pass_on;
use support::{event, unique};
use tokio::net::TcpListener;

use crate::aws_world::{Place, over, place};
use crate::world::{after, somewhen};

/// Counts what was read.
#[derive(Clone, Default)]
pub(crate) struct Reads(Arc<[AtomicUsize; 4]>);

impl Reads {
    fn reset(&self) {
        self.0.iter().for_each(|count| count.store(0, Ordering::Relaxed));
    }
    pub(crate) fn requests(&self) -> usize {
        self.0[0].load(Ordering::Relaxed)
    }
    /// The items of the answers to queries.
    pub(crate) fn items(&self) -> usize {
        self.0[1].load(Ordering::Relaxed)
    }
    /// The size of the requests.
    pub(crate) fn sent(&self) -> usize {
        self.0[3].load(Ordering::Relaxed)
    }
    /// The size of the answers.
    fn bytes(&self) -> usize {
        self.0[2].load(Ordering::Relaxed)
    }
}

/// Forwards requests to the emulator, and counts them and what they read.
pub(crate) async fn counting() -> (String, Reads) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let read = Reads::default();
    let router = axum::Router::new().fallback(pass).with_state((read.clone(), reqwest::Client::new()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, read)
}

async fn pass(State((read, client)): State<(Reads, reqwest::Client)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let sent = body.len();
    let passed = pass_on(&client, parts, body).await;
    let answer: Value = serde_json::from_slice(&passed.body).unwrap_or_default();
    let items = answer["Count"].as_u64().unwrap_or(0);
    for (count, added) in read.0.iter().zip([1, usize::try_from(items).unwrap(), passed.body.len(), sent]) {
        count.fetch_add(added, Ordering::Relaxed);
    }
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
    let (mut after, mut seen) = (None, BTreeSet::new());
    for _ in 0..3 {
        read.reset();
        let page = stores.keeping.list_received(after, 200, now).await.unwrap();
        seen.extend(page.results.iter().map(|kept| kept.event.pk));
        assert_eq!(page.results.len(), 200);
        // Beside the events, the marker of their day.
        assert!((200..=201).contains(&read.items()), "{} items were read", read.items());
        // The rest of one shard, the beginning of the next, and the day.
        assert!(read.requests() <= 3, "{} requests", read.requests());
        after = page.next;
    }
    assert_eq!(seen.len(), 600, "each event once");
    read.reset();
    let query = EventQuery { limit: 50, ..EventQuery::default() };
    assert_eq!(stores.log.list(&query, now).await.unwrap().results.len(), 50);
    assert!((50..=130).contains(&read.items()), "{} items were read", read.items());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_many_shards_reads_little_of_each() {
    let place = place().await;
    let place = Place { settings: Settings { shards: 64, ..place.settings }, ..place };
    let (now, world) = (somewhen(), over(place.clone()));
    let events: Vec<_> = (0..2000).map(|n| event("login").created(after(now, n)).shared()).collect();
    for some in events.chunks(500) {
        world.intake.accept(&serialized(some)).await.unwrap();
    }
    let (url, read) = counting().await;
    let sdk = place.sdk.clone().into_builder().endpoint_url(url).build();
    let log = Adapters::new(sdk, place.settings).event_log();
    let query = EventQuery { limit: 50, ..EventQuery::default() };
    let page = log.list(&query, now).await.unwrap().results;
    let expected: Vec<_> = events.iter().rev().take(50).map(|event| event.pk).collect();
    let found: Vec<_> = page.iter().map(|event| event.pk).collect();
    assert_eq!(found.iter().collect::<BTreeSet<_>>(), expected.iter().collect::<BTreeSet<_>>());
    // Four of each shard, and eight of those whose four were not enough; 51 of each would be 3,264.
    assert!(read.items() <= 500, "{} items were read", read.items());
    assert!(read.requests() <= 64 + 30, "{} requests", read.requests());
}

/// DynamoDB charges a unit for each KiB that is written, also if the write is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counting_an_event_in_a_large_throttle_writes_little() {
    let place = place().await;
    let now = somewhen();
    let throttle = Throttle { max: 1000.try_into().unwrap(), per: Period::parse("hours=1").unwrap(), by: Vec::new() };
    let id = SuppressionKey::throttle(&unique("rule"), std::iter::empty());
    let (url, counted) = counting().await;
    let sdk = place.sdk.clone().into_builder().endpoint_url(url).build();
    let suppression = Adapters::new(sdk, place.settings).suppression();
    let (mut record, mut sizes) = (None, Vec::new());
    for n in 0..950 {
        let before = match &record {
            Some(SuppressionRecord { state: SuppressionState::Throttle(log), .. }) => log.clone(),
            _ => ThrottleLog::default(),
        };
        let event = event("login").created(after(now, n)).build().pk;
        let log = before.judge(&throttle, &[event], after(now, n)).changed.unwrap();
        let expires = log.expires(&throttle);
        let next = SuppressionRecord::next(record.as_ref(), SuppressionState::Throttle(log), expires);
        counted.reset();
        assert!(suppression.put(id, &next).await.unwrap());
        sizes.push(counted.sent());
        record = Some(next);
    }
    assert_eq!(suppression.get(id).await.unwrap(), record);
    // The requests, which have the bodies in base64.
    let mean = sizes[500..].iter().sum::<usize>() / 450;
    assert!(mean < 4000, "{mean} bytes a write");
}

/// Every instance looks every 30 seconds whether the rules have changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_that_have_not_changed_are_not_read_again() {
    let place = place().await;
    let world = over(place.clone());
    let mut rules = ActiveRules { version: 1, ..ActiveRules::built_in("") };
    rules.source = (0..20_000).map(|_| unique("# line")).collect::<Vec<_>>().join("\n");
    assert_eq!(world.documents.save(&rules).await.unwrap(), SaveOutcome::Saved);
    let (url, read) = counting().await;
    let sdk = place.sdk.clone().into_builder().endpoint_url(url).build();
    let configuration = Adapters::new(sdk, place.settings).uncached_configuration();
    assert_eq!(configuration.current().await.unwrap().version, 1);
    assert!(read.bytes() > 200_000, "{} bytes", read.bytes());
    read.reset();
    let current = configuration.current().await.unwrap();
    assert_eq!((current.version, current.source.len()), (1, rules.source.len()));
    assert!(read.bytes() < 100 && read.requests() == 1, "{} bytes", read.bytes());
    let changed = ActiveRules { version: 2, source: "# short".to_owned(), ..rules };
    assert_eq!(world.documents.save(&changed).await.unwrap(), SaveOutcome::Saved);
    assert_eq!(*configuration.current().await.unwrap(), changed);
}
