//! The archiver on every store: an event that leaves the store is in exactly one file before, and no other event is.

use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{Archive, ArchiveFile, StoreError};
use domain::testing::serialized;
use domain::{Event, Timestamp};
use jiff::SignedDuration;
use retention::{Sweep, SweepError, SweepReport};
use support::{FakeClock, event};

use crate::world::{DAY, HOUR, World, after, somewhen};

struct Sweeps<'a> {
    retention: Sweep,
    clock: Arc<FakeClock>,
    world: &'a World,
}

/// An archive that writes nothing.
struct Full(Arc<dyn Archive>);

#[async_trait]
impl Archive for Full {
    async fn put(&self, _: &[Event], _: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::Unavailable { part: "archive", detail: "full".to_owned() })
    }
    async fn files(&self, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        self.0.files(after, limit).await
    }
    async fn read(&self, file: &str) -> Result<ArchiveFile, StoreError> {
        self.0.read(file).await
    }
    async fn replace(&self, file: &str, read: &ArchiveFile, events: &[Event]) -> Result<(), StoreError> {
        self.0.replace(file, read, events).await
    }
}

impl<'a> Sweeps<'a> {
    fn of(world: &'a World, now: Timestamp) -> Self {
        Self::into(world, world.archive.clone().unwrap(), now)
    }

    fn into(world: &'a World, archive: Arc<dyn Archive>, now: Timestamp) -> Self {
        let clock = Arc::new(FakeClock::at(&domain::time::format(now)));
        let retention = Sweep::new(&world.stores, Some(archive), clock.clone(), SignedDuration::ZERO);
        Self { retention, clock, world }
    }

    async fn sweep(&self) -> Result<SweepReport, SweepError> {
        self.retention.run(SignedDuration::from_secs(1)).await
    }

    /// The events of all files together.
    async fn archived(&self) -> Vec<Event> {
        let (archive, mut events) = (self.world.archive.as_ref().unwrap(), Vec::new());
        for file in archive.files(None, usize::MAX).await.unwrap() {
            events.extend(archive.read(&file).await.unwrap().events);
        }
        events.sort_by_key(|event| event.pk);
        events
    }
}

fn sorted(mut events: Vec<Event>) -> Vec<Event> {
    events.sort_by_key(|event| event.pk);
    events
}

fn kept_for(created: Timestamp, hours: i64) -> Event {
    event("login").created(created).kept_for(SignedDuration::from_hours(hours)).build()
}

async fn store(world: &World, events: &[Event]) {
    world.intake.accept(&serialized(&events.iter().cloned().map(Arc::new).collect::<Vec<_>>())).await.unwrap();
}

/// That number of events that expire at `end`, in the order of their pks.
async fn stored(world: &World, end: Timestamp, many: usize) -> Vec<Event> {
    let events = sorted((0..many).map(|_| kept_for(after(end, -HOUR), 1)).collect());
    store(world, &events).await;
    events
}

pub(crate) async fn lets_nothing_go_that_is_not_archived(world: &World) {
    let now = somewhen();
    let events = stored(world, after(now, -2 * HOUR), 3).await;
    let full = Sweeps::into(world, Arc::new(Full(world.archive.clone().unwrap())), now);
    for _ in 0..2 {
        let refused = full.sweep().await;
        let failures = refused.unwrap_err().failures;
        assert!(
            matches!(&failures[..], [("archive", StoreError::Unavailable { part: "archive", .. })]),
            "{failures:?}"
        );
    }
    // Nor does a process that dies right after it has archived them.
    let handed = world.keeping.expired(now, 10).await.unwrap();
    assert_eq!(sorted(handed.events), events);
    let sweeps = Sweeps::of(world, now);
    assert_eq!(sweeps.sweep().await.unwrap().archived, 3);
    assert_eq!(sweeps.archived().await, events);
    assert!(world.keeping.expired(now, 10).await.unwrap().events.is_empty());
    assert_eq!(Sweeps::of(world, after(now, DAY)).sweep().await.unwrap().archived, 0);
    for event in &events {
        assert_eq!(world.log.get(event.pk, now).await.unwrap(), None);
    }
}

