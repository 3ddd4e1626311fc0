//! The contract of every store's lists: a page ends before it is too large for a response of Lambda, and the next one
//! continues there.

use std::collections::BTreeSet;

use domain::delivery::{Attempt, Delivery};
use domain::notification::inbox::InboxItem;
use domain::person::Person;
use domain::query::{DeliveryQuery, EventQuery, escaped_len};
use domain::rules_document::Rule;
use domain::testing::serialized;
use serde_json::json;
use support::{event, unique};

use crate::inbox::item;
use crate::world::{World, after, somewhen};

/// Lambda's limit of a response, in bytes.
const MAX_RESPONSE: usize = 6 * 1024 * 1024;

/// So many that their bytes exceed two responses.
const MANY: usize = 60;

/// Text that is as long again when it is carried as a string, twice.
fn quotes(bytes: usize) -> String {
    "\"\\".repeat(bytes / 2)
}

/// The size of a response as Lambda carries it.
fn carried(results: serde_json::Result<String>) -> usize {
    escaped_len(&results.unwrap())
}

pub(crate) async fn of_events_end_at_their_bytes(world: &World) {
    let (now, app) = (somewhen(), unique("app"));
    let large = |millis| {
        event("login").app(&app).created(after(now, millis)).context(json!({ "text": quotes(120_000) })).shared()
    };
    let events: Vec<_> = (0..i64::try_from(MANY).unwrap()).map(large).collect();
    for some in events.chunks(10) {
        world.intake.accept(&serialized(some)).await.unwrap();
    }
    let mut query = EventQuery { app: Some(app), limit: 1000, ..EventQuery::default() };
    let mut seen = BTreeSet::new();
    for page in 0.. {
        assert!(page < MANY);
        let page = world.log.list(&query, now).await.unwrap();
        assert!(carried(serde_json::to_string(&page.results)) < MAX_RESPONSE);
        assert!(page.next.is_none() || page.results.len() > 5, "{} events", page.results.len());
        seen.extend(page.results.iter().map(|event| event.pk));
        query.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!(seen, events.iter().map(|event| event.pk).collect());
}

fn with_long_answers(n: usize, now: domain::Timestamp) -> Delivery {
    let event = event("login").created(after(now, i64::try_from(n).unwrap())).build();
    let entry = Delivery::open(&event, &Rule::named("rule"), "hook", Person::new("ann", ""), now);
    let attempt = Attempt { at: now, status: Some(500), error: Some(quotes(100_000)), ms: 1 };
    Delivery { attempts: vec![attempt], state: domain::delivery::DeliveryState::Dead, ..entry }
}

pub(crate) async fn of_deliveries_end_at_their_bytes(world: &World) {
    let now = somewhen();
    let entries: Vec<_> = (0..MANY).map(|n| with_long_answers(n, now)).collect();
    for some in entries.chunks(10) {
        world.ledger.open(some).await.unwrap();
    }
    for state in [None, Some(domain::delivery::DeliveryState::Dead)] {
        let mut query = DeliveryQuery { state, limit: 1000, ..DeliveryQuery::default() };
        let mut seen = BTreeSet::new();
        loop {
            let page = world.ledger.list(&query).await.unwrap();
            assert!(carried(serde_json::to_string(&page.results)) < MAX_RESPONSE);
            assert!(page.next.is_none() || !page.results.is_empty());
            seen.extend(page.results.iter().map(|entry| entry.id));
            query.before = page.next;
            if page.next.is_none() {
                break;
            }
        }
        assert_eq!(seen, entries.iter().map(|entry| entry.id).collect(), "{state:?}");
    }
}

pub(crate) async fn of_notifications_end_at_their_bytes(world: &World) {
    let (now, ann) = (somewhen(), unique("ann"));
    let mut stored = BTreeSet::new();
    for n in 0..MANY {
        let item = item(&ann, after(now, i64::try_from(n).unwrap()));
        world.inbox.put(&InboxItem { body: quotes(100_000), ..item.clone() }).await.unwrap();
        stored.insert(item.pk);
    }
    let (mut seen, mut before) = (BTreeSet::new(), None);
    loop {
        let page = world.inbox.list(&ann, None, before.as_deref(), 1000, now).await.unwrap();
        assert!(carried(serde_json::to_string(&page.results)) < MAX_RESPONSE);
        assert!(page.next.is_none() || !page.results.is_empty());
        seen.extend(page.results.into_iter().map(|item| item.pk));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, stored);
}
