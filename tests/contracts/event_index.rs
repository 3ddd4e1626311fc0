//! On AWS, events may be indexed by user, address and action. The index answers for what it has, is never more than the
//! events, and costs a filter for a rare value little.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws::{Adapters, IndexedField, Settings};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ports::{Clock as _, EventLog as _};
use domain::query::EventQuery;
use domain::testing::serialized;
use domain::{Event, EventPk, Timestamp};
use host::SystemClock;
use jiff::SignedDuration;
use serde_json::json;
use support::event;

use crate::aws_world::{Place, indexed_place, over, place};
use crate::reads::counting;
use crate::world::{DAY, World, after, somewhen};

/// The adapters as a process with these indexes has them.
fn process(place: &Place, event_indexes: &[IndexedField]) -> World {
    let settings = Settings { event_indexes: event_indexes.to_vec(), ..place.settings.clone() };
    over(Place { settings, ..place.clone() })
}

fn by(username: &str, at: Timestamp) -> Arc<Event> {
    event("login").created(at).user(json!({ "username": username })).client_ip("192.0.2.7").shared()
}

async fn store(world: &World, events: &[Arc<Event>]) {
    for some in events.chunks(500) {
        world.intake.accept(&serialized(some)).await.unwrap();
    }
}

fn of(username: &str, limit: usize) -> EventQuery {
    EventQuery { username: Some(username.to_owned()), limit, ..EventQuery::default() }
}

/// The index entries: each event's pk with its time to live.
async fn entries(place: &Place) -> Vec<(EventPk, i64)> {
    let client = aws_sdk_dynamodb::Client::new(&place.sdk);
    let items = client.scan().table_name(&place.settings.table).send().await.unwrap().items.unwrap();
    let is_entry = |partition: &str| ["U#", "A#", "O#"].iter().any(|start| partition.starts_with(start));
    let found = items.iter().filter(|item| is_entry(item["pk"].as_s().unwrap()));
    let number = |value: &AttributeValue| value.as_n().unwrap().parse().unwrap();
    found.map(|item| (item["sk"].as_s().unwrap().parse().unwrap(), number(&item["ttl"]))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rare_user_is_found_among_many_events_at_little_cost() {
    let place = indexed_place().await;
    let (now, world) = (somewhen(), over(place.clone()));
    let others: Vec<_> = (0..600).map(|n| by("bob", after(now, -n * DAY / 30))).collect();
    let rare: Vec<_> = [1, 7, 19].map(|days| by("ann", after(now, -days * DAY))).into();
    store(&world, &others).await;
    store(&world, &rare).await;
    let (url, read) = counting().await;
    let sdk = place.sdk.clone().into_builder().endpoint_url(url).build();
    let log = Adapters::new(sdk, place.settings.clone()).event_log();
    let page = log.list(&of("ANN", 50), now).await.unwrap();
    assert_eq!(
        page.results.iter().map(|event| event.pk).collect::<Vec<_>>(),
        rare.iter().map(|event| event.pk).collect::<Vec<_>>()
    );
    assert_eq!((page.next, page.searched.events), (None, 3), "and nothing else was looked at");
    // The markers of 20 days, and three entries; the events are in the answer to one batch.
    assert!(read.items() <= 30, "{} items", read.items());
    // One for each month and shard.
    assert!(read.requests() <= 2 * 4 + 5, "{} requests", read.requests());

    // Page by page, and with another filter.
    let first = log.list(&of("ann", 2), now).await.unwrap();
    assert_eq!((first.results.len(), first.next), (2, Some(rare[1].pk)));
    let second = log.list(&EventQuery { before: first.next, ..of("ann", 2) }, now).await.unwrap();
    assert_eq!((second.results.len(), second.next), (1, None));
    let within = EventQuery { since: Some(after(now, -10 * DAY)), until: Some(after(now, -3 * DAY)), ..of("ann", 9) };
    assert_eq!(log.list(&within, now).await.unwrap().results, [(*rare[1]).clone()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_ends_with_its_event() {
    let place = indexed_place().await;
    let (now, world) = (somewhen(), over(place.clone()));
    let events: Vec<_> = (0..3).map(|n| by("ann", after(now, n))).collect();
    store(&world, &events).await;
    let ttl = |expires: Timestamp| domain::time::ttl_seconds(expires);
    let stored = entries(&place).await;
    assert_eq!(stored.len(), 9, "one for each of the three indexes");
    let expected: BTreeSet<_> = events.iter().map(|event| (event.pk, ttl(event.expires))).collect();
    assert_eq!(stored.into_iter().collect::<BTreeSet<_>>(), expected);

    let expires = after(now, 3 * DAY);
    world.keeping.set_expiries(&[(events[0].pk, expires)], now).await.unwrap();
    let restamped: Vec<_> = entries(&place).await.into_iter().filter(|(pk, _)| *pk == events[0].pk).collect();
    assert_eq!(restamped, vec![(events[0].pk, ttl(expires)); 3]);

    // Also by a process for which the index is off.
    process(&place, &[]).erasure.erase_events(&[events[0].pk, events[1].pk]).await.unwrap();
    let left: BTreeSet<_> = entries(&place).await.into_iter().map(|(pk, _)| pk).collect();
    assert_eq!(left, BTreeSet::from([events[2].pk]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_named_event_that_comes_again_keeps_its_entries() {
    let place = indexed_place().await;
    let (now, world) = (somewhen(), over(place.clone()));
    let mut named = event("login").created(now).user(json!({ "username": "ann" })).build();
    named.pk = EventPk::named(now, &[7; 32]);
    let named = vec![Arc::new(named)];
    store(&world, &named).await;
    let later = after(named[0].expires, 9 * DAY);
    world.keeping.set_expiries(&[(named[0].pk, later)], now).await.unwrap();
    store(&world, &named).await;
    let until = domain::time::ttl_seconds(later);
    assert!(entries(&place).await.iter().all(|(pk, found)| *pk == named[0].pk && *found == until));
    assert_eq!(world.log.list(&of("ann", 9), now).await.unwrap().results.len(), 1);
}

/// What was stored before an index was on is found too, and what was stored while it was off between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_answers_only_for_the_time_it_was_on() {
    let place = place().await;
    let now = SystemClock.now();
    let since = async || {
        let client = aws_sdk_dynamodb::Client::new(&place.sdk);
        let key = || AttributeValue::S("INDEXES".to_owned());
        let request = client.get_item().table_name(&place.settings.table).key("pk", key()).key("sk", key());
        let item = request.send().await.unwrap().item?;
        item.get("user")?.as_n().unwrap().parse::<i64>().ok()
    };
    let mut stored = Vec::new();
    for (is_on, hours) in [(false, 3), (true, 2), (false, 1), (true, 0)] {
        let world = process(&place, if is_on { &[IndexedField::User] } else { &[] });
        let event = by("ann", after(now, -hours * 3_600_000));
        store(&world, std::slice::from_ref(&event)).await;
        stored.insert(0, event.pk);
        let found = world.log.list(&of("ann", 9), now).await.unwrap().results;
        assert_eq!(found.iter().map(|event| event.pk).collect::<Vec<_>>(), stored);
        match (since().await, hours) {
            (None, 3) | (Some(0), 1) => {}
            (Some(since), 2 | 0) => {
                // Functions without the index may run on for a while.
                let known = domain::time::later(now, SignedDuration::from_mins(59)).as_second();
                assert!(since > known, "{since}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(entries(&place).await.len(), 2, "the events of the processes with the index");
}
