//! The contract of every store's counts: exact, whenever an event arrives, and kept for longer than the event.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::ports::{Clock as _, PurgeScope};
use domain::query::volume::HourCount;
use domain::testing::serialized;
use domain::{Event, EventPk, Timestamp};
use futures_util::future::join_all;
use host::SystemClock;
use jiff::SignedDuration;
use support::event;

use crate::world::{DAY, HOUR, World, after};

/// The start of an hour three days ago, because the real clock decides whether an event is late.
fn three_days_ago() -> Timestamp {
    let now = SystemClock.now().as_second();
    Timestamp::from_second((now / 3600 - 72) * 3600).unwrap()
}

/// Every hour that has a count within four days from `start` on, by hours since then.
async fn counts(world: &World, start: Timestamp) -> BTreeMap<(i64, String), u64> {
    let mut counts = BTreeMap::new();
    for HourCount { hour, action, count } in world.volume.hours(start, after(start, 4 * DAY)).await.unwrap().hours {
        let known = counts.insert(((hour.as_second() - start.as_second()) / 3600, action.to_string()), count);
        assert_eq!(known, None, "one count for an hour and action");
    }
    counts
}

fn expected(counts: &[(i64, &str, u64)]) -> BTreeMap<(i64, String), u64> {
    counts.iter().map(|(hour, action, count)| ((*hour, (*action).to_owned()), *count)).collect()
}

fn at(start: Timestamp, millis: i64, action: &str) -> Arc<Event> {
    event(action).created(after(start, millis)).kept_for(SignedDuration::from_hours(365 * 24)).shared()
}

/// Everything that can be counted is; later than any mark takes to settle.
async fn roll_up(world: &World) {
    while world.volume.roll_up(after(SystemClock.now(), 10 * 60_000)).await.unwrap().has_more {}
}

pub(crate) async fn counts_by_the_hour_and_action(world: &World) {
    let start = three_days_ago();
    let now = SystemClock.now();
    assert_eq!(counts(world, start).await, expected(&[]));
    let batch = [
        at(start, 0, "login"),
        at(start, HOUR - 1, "login"),
        at(start, HOUR - 1, "logout"),
        at(start, HOUR, "login"),
        at(start, 26 * HOUR, "login"),
        at(now, 0, "login"),
        at(start, -1, "login"),
        at(start, 4 * DAY, "login"),
    ];
    world.intake.accept(&serialized(&batch[..4])).await.unwrap();
    world.intake.accept(&serialized(&batch[4..])).await.unwrap();
    let this_hour = (now.as_second() - start.as_second()) / 3600;
    let all =
        expected(&[(0, "login", 2), (0, "logout", 1), (1, "login", 1), (26, "login", 1), (this_hour, "login", 1)]);
    assert_eq!(counts(world, start).await, all);
    roll_up(world).await;
    assert_eq!(counts(world, start).await, all);
    let few = world.volume.hours(after(start, HOUR), after(start, 26 * HOUR)).await.unwrap();
    assert_eq!(few.hours.len(), 1);
}

pub(crate) async fn counts_what_arrives_late(world: &World) {
    let start = three_days_ago();
    world.intake.accept(&serialized(&[at(start, 0, "login"), at(start, HOUR, "login")])).await.unwrap();
    roll_up(world).await;
    for known in 1..3 {
        world.intake.accept(&serialized(&[at(start, 5, "login"), at(start, 25 * HOUR, "logout")])).await.unwrap();
        roll_up(world).await;
        let all = expected(&[(0, "login", known + 1), (1, "login", 1), (25, "logout", known)]);
        assert_eq!(counts(world, start).await, all);
    }
}

pub(crate) async fn counts_a_named_event_once(world: &World) {
    let start = three_days_ago();
    let mut event = (*at(start, 7, "login")).clone();
    event.pk = EventPk::named(event.created, &[7; 32]);
    for _ in 0..3 {
        world.intake.accept(&serialized(&[Arc::new(event.clone())])).await.unwrap();
        roll_up(world).await;
        assert_eq!(counts(world, start).await, expected(&[(0, "login", 1)]));
    }
}

pub(crate) async fn keeps_counts_of_what_has_expired(world: &World) {
    let start = three_days_ago();
    let brief = event("login").created(start).kept_for(SignedDuration::from_hours(4 * 24)).shared();
    world.intake.accept(&serialized(&[brief.clone(), at(start, 0, "login")])).await.unwrap();
    roll_up(world).await;
    let later = after(brief.expires, DAY);
    while world.log.purge(PurgeScope::All, later, 500).await.unwrap() > 0 {}
    assert_eq!(world.log.get(brief.pk, start).await.unwrap(), None, "it is gone");
    assert_eq!(counts(world, start).await, expected(&[(0, "login", 2)]));
}

pub(crate) async fn lets_several_roll_up_at_once(world: &World) {
    let start = three_days_ago();
    let events: Vec<_> = (0..60).map(|n| at(start, n * HOUR, "login")).collect();
    world.intake.accept(&serialized(&events)).await.unwrap();
    join_all((0..4).map(|_| roll_up(world))).await;
    let all: Vec<_> = (0..60).map(|hour| (hour, "login", 1)).collect();
    assert_eq!(counts(world, start).await, expected(&all));
}
