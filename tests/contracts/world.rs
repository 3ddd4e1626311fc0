//! The input of a contract: one adapter's ports, and helpers that contracts share.

use std::any::Any;
use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::message::{QueueMessage, QueuedWork};
use domain::ports::{Archive, Stores};
use domain::{EventPk, Timestamp};
use jiff::SignedDuration;

/// One adapter's ports. They use one store, which other worlds may share; the queue is not shared.
pub(crate) struct World {
    pub(crate) stores: Stores,
    /// Where the store's events are archived before they go, in a world that does so.
    pub(crate) archive: Option<Arc<dyn Archive>>,
    pub(crate) work: Arc<dyn WorkSource>,
    /// Lives as long as the world: a folder, a server.
    pub(crate) keep: Box<dyn Any + Send + Sync>,
}

/// A contract names a port as `world.ledger`.
impl Deref for World {
    type Target = Stores;

    fn deref(&self) -> &Stores {
        &self.stores
    }
}

/// The consumer's side of the queue.
#[async_trait]
pub(crate) trait WorkSource: Send + Sync {
    /// Takes and deletes some messages; waits up to `patience` for the first.
    async fn receive(&self, patience: Duration) -> Vec<QueueMessage>;
    /// Moves a taken message to where the queue puts one whose handling failed too often.
    async fn give_up(&self, message: &QueueMessage);
}

/// A time longer than any adapter takes to deliver a waiting message.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A time long enough for an unexpected message to arrive.
pub(crate) const A_MOMENT: Duration = Duration::from_millis(300);

impl World {
    /// Receives until all of `expected` have arrived, and returns everything that arrived.
    pub(crate) async fn receive_events(&self, expected: &BTreeSet<EventPk>) -> BTreeSet<EventPk> {
        let mut came = BTreeSet::new();
        while !expected.is_subset(&came) {
            let messages = self.work.receive(PATIENCE).await;
            assert!(!messages.is_empty(), "{} of {} events came", came.len(), expected.len());
            came.extend(messages.into_iter().flat_map(pks));
        }
        came
    }
}

/// The events a message is about, whether they travelled in it or stayed in the store.
pub(crate) fn pks(message: QueueMessage) -> Vec<EventPk> {
    match message.into_work() {
        QueuedWork::Events(events) => events.iter().map(|event| event.pk).collect(),
        QueuedWork::Stored(pks) => pks,
        QueuedWork::Deliveries(_) | QueuedWork::Groups(_) => Vec::new(),
    }
}

/// A random time, in whole seconds, between 2100 and 2199, which other contracts hardly use. The stores' physical
/// deletion, which goes by the real clock, does not reach it.
pub(crate) fn somewhen() -> Timestamp {
    let start: Timestamp = "2100-01-01T00:00:00Z".parse().unwrap();
    let seconds = i64::try_from(support::random_bits() % (99 * 365 * 86_400)).unwrap();
    after(start, seconds * 1000)
}

/// The instant this many milliseconds later.
pub(crate) fn after(instant: Timestamp, millis: i64) -> Timestamp {
    domain::time::later(instant, SignedDuration::from_millis(millis))
}

/// Milliseconds.
pub(crate) const HOUR: i64 = 3_600_000;
/// Milliseconds.
pub(crate) const DAY: i64 = 24 * HOUR;
