//! The embedded store as a world: a folder of its own for each contract.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use domain::message::Message;
use domain::ports::{Clock as _, Stores, WorkQueue as _};
use embedded::{ArchiveFolder, Store};
use host::SystemClock;
use jiff::SignedDuration;

use crate::world::{WorkSource, World};

#[expect(clippy::unused_async, reason = "one shape for all worlds; others are reached over the network")]
pub(crate) async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    over(store, folder)
}

/// The ports of a store that is open in this folder.
pub(crate) fn over(store: Store, folder: tempfile::TempDir) -> World {
    World {
        stores: Stores::from_single(store.clone()),
        archive: None,
        work: Arc::new(Queue(store)),
        keep: Box::new(folder),
    }
}

/// One that archives.
pub(crate) async fn archiving() -> World {
    let (world, folder) = (world().await, tempfile::tempdir().unwrap());
    let archive = ArchiveFolder::open(folder.path()).unwrap();
    World { archive: Some(Arc::new(archive)), keep: Box::new((world.keep, folder)), ..world }
}

struct Queue(Store);

#[async_trait]
impl WorkSource for Queue {
    async fn receive(&self, patience: Duration) -> Vec<Message> {
        let began = Instant::now();
        loop {
            let messages = self.0.take(SystemClock.now(), 10).await.unwrap();
            for message in &messages {
                self.0.finish(message.receipt).await.unwrap();
            }
            let left = patience.saturating_sub(began.elapsed());
            if !messages.is_empty() || left.is_zero() {
                return messages.into_iter().map(|queued| queued.message).collect();
            }
            // Short waits: a delay ends without anything new being queued.
            self.0.work_arrived(left.min(Duration::from_millis(20))).await;
        }
    }
    async fn give_up(&self, message: &Message) {
        // This queue never does: what failed is put back.
        self.0.send(std::slice::from_ref(message), SignedDuration::ZERO).await.unwrap();
    }
}
