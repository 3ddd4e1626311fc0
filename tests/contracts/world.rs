//! What a contract is given: one adapter's ports, and what contracts share.

use std::any::Any;
use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::message::{Message, Work};
use domain::ports::{Archive, Stores};
use domain::{EventPk, Timestamp};
use jiff::SignedDuration;

/// One adapter's ports. They stand on one store, which other worlds may share; the queue is its own.
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

/// The far end of the queue.
#[async_trait]
pub(crate) trait WorkSource: Send + Sync {
    /// Takes some of what is there, for good; waits for something up to `patience`.
    async fn receive(&self, patience: Duration) -> Vec<Message>;
    /// Does with a message that was taken what the queue does when handling it has failed too often.
    async fn give_up(&self, message: &Message);
}

/// Longer than any adapter takes to hand over what is there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Long enough for what should not come to come all the same.
pub(crate) const A_MOMENT: Duration = Duration::from_millis(300);

impl World {
    /// Receives until every one of `expected` has come, and says all that came.
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
pub(crate) fn pks(message: Message) -> Vec<EventPk> {
    match message.into_work() {
        Work::Events(events) => events.iter().map(|event| event.pk).collect(),
        Work::Stored(pks) => pks,
        Work::Deliveries(_) => Vec::new(),
    }
}

/// A time that hardly another contract uses, whole to the second, somewhere in 2100 to 2199. No
/// store's physical deletion, which goes by the real clock, comes near it.
pub(crate) fn somewhen() -> Timestamp {
    let start: Timestamp = "2100-01-01T00:00:00Z".parse().unwrap();
    let seconds = i64::try_from(support::random_bits() % (99 * 365 * 86_400)).unwrap();
    after(start, seconds * 1000)
}

/// So many milliseconds later.
pub(crate) fn after(instant: Timestamp, millis: i64) -> Timestamp {
    domain::time::later(instant, SignedDuration::from_millis(millis))
}

/// Milliseconds.
pub(crate) const HOUR: i64 = 3_600_000;
/// Milliseconds.
pub(crate) const DAY: i64 = 24 * HOUR;
