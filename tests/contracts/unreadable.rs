//! On AWS, an item that this version cannot read, such as one that a later version wrote before it was rolled back, is
//! left out of lists and reported; everything else is found.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::access::token::{Scope, Token};
use domain::delivery::endpoint::{Endpoint, EndpointState};
use domain::delivery::{Delivery, DeliveryState};
use domain::person::Person;
use domain::ports::OpenOutcome;
use domain::query::{DeliveryQuery, EventQuery};
use domain::retention::job::{Job, JobTask};
use domain::rules_document::{Retention, Rule, Silence, Transport, TransportKind};
use domain::testing::serialized;
use serde_json::json;
use support::{event, unique};

use crate::aws_world::{Place, over, place};
use crate::world::{DAY, World, after, somewhen};

/// Replaces the body of every other item of the partitions that begin so: by a later version's, and by no record at
/// all. Returns how many there were.
async fn spoil(place: &Place, partition: &str) -> usize {
    let client = aws_sdk_dynamodb::Client::new(&place.sdk);
    let table = &place.settings.table;
    let scan = client.scan().table_name(table).consistent_read(true).filter_expression("begins_with(pk, :start)");
    let found =
        scan.expression_attribute_values(":start", AttributeValue::S(partition.to_owned())).send().await.unwrap();
    let later = zstd::encode_all(&br#"{"v2":{"id":7}}"#[..], 3).unwrap();
    let mut items: Vec<_> = found.items().iter().filter(|item| item.contains_key("body")).cloned().collect();
    items.sort_by_key(|item| item["sk"].as_s().unwrap().clone());
    let spoiled: Vec<_> = items.into_iter().skip(1).step_by(2).collect();
    for (index, item) in spoiled.iter().enumerate() {
        let body = if index % 2 == 0 { later.clone() } else { b"\0".to_vec() };
        let put = client.put_item().table_name(table).set_item(Some(item.clone()));
        put.item("body", AttributeValue::B(Blob::new(body))).send().await.unwrap();
    }
    assert!(!spoiled.is_empty(), "{partition}");
    spoiled.len()
}

async fn spoilt() -> (Place, World) {
    let place = place().await;
    let world = over(place.clone());
    (place, world)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_and_jobs_over_them() {
    let (place, world) = spoilt().await;
    let now = somewhen();
    let events: Vec<_> = (0..7).map(|n| event("login").created(after(now, n)).shared()).collect();
    world.intake.accept(&serialized(&events)).await.unwrap();
    assert_eq!(spoil(&place, "E#").await, 3);
    let page = world.log.list(&EventQuery { limit: 10, ..EventQuery::default() }, now).await.unwrap();
    assert_eq!((page.results.len(), page.searched.events, page.next), (4, 7, None));
    let received = world.keeping.list_received(None, 10, now).await.unwrap();
    assert_eq!((received.results.len(), received.unreadable, received.next), (4, 3, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries() {
    let (place, world) = spoilt().await;
    let now = somewhen();
    let open = |n: i64| {
        let event = event("login").created(after(now, n)).build();
        let entry = Delivery::open(&event, &Rule::named("rule"), "hook", Person::new("ann", ""), now);
        Delivery { state: DeliveryState::Dead, ..entry }
    };
    let entries: Vec<_> = (0..7).map(open).collect();
    world.ledger.open(&entries).await.unwrap();
    assert_eq!(spoil(&place, "D#").await, 3);
    for state in [None, Some(DeliveryState::Dead)] {
        let page = world.ledger.list(&DeliveryQuery { state, limit: 10, ..DeliveryQuery::default() }).await.unwrap();
        assert_eq!((page.results.len(), page.next), (4, None), "{state:?}");
    }
    let ids: Vec<_> = entries.iter().map(|entry| entry.id).collect();
    assert_eq!(world.ledger.get_all(&ids).await.unwrap().len(), 4);
    let again = world.ledger.open(&entries).await.unwrap();
    assert_eq!(again.iter().filter(|outcome| **outcome == OpenOutcome::Unreadable).count(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notifications() {
    let (place, world) = spoilt().await;
    let (now, ann) = (somewhen(), unique("ann"));
    for n in 0..4 {
        world.inbox.put(&crate::inbox::item(&ann, after(now, n))).await.unwrap();
    }
    assert_eq!(spoil(&place, "N#").await, 2);
    let page = world.inbox.list(&ann, None, None, 10, now).await.unwrap();
    assert_eq!((page.results.len(), page.next), (2, None));
    assert_eq!(world.inbox.mark_all_seen(&ann).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silences_tokens_jobs_and_endpoints() {
    let (place, world) = spoilt().await;
    let now = somewhen();
    for n in 0..4_u8 {
        let silence = Silence {
            id: format!("silence-{n}"),
            rules: Vec::new(),
            event_matcher: None,
            reason: "test".to_owned(),
            by: "ann".to_owned(),
            starts: now,
            ends: after(now, DAY),
        };
        world.silences.put(&silence).await.unwrap();
        let scopes = vec![Scope::Read];
        world.tokens.put(&Token::new(&unique("token"), scopes, None, String::new(), now, None)).await.unwrap();
        let task = JobTask::Restamp { retention: Retention::default() };
        let job = Job::new(task, false, "root".to_owned(), now, support::random_bits());
        assert!(world.jobs.replace(&job).await.unwrap());
        let transport = Transport::named(format!("hook-{n}"), TransportKind::Local);
        let disabled = EndpointState::Disabled { since: now, why: "the receiver answered 410".to_owned() };
        let endpoint = Endpoint::next(None, &transport, disabled);
        assert!(world.endpoints.replace(&endpoint).await.unwrap());
    }
    for partition in ["SILENCES", "TOKENS", "JOBS", "H"] {
        assert_eq!(spoil(&place, partition).await, 2, "{partition}");
    }
    assert_eq!(world.silences.all().await.unwrap().len(), 2);
    assert_eq!(world.tokens.list().await.unwrap().len(), 2);
    assert_eq!(world.jobs.all().await.unwrap().len(), 2);
    assert_eq!(world.endpoints.all().await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_cannot_be_read_stops_deletions_and_no_intake() {
    let (place, world) = spoilt().await;
    let now = somewhen();
    for _ in 0..2 {
        world.holds.put(&crate::holds::hold(json!({ "action": "login" }))).await.unwrap();
    }
    assert_eq!(spoil(&place, "HOLDS").await, 1);
    let world = over(place);
    world.intake.accept(&serialized(&[event("login").created(now).shared()])).await.unwrap();
    assert!(world.holds.all().await.is_err(), "a job must not delete what it would protect");
}
