//! On AWS, the number of shards determines where records are. Each day keeps the number it was begun with: whatever is
//! configured later, and by whichever process, every record is found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws::Settings;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::delivery::{Delivery, DeliveryState};
use domain::event::EventPk;
use domain::person::Person;
use domain::ports::{ActiveRules, Clock as _, StoreError};
use domain::query::{DeliveryQuery, EventQuery};
use domain::retention::erasure::ErasureSubject;
use domain::retention::job::{Job, JobState, JobTask};
use domain::rules_document::{Rule, RulesDocument};
use domain::testing::serialized;
use domain::{Event, Timestamp};
use futures_util::future::join_all;
use host::SystemClock;
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use retention::JobRunner;
use serde_json::json;
use support::{FakeClock, event};

use crate::aws_world::{Place, archiving_place, over, place};
use crate::dispatchers::Fixed;
use crate::world::{DAY, HOUR, World, after, somewhen};

/// The adapters as a process with this number of shards has them.
fn process(place: &Place, shards: u16) -> World {
    over(Place { settings: Settings { shards, ..place.settings.clone() }, ..place.clone() })
}

fn events(at: Timestamp, many: usize) -> Vec<Arc<Event>> {
    let one = |_| event("login").created(at).user(json!({ "username": "ann" })).shared();
    (0..many).map(one).collect()
}

async fn store(world: &World, events: &[Arc<Event>]) -> Vec<Delivery> {
    world.intake.accept(&serialized(events)).await.unwrap();
    let open = |event: &Arc<Event>| {
        let at = event.created;
        Delivery::open(event, &Rule::named("rule"), "hook", Person::new("ann", ""), at)
    };
    let entries: Vec<_> = events.iter().map(open).collect();
    world.ledger.open(&entries).await.unwrap();
    entries
}

/// Each of these entries and its event are found, one by one and in lists that have nothing else.
async fn finds_all(world: &World, stored: &[Delivery], now: Timestamp) {
    for entry in stored {
        assert!(world.log.get(entry.event(), now).await.unwrap().is_some(), "an event is hidden");
        assert_eq!(world.ledger.get(entry.id).await.unwrap().as_ref(), Some(entry));
        let query = DeliveryQuery { event: Some(entry.event()), limit: 10, ..DeliveryQuery::default() };
        assert_eq!(world.ledger.list(&query).await.unwrap().results, std::slice::from_ref(entry));
    }
    let ids: Vec<_> = stored.iter().map(|entry| entry.id).collect();
    assert_eq!(world.ledger.get_all(&ids).await.unwrap().len(), stored.len());
    let listed = world.log.list(&EventQuery { limit: 1000, ..EventQuery::default() }, now).await.unwrap().results;
    let expected: BTreeSet<EventPk> = stored.iter().map(Delivery::event).collect();
    assert_eq!(listed.iter().map(|event| event.pk).collect::<BTreeSet<_>>(), expected);
    assert_eq!(listed.len(), expected.len());
    let entries = world.ledger.list(&DeliveryQuery { limit: 1000, ..DeliveryQuery::default() }).await.unwrap();
    assert_eq!(entries.results.len(), stored.len());
}