pub(crate) async fn gathers_for_an_hour(world: &World) {
    let now = somewhen();
    let sweeps = Sweeps::of(world, now);
    assert_eq!(sweeps.sweep().await.unwrap().archived, 0);
    let events = stored(world, after(now, -3 * HOUR), 2).await;
    sweeps.clock.set(after(now, HOUR - 1));
    let swept = sweeps.sweep().await.unwrap();
    assert_eq!((swept.archived, swept.purged), (0, 0));
    sweeps.clock.set(after(now, HOUR));
    assert_eq!(sweeps.sweep().await.unwrap().archived, 2);
    assert_eq!(sweeps.archived().await, events);
}

pub(crate) async fn finds_what_expires_among_what_stays(world: &World) {
    let now = somewhen();
    let mut expected = Vec::new();
    // Of each minute of three hours one goes soon, one days later, and one stays for years.
    let mut staying = Vec::new();
    for minute in 0..180 {
        let at = after(now, -minute * 60_000);
        expected.extend([5, 72].map(|hours| kept_for(at, hours)));
        staying.push(kept_for(at, 90_000));
    }
    store(world, &expected).await;
    store(world, &staying).await;
    let (first, last) = (after(now, 4 * HOUR), after(now, 200 * HOUR));
    let soon = Sweeps::of(world, first).sweep().await.unwrap().archived;
    assert!(soon < 180, "{soon}");
    let sweeps = Sweeps::of(world, last);
    // In small portions, as where there are many.
    let mut handed = Vec::new();
    loop {
        let found = world.keeping.expired(last, 7).await.unwrap();
        assert!(found.events.len() <= 200, "about as many as were asked for");
        if let Some(since) = found.since {
            assert!(since <= last);
        }
        if !found.events.is_empty() {
            world.archive.as_ref().unwrap().put(&found.events, last).await.unwrap();
        }
        world.keeping.mark_archived(&found, last).await.unwrap();
        handed.extend(found.events);
        if found.is_last {
            break;
        }
    }
    assert_eq!(handed.len() + soon, 360);
    assert_eq!(sweeps.archived().await, sorted(expected), "each once, and none that stays");
    assert_eq!(sweeps.sweep().await.unwrap().archived, 0);
}

pub(crate) async fn archives_what_was_given_another_expiry(world: &World) {
    let now = somewhen();
    let [sooner, later, past, held] = [100, 1, 200, 1].map(|hours| kept_for(now, hours));
    store(world, &[sooner.clone(), later.clone(), past.clone(), held.clone()]).await;
    let day = after(now, DAY);
    let expiries = [
        (sooner.pk, after(now, 2 * HOUR)),
        (later.pk, after(now, 40 * HOUR)),
        (held.pk, domain::retention::hold::HOLD_EXPIRY),
    ];
    assert_eq!(world.keeping.set_expiries(&expiries, now).await.unwrap(), 3);
    // By other rules one would have gone long ago.
    assert_eq!(world.keeping.set_expiries(&[(past.pk, after(now, HOUR))], day).await.unwrap(), 1);
    assert_eq!(world.log.get(past.pk, day).await.unwrap(), None, "it is invisible at once");

    let sweeps = Sweeps::of(world, after(day, 2 * HOUR));
    assert_eq!(sweeps.sweep().await.unwrap().archived, 2);
    sweeps.clock.set(after(day, 40 * HOUR));
    assert_eq!(sweeps.sweep().await.unwrap().archived, 1);
    let at = |event: &Event, hours| Event { expires: after(now, hours * HOUR), ..event.clone() };
    assert_eq!(sweeps.archived().await, sorted(vec![at(&sooner, 2), at(&later, 40), at(&past, 1)]));
    let found = world.log.get(held.pk, after(day, 1000 * DAY)).await.unwrap();
    assert_eq!(found.map(|event| event.expires), Some(domain::retention::hold::HOLD_EXPIRY));
}

pub(crate) async fn makes_room_for_what_comes_again(world: &World) {
    crate::intake::makes_room_for_an_event_that_comes_again_after_it_expired(world).await;
}
