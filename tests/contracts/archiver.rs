//! The archiver over a world's stores: what it deletes is in a file first.

use std::path::Path;
use std::sync::Arc;

use domain::ports::{Archive as _, StoreError};
use domain::{Event, Timestamp};
use embedded::ArchiveFolder;
use jiff::SignedDuration;
use retention::{Archiver, Retention, Swept};
use support::{FakeClock, event};

use crate::world::{HOUR, World, after, somewhen};

struct Sweeps {
    retention: Retention,
    clock: Arc<FakeClock>,
    archive: ArchiveFolder,
}

impl Sweeps {
    fn of(world: &World, folder: &Path, now: Timestamp) -> Self {
        let clock = Arc::new(FakeClock::at(&domain::time::format(now)));
        let archive = ArchiveFolder::open(folder).unwrap();
        let retention = Retention {
            log: world.log.clone(),
            volume: world.volume.clone(),
            ledger: world.ledger.clone(),
            queue: world.queue.clone(),
            dead_letters: world.dead_letters.clone(),
            archiver: Some(Archiver::new(Arc::new(archive.clone()), world.keeping.clone())),
            clock: clock.clone(),
            left_to_store: SignedDuration::ZERO,
        };
        Self { retention, clock, archive }
    }

    async fn sweep(&self) -> Result<Swept, StoreError> {
        self.retention.sweep(SignedDuration::from_secs(1)).await
    }

    /// What is in all files together.
    async fn archived(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for file in self.archive.files(None).await.unwrap() {
            events.extend(self.archive.read(&file).await.unwrap());
        }
        events.sort_by_key(|event| event.pk);
        events
    }
}

/// So many events that expire at `end`, in the order of their pks.
async fn stored(world: &World, end: Timestamp, many: usize) -> Vec<Event> {
    let one = |_| event("login").created(after(end, -HOUR)).kept_for(SignedDuration::from_hours(1)).build();
    let mut events: Vec<Event> = (0..many).map(one).collect();
    events.sort_by_key(|event| event.pk);
    world.intake.accept(&events.iter().cloned().map(Arc::new).collect::<Vec<_>>()).await.unwrap();
    events
}

pub(crate) async fn deletes_nothing_that_is_not_archived(world: &World) {
    let (now, folder) = (somewhen(), tempfile::tempdir().unwrap());
    let events = stored(world, now, 3).await;
    let sweeps = Sweeps::of(world, folder.path(), now);
    std::fs::remove_dir(folder.path()).unwrap();
    let refused = sweeps.sweep().await;
    assert!(matches!(refused, Err(StoreError::Unavailable { part: "archive", .. })), "{refused:?}");
    assert_eq!(world.keeping.expired(now, 10).await.unwrap().len(), 3);
    std::fs::create_dir(folder.path()).unwrap();
    assert_eq!(sweeps.sweep().await.unwrap().archived, 3);
    assert_eq!(sweeps.archived().await, events);
    assert!(world.keeping.expired(now, 10).await.unwrap().is_empty());
}

pub(crate) async fn gathers_for_an_hour(world: &World) {
    let (now, folder) = (somewhen(), tempfile::tempdir().unwrap());
    let sweeps = Sweeps::of(world, folder.path(), now);
    assert_eq!(sweeps.sweep().await.unwrap().archived, 0);
    let events = stored(world, after(now, 1000), 2).await;
    sweeps.clock.set(after(now, HOUR - 1));
    let swept = sweeps.sweep().await.unwrap();
    assert_eq!((swept.archived, swept.purged), (0, 0));
    sweeps.clock.set(after(now, HOUR));
    assert_eq!(sweeps.sweep().await.unwrap().archived, 2);
    assert_eq!(sweeps.archived().await, events);
}
