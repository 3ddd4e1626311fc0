//! The contract of every store for the expiry of events: it can be changed, and nothing else of an event can.

use std::collections::BTreeSet;

use domain::EventPk;
use domain::ports::{Clock as _, PurgeScope, ReceivedEvent};
use domain::query::EventQuery;
use domain::retention::job::EventCursor;
use domain::testing::serialized;
use host::SystemClock;
use jiff::SignedDuration;
use support::event;

use crate::world::{DAY, HOUR, World, after, somewhen};

/// All events, read in pages of this size. Returns the newest first.
async fn walk(world: &World, limit: usize, now: domain::Timestamp) -> Vec<ReceivedEvent> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = world.keeping.list_received(after, limit, now).await.unwrap();
        assert!(page.results.len() <= limit);
        all.extend(page.results);
        after = page.next;
        if after.is_none() {
            let days: Vec<_> = all.iter().map(|kept: &ReceivedEvent| kept.event.created.as_second() / 86_400).collect();
            assert!(days.is_sorted_by(|one, next| one >= next), "newest days first: {days:?}");
            all.sort_by_key(|kept| std::cmp::Reverse(kept.event.pk));
            return all;
        }
    }
}

pub(crate) async fn knows_when_an_event_was_received(world: &World) {
    let now = SystemClock.now();
    let live = event("login").created(now).shared();
    let late = event("login").created(after(now, -300 * DAY)).shared();
    let ahead = event("login").created(after(now, 15 * 60_000)).shared();
    world.intake.accept(&serialized(&[live.clone(), late.clone(), ahead.clone()])).await.unwrap();
    let kept = walk(world, 10, now).await;
    let events: Vec<_> = kept.iter().map(|kept| kept.event.clone()).collect();
    assert_eq!(events, [(*ahead).clone(), (*live).clone(), (*late).clone()]);
    for kept in kept {
        let apart = kept.received.duration_since(now).abs();
        assert!(apart <= domain::retention::RECEIVED_WITHIN, "{apart:?}");
    }
}

pub(crate) async fn gives_an_event_another_expiry_and_changes_nothing_else(world: &World) {
    let now = somewhen();
    let at = |days: i64| event("login").created(now).kept_for(SignedDuration::from_hours(days * 24)).shared();
    let (sooner, later, same) = (at(10), at(10), at(10));
    world.intake.accept(&serialized(&[sooner.clone(), later.clone(), same.clone()])).await.unwrap();
    let expiries = [(sooner.pk, after(now, DAY)), (later.pk, domain::time::later(now, SignedDuration::from_micros(7)))];
    assert_eq!(world.keeping.set_expiries(&expiries, now).await.unwrap(), 2);
    let expiries = [(later.pk, after(now, 20 * DAY))];
    assert_eq!(world.keeping.set_expiries(&expiries, now).await.unwrap(), 1, "it can be told again");

    let found = world.log.get(sooner.pk, now).await.unwrap().unwrap();
    assert_eq!(found, domain::Event { expires: after(now, DAY), ..(*sooner).clone() });
    assert_eq!(world.log.get(sooner.pk, after(now, DAY)).await.unwrap(), None, "invisible from then on");
    let query = EventQuery { limit: 10, ..EventQuery::default() };
    let mut listed = world.log.list(&query, after(now, 15 * DAY)).await.unwrap().results;
    assert_eq!(listed.pop().map(|event| (event.pk, event.expires)), Some((later.pk, after(now, 20 * DAY))));
    assert!(listed.is_empty());

    while world.log.purge(PurgeScope::All, after(now, DAY), 10).await.unwrap() > 0 {}
    assert_eq!(walk(world, 10, now).await.len(), 2, "deleted by the new expiry");
    while world.log.purge(PurgeScope::All, after(now, 10 * DAY), 10).await.unwrap() > 0 {}
    let left: Vec<_> = walk(world, 10, now).await.into_iter().map(|kept| kept.event.pk).collect();
    assert_eq!(left, [later.pk]);
}

pub(crate) async fn leaves_what_has_expired(world: &World) {
    let now = somewhen();
    let stored = event("login").created(now).kept_for(SignedDuration::from_hours(1)).shared();
    world.intake.accept(&serialized(std::slice::from_ref(&stored))).await.unwrap();
    let unknown = EventPk::unnamed(now, support::random_bits());
    let expiries = [(stored.pk, after(now, DAY)), (unknown, after(now, DAY))];
    assert_eq!(world.keeping.set_expiries(&expiries, after(now, HOUR)).await.unwrap(), 0);
    assert_eq!(world.log.get(stored.pk, after(now, HOUR)).await.unwrap(), None, "what is gone stays gone");
    assert_eq!(world.log.get(unknown, now).await.unwrap(), None, "and nothing is made");
    assert!(walk(world, 10, after(now, HOUR)).await.is_empty());
}

pub(crate) async fn goes_page_by_page(world: &World) {
    let now = somewhen();
    let at = |n: i64| {
        let hours = SignedDuration::from_hours(if n % 3 == 0 { 1 } else { 9000 });
        event("login").created(after(now, -n * HOUR)).kept_for(hours).shared()
    };
    let events: Vec<_> = (0..40).map(at).collect();
    world.intake.accept(&serialized(&events)).await.unwrap();
    let expected: Vec<_> = events.iter().filter(|event| event.is_visible(now)).map(|event| event.pk).collect();
    let pks: Vec<_> = walk(world, 7, now).await.into_iter().map(|kept| kept.event.pk).collect();
    assert_eq!(pks, expected);
    assert!(walk(world, 1000, after(now, 9000 * HOUR)).await.is_empty());
}

/// 0.1.0 stored the last event alone: on AWS, jobs read the events of a day in another order then.
pub(crate) async fn goes_on_from_a_position_of_0_1_0(world: &World) {
    let now = somewhen();
    let at = |n: i64| event("login").created(after(now, -n * HOUR)).kept_for(SignedDuration::from_hours(9000)).shared();
    let events: Vec<_> = (0..60).map(at).collect();
    world.intake.accept(&serialized(&events)).await.unwrap();
    for done in [0, 20, 59] {
        let (mut found, mut after) = (BTreeSet::new(), Some(EventCursor { before: events[done].pk, shard: None }));
        while after.is_some() {
            let page = world.keeping.list_received(after, 7, now).await.unwrap();
            found.extend(page.results.into_iter().map(|kept| kept.event.pk));
            after = page.next;
        }
        let left: BTreeSet<_> = events[done + 1..].iter().map(|event| event.pk).collect();
        assert!(found.is_superset(&left), "{done}: {} of {}", found.len(), left.len());
        // A day is read from its beginning at most.
        assert!(found.len() <= left.len() + 24, "{done}: {} of {}", found.len(), left.len());
    }
}
