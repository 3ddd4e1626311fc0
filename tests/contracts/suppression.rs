//! The contract of every store of suppression records: a write succeeds only with the last revision.

use domain::Timestamp;
use domain::delivery::DeliveryId;
use domain::ports::PurgeScope;
use domain::rules_document::{Period, Throttle};
use domain::suppression::{SuppressionKey, SuppressionRecord, SuppressionState, ThrottleLog};
use futures_util::future::join_all;
use support::{event, unique};

use crate::world::{HOUR, World, after, somewhen};

fn throttle() -> Throttle {
    Throttle { max: 50.try_into().unwrap(), per: Period::parse("hours=1").unwrap(), by: Vec::new() }
}

/// A key of its own, with its first record.
fn record(now: Timestamp) -> (SuppressionKey, SuppressionRecord) {
    let id = SuppressionKey::throttle(
        &unique("rule"),
        [("client_ip", Some("192.0.2.7")), ("user.username", None)].into_iter(),
    );
    (id, after_passing(None, now))
}

/// The state after one more event.
fn after_passing(before: Option<&SuppressionRecord>, now: Timestamp) -> SuppressionRecord {
    let log = before.map_or_else(ThrottleLog::default, |record| {
        let SuppressionState::Throttle(log) = &record.state else { panic!("{record:?}") };
        log.clone()
    });
    let log = log.judge(&throttle(), &[event("login").created(now).build().pk], now).changed.unwrap();
    let expires = log.expires(&throttle());
    SuppressionRecord::next(before, SuppressionState::Throttle(log), expires)
}

pub(crate) async fn keeps_all_of_a_lane(world: &World) {
    let now = somewhen();
    let (id, mut record) = record(now);
    assert_eq!(world.suppression.get(id).await.unwrap(), None);
    assert!(world.suppression.put(id, &record).await.unwrap());
    while record.revision < 9 {
        record = after_passing(Some(&record), now);
        assert!(world.suppression.put(id, &record).await.unwrap());
        assert_eq!(world.suppression.get(id).await.unwrap().as_ref(), Some(&record));
    }
}

pub(crate) async fn keeps_all_of_a_large_log(world: &World) {
    let (now, large) = (somewhen(), Throttle { max: 1000.try_into().unwrap(), ..throttle() });
    let (id, mut record) = record(now);
    assert!(world.suppression.put(id, &record).await.unwrap());
    for round in 1..40 {
        let now = after(now, round * 2 * 60_000);
        let events: Vec<_> = (0..30).map(|_| event("login").created(now).build().pk).collect();
        let SuppressionState::Throttle(log) = &record.state else { panic!("{record:?}") };
        let log = log.judge(&large, &events, now).changed.unwrap();
        let expires = log.expires(&large);
        record = SuppressionRecord::next(Some(&record), SuppressionState::Throttle(log), expires);
        assert!(world.suppression.put(id, &record).await.unwrap());
        assert_eq!(world.suppression.get(id).await.unwrap().as_ref(), Some(&record), "after {round} rounds");
        assert!(!world.suppression.put(id, &record).await.unwrap(), "it has moved on");
    }
}

pub(crate) async fn replaces_only_the_last_revision(world: &World) {
    let now = somewhen();
    let (id, first) = record(now);
    let second = after_passing(Some(&first), now);
    assert!(!world.suppression.put(id, &second).await.unwrap(), "there is none to replace");
    assert!(world.suppression.put(id, &first).await.unwrap());
    assert!(!world.suppression.put(id, &first).await.unwrap(), "there is one already");
    assert!(world.suppression.put(id, &second).await.unwrap());
    assert!(!world.suppression.put(id, &second).await.unwrap(), "it has moved on");
    assert_eq!(world.suppression.get(id).await.unwrap(), Some(second));
}

pub(crate) async fn lets_one_of_sixteen_put(world: &World) {
    let now = somewhen();
    let (id, first) = record(now);
    for before in [None, Some(&first)] {
        let states: Vec<SuppressionRecord> = (0..16).map(|_| after_passing(before, now)).collect();
        let states = if before.is_none() { vec![first.clone(); 16] } else { states };
        let put = join_all(states.iter().map(|state| world.suppression.put(id, state))).await;
        let won: Vec<usize> = (0..16).filter(|place| *put[*place].as_ref().unwrap()).collect();
        assert_eq!(won.len(), 1, "{won:?}");
        assert_eq!(world.suppression.get(id).await.unwrap().as_ref(), Some(&states[won[0]]));
    }
}

/// The id of a delivery of its own.
fn carrier(now: Timestamp) -> DeliveryId {
    DeliveryId::for_recipient(event("login").created(now).build().pk, "rule", "transport", "ann")
}

pub(crate) async fn collects_each_event_once(world: &World) {
    let now = somewhen();
    let (carrier, other, expires) = (carrier(now), carrier(now), after(now, HOUR));
    let mut events: Vec<_> = (0..120).map(|_| event("login").created(now).build().pk).collect();
    assert!(world.suppression.collect(carrier, &[], expires).await.unwrap());
    for batch in [&events[..], &events[..50], &events[30..90], &events[119..]] {
        assert!(world.suppression.collect(carrier, batch, expires).await.unwrap());
    }
    assert!(world.suppression.collect(other, &events[..1], expires).await.unwrap());
    events.sort_unstable();
    for _ in 0..2 {
        let mut closed = world.suppression.close(carrier, expires).await.unwrap();
        closed.sort_unstable();
        assert_eq!(closed, events);
    }
    assert!(!world.suppression.collect(carrier, &events[..1], expires).await.unwrap(), "it is closed");
    assert_eq!(world.suppression.close(other, expires).await.unwrap().len(), 1);
}

pub(crate) async fn loses_nothing_that_it_says_it_collected(world: &World) {
    let now = somewhen();
    let (carrier, expires) = (carrier(now), after(now, HOUR));
    let events: Vec<_> = (0..16).map(|_| event("login").created(now).build().pk).collect();
    let collecting =
        join_all(events.iter().map(|event| world.suppression.collect(carrier, std::slice::from_ref(event), expires)));
    let (collected, closed) = tokio::join!(collecting, world.suppression.close(carrier, expires));
    let closed = closed.unwrap();
    for (event, collected) in events.iter().zip(collected) {
        assert!(!collected.unwrap() || closed.contains(event), "{event}");
    }
}

pub(crate) async fn forgets_what_has_expired(world: &World) {
    // In the past, so that the purge may take it; another contract's records lie in the future.
    let now: Timestamp = "2001-02-03T04:05:06Z".parse().unwrap();
    let (id, record) = record(now);
    let (carrier, pk) = (carrier(now), event("login").created(now).build().pk);
    assert!(world.suppression.put(id, &record).await.unwrap());
    assert!(world.suppression.collect(carrier, &[pk], after(now, HOUR)).await.unwrap());
    world.suppression.close(carrier, after(now, HOUR)).await.unwrap();
    world.log.purge(PurgeScope::All, after(now, HOUR - 1000), 1000).await.unwrap();
    assert_eq!(world.suppression.get(id).await.unwrap(), Some(record.clone()));
    assert_eq!(world.suppression.close(carrier, after(now, HOUR)).await.unwrap(), [pk]);
    world.log.purge(PurgeScope::All, after(now, HOUR), 1000).await.unwrap();
    assert_eq!(world.suppression.get(id).await.unwrap(), None);
    assert!(world.suppression.collect(carrier, &[], after(now, HOUR)).await.unwrap(), "nor is it closed any more");
    assert!(world.suppression.put(id, &record).await.unwrap(), "it starts again");
}