/// The shards that have events, by day.
async fn shards_with_events(place: &Place) -> BTreeMap<String, BTreeSet<u16>> {
    let client = aws_sdk_dynamodb::Client::new(&place.sdk);
    let items = client.scan().table_name(&place.settings.table).send().await.unwrap().items.unwrap();
    let mut found: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
    for item in items {
        let partition = item["pk"].as_s().unwrap();
        if let Some((day, shard)) = partition.strip_prefix("E#").and_then(|rest| rest.split_once('#')) {
            found.entry(day.to_owned()).or_default().insert(shard.parse().unwrap());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_keeps_the_shards_it_was_begun_with() {
    let place = place().await;
    let at = somewhen();
    let begun = process(&place, 4);
    let mut stored = store(&begun, &events(at, 12)).await;
    for shards in [1, 7, 64] {
        let world = process(&place, shards);
        stored.extend(store(&world, &events(at, 12)).await);
        finds_all(&world, &stored, at).await;
    }
    finds_all(&begun, &stored, at).await;
    let used = shards_with_events(&place).await.into_values().next().unwrap();
    assert!(used.iter().all(|shard| *shard < 4), "{used:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_number_holds_from_the_next_day_on() {
    let place = place().await;
    let at = somewhen();
    let days: Vec<_> = [(0, 2), (1, 16), (2, 3)].map(|(day, shards)| (after(at, day * DAY), shards)).into();
    let mut stored = Vec::new();
    for (at, shards) in &days {
        stored.extend(store(&process(&place, *shards), &events(*at, 40)).await);
    }
    let used: Vec<_> = shards_with_events(&place).await.into_values().map(|shards| shards.len()).collect();
    assert_eq!((used[0], used[2]), (2, 3));
    assert!((10..=16).contains(&used[1]), "{used:?}");
    for shards in [1, 64] {
        finds_all(&process(&place, shards), &stored, at).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_with_different_numbers_begin_a_day_together() {
    let place = place().await;
    let at = somewhen();
    let processes: Vec<_> = [1, 4, 9, 64].map(|shards| process(&place, shards)).into();
    let batches: Vec<_> = (0..4).map(|_| events(at, 8)).collect();
    let stored = join_all(processes.iter().zip(&batches).map(|(world, events)| store(world, events))).await.concat();
    for world in &processes {
        finds_all(world, &stored, at).await;
    }
}

/// What 0.1.0 has left: one number for the table, and markers without one.
async fn as_by_0_1_0(place: &Place) {
    let client = aws_sdk_dynamodb::Client::new(&place.sdk);
    let items = client.scan().table_name(&place.settings.table).send().await.unwrap().items.unwrap();
    for item in items {
        let attribute = match item["pk"].as_s().unwrap().as_str() {
            "DAYS" => "shards",
            "SHARDS" => "until",
            _ => continue,
        };
        let request = client.update_item().table_name(&place.settings.table);
        let request = request.key("pk", item["pk"].clone()).key("sk", item["sk"].clone());
        let request =
            request.update_expression("REMOVE #attribute").expression_attribute_names("#attribute", attribute);
        request.send().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_of_0_1_0_keeps_its_days() {
    let place = place().await;
    let at = somewhen();
    let mut stored = store(&process(&place, 3), &events(at, 20)).await;
    as_by_0_1_0(&place).await;
    for shards in [16, 2] {
        let world = process(&place, shards);
        finds_all(&world, &stored, at).await;
        stored.extend(store(&world, &events(at, 8)).await);
        finds_all(&world, &stored, at).await;
    }
    let used = shards_with_events(&place).await;
    assert_eq!(used.into_values().collect::<Vec<_>>(), [BTreeSet::from([0, 1, 2])]);
}

/// A function of 0.1.0 may still run after the first one of this version: it writes today's events by its own number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_day_of_an_upgrade_keeps_the_number_of_0_1_0() {
    let place = place().await;
    let now = SystemClock.now();
    let client = aws_sdk_dynamodb::Client::new(&place.sdk);
    let shards = client.put_item().table_name(&place.settings.table);
    let shards =
        shards.item("pk", AttributeValue::S("SHARDS".to_owned())).item("sk", AttributeValue::S("SHARDS".to_owned()));
    shards.item("shards", AttributeValue::N("3".to_owned())).send().await.unwrap();
    let world = process(&place, 16);
    let late = store(&world, &events(after(now, -2 * DAY), 40)).await;
    let today = store(&world, &events(now, 40)).await;
    let later = store(&world, &events(after(now, 3 * DAY), 40)).await;
    let used: Vec<_> = shards_with_events(&place).await.into_values().map(|shards| shards.len()).collect();
    assert_eq!(used[..2], [3, 3]);
    assert!(used[2] > 3, "{used:?}");
    finds_all(&process(&place, 5), &[late, today, later].concat(), now).await;
}

/// A batch of events: by a process with this number of shards, on this day.
#[derive(Debug, Clone)]
struct Batch {
    shards: u16,
    day: i64,
    /// The events that expire soon, and those that stay.
    many: (usize, usize),
}

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let batch = (1_u16..10, 0_i64..3, (0_usize..4, 0_usize..4));
    prop::collection::vec(batch.prop_map(|(shards, day, many)| Batch { shards, day, many }), 1..7)
}

#[test]
fn every_event_is_found_after_any_changes() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 8, failure_persistence: None, ..Config::default() });
    runner.run(&batches(), |batches| runtime.block_on(all_are_found(&batches))).unwrap();
}

async fn all_are_found(batches: &[Batch]) -> Result<(), TestCaseError> {
    let place = archiving_place().await;
    let start = Timestamp::from_second(somewhen().as_second() / 86_400 * 86_400).unwrap();
    let (expiry, end) = (after(start, 3 * DAY), after(start, 3 * DAY + 3 * HOUR));
    let (mut stored, mut expiring) = (Vec::new(), BTreeSet::new());
    // The processes go on, so that each has cached what it knew when it began.
    let mut processes = Vec::new();
    for (number, batch) in batches.iter().enumerate() {
        let world = process(&place, batch.shards);
        let at = after(start, batch.day * DAY + i64::try_from(number).unwrap());
        let one = |expires: Timestamp| {
            let event = event("login").created(at).user(json!({ "username": "ann" }));
            event.kept_for(expires.duration_since(at)).shared()
        };
        let soon: Vec<_> = (0..batch.many.0).map(|_| one(expiry)).collect();
        let others: Vec<_> = (0..batch.many.1).map(|_| one(after(expiry, 300 * DAY))).collect();
        expiring.extend(soon.iter().map(|event| event.pk));
        stored.extend(store(&world, &[soon, others].concat()).await);
        processes.push(world);
    }
    for world in &processes {
        finds_all(world, &stored, start).await;
    }
    let world = &processes[0];
    while world.volume.roll_up(end).await.unwrap().has_more {}
    let counted = world.volume.hours(start, end).await.unwrap().hours.iter().map(|hour| hour.count).sum::<u64>();
    prop_assert_eq!(counted, stored.len() as u64);

    let found = world.keeping.expired(end, 1000).await.unwrap();
    prop_assert_eq!(found.events.iter().map(|event| event.pk).collect::<BTreeSet<_>>(), expiring);
    world.keeping.mark_archived(&found, end).await.unwrap();

    let expiries: Vec<_> = stored.iter().map(|entry| (entry.event(), after(expiry, 400 * DAY))).collect();
    prop_assert_eq!(processes.last().unwrap().keeping.set_expiries(&expiries, start).await.unwrap(), stored.len());

    let retried: Vec<_> = stored.iter().map(|entry| retried(entry, start)).collect();
    prop_assert!(world.ledger.replace(&retried).await.unwrap().into_iter().all(|replaced| replaced));
    let due: BTreeSet<_> = world.ledger.due(end, 1000).await.unwrap().into_iter().map(|due| due.id).collect();
    prop_assert_eq!(due, stored.iter().map(|entry| entry.id).collect::<BTreeSet<_>>());

    let erased = erase(world, end).await.unwrap();
    prop_assert_eq!(erased, stored.len() as u64);
    for world in &processes {
        for entry in &stored {
            prop_assert_eq!(world.log.get(entry.event(), start).await.unwrap(), None);
            prop_assert_eq!(world.ledger.get(entry.id).await.unwrap(), None);
        }
    }
    let left = shards_with_events(&place).await;
    prop_assert!(left.values().flatten().count() <= 1, "only the job's own event is left: {left:?}");
    Ok(())
}

/// The next revision of the entry, which waits for another attempt.
fn retried(entry: &Delivery, at: Timestamp) -> Delivery {
    Delivery { revision: entry.revision + 1, state: DeliveryState::Retrying, next_at: Some(at), ..entry.clone() }
}

/// Erases the data of the one person whom all events name. Returns how many events that were.
async fn erase(world: &World, now: Timestamp) -> Result<u64, StoreError> {
    let subject = ErasureSubject::new(Some("ann"), None).unwrap();
    let job = Job::new(JobTask::erase(subject), false, "root".to_owned(), now, support::random_bits());
    assert!(world.jobs.replace(&job).await?);
    let active = ActiveRules { document: RulesDocument::default(), ..ActiveRules::built_in("") };
    let clock = Arc::new(FakeClock::at(&domain::time::format(now)));
    let runner = JobRunner::new(&world.stores, None, None, Arc::new(Fixed(Arc::new(active))), clock);
    runner.advance(SignedDuration::from_secs(1)).await?;
    let job = world.jobs.get(&job.id).await?.unwrap();
    assert_eq!(job.state, JobState::Done);
    Ok(job.report.counts["events"])
}
