//! Real ports with one fault at one step: before it, after it, or in its answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use domain::Timestamp;
use domain::delivery::endpoint::Endpoint;
use domain::delivery::{Delivery, DeliveryId};
use domain::detection::{DetectionId, GroupId, GroupRecord};
use domain::event::{Event, EventPk};
use domain::message::QueueMessage;
use domain::ports::{
    Backlog, DetectionGroups, DueDelivery, Endpoints, EventLog, EventPage, FullestGroups, GroupPage, Intake, Ledger,
    OpenOutcome, Page, PurgeScope, StoreError, WorkQueue,
};
use domain::query::{DeliveryQuery, EventQuery};
use jiff::SignedDuration;
use support::FakeClock;
use tokio::sync::Notify;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process dies before the step.
    DiesBefore,
    /// The process dies after it.
    DiesAfter,
    /// It is not done: throttled, or out of order.
    Refused,
    /// It is done, but no answer comes.
    AnswerLost,
    /// The clock is wrong by this number of days from this step on, for [`WRONG`] steps.
    ClockIsWrong(i64),
    /// This number of minutes passes at once: the system sleeps, or its clock is corrected.
    ClockJumps(i64),
}

/// Minutes.
const DAY: i64 = 24 * 60;

/// Steps after which a clock that was wrong is set right.
const WRONG: usize = 3;

/// Counts the steps and lets one go wrong.
pub(crate) struct Faults {
    at: usize,
    fault: Fault,
    steps: AtomicUsize,
    died: Notify,
    clock: OnceLock<Arc<FakeClock>>,
}

impl Faults {
    /// `fault` at step number `at`, from 0.
    pub(crate) fn at(at: usize, fault: Fault) -> Arc<Self> {
        Arc::new(Self { at, fault, steps: AtomicUsize::new(0), died: Notify::new(), clock: OnceLock::new() })
    }

    /// None at all.
    pub(crate) fn none() -> Arc<Self> {
        Self::at(usize::MAX, Fault::Refused)
    }

    /// Whether the fault has happened.
    pub(crate) fn happened(&self) -> bool {
        self.steps.load(Ordering::SeqCst) > self.at
    }

    /// Resolves when the process dies.
    pub(crate) async fn death(&self) {
        self.died.notified().await;
    }

    /// The clock that may be wrong.
    pub(crate) fn watch(&self, clock: &Arc<FakeClock>) {
        let _ = self.clock.set(Arc::clone(clock));
    }

    fn set_clock(&self, minutes: i64) {
        self.clock.get().unwrap().advance(SignedDuration::from_mins(minutes));
    }

    /// Does a step; an error is the fault's.
    pub(crate) async fn step<T>(&self, step: impl Future<Output = T>) -> Result<T, StoreError> {
        let number = self.steps.fetch_add(1, Ordering::SeqCst);
        if number != self.at {
            match self.fault {
                Fault::ClockIsWrong(days) if number == self.at + WRONG => self.set_clock(-days * DAY),
                _ => {}
            }
            return Ok(step.await);
        }
        match self.fault {
            Fault::ClockIsWrong(days) => {
                self.set_clock(days * DAY);
                Ok(step.await)
            }
            Fault::ClockJumps(minutes) => {
                self.set_clock(minutes);
                Ok(step.await)
            }
            Fault::Refused => Err(StoreError::store("throttled")),
            Fault::AnswerLost => {
                step.await;
                Err(StoreError::store("no answer in time"))
            }
            Fault::DiesBefore => self.die().await,
            Fault::DiesAfter => {
                step.await;
                self.die().await
            }
        }
    }

    /// Waits forever, like a dead process; the caller is dropped meanwhile.
    async fn die<T>(&self) -> T {
        self.died.notify_one();
        std::future::pending().await
    }
}

/// A port and what goes wrong with it.
pub(crate) struct Faulty<P: ?Sized> {
    pub(crate) real: Arc<P>,
    pub(crate) faults: Arc<Faults>,
}

#[async_trait]
impl Ledger for Faulty<dyn Ledger> {
    async fn open(&self, entries: &[Delivery]) -> Result<Vec<OpenOutcome>, StoreError> {
        self.faults.step(self.real.open(entries)).await?
    }
    async fn replace(&self, entries: &[Delivery]) -> Result<Vec<bool>, StoreError> {
        self.faults.step(self.real.replace(entries)).await?
    }
    async fn get(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.faults.step(self.real.get(id)).await?
    }
    async fn get_all(&self, ids: &[DeliveryId]) -> Result<Vec<Delivery>, StoreError> {
        self.faults.step(self.real.get_all(ids)).await?
    }
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DueDelivery>, StoreError> {
        self.faults.step(self.real.due(now, limit)).await?
    }
    async fn list(&self, query: &DeliveryQuery) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        self.faults.step(self.real.list(query)).await?
    }
}

#[async_trait]
impl EventLog for Faulty<dyn EventLog> {
    async fn get(&self, pk: EventPk, now: Timestamp) -> Result<Option<Event>, StoreError> {
        self.faults.step(self.real.get(pk, now)).await?
    }
    async fn list(&self, query: &EventQuery, now: Timestamp) -> Result<EventPage, StoreError> {
        self.faults.step(self.real.list(query, now)).await?
    }
    async fn purge(&self, what: PurgeScope, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.faults.step(self.real.purge(what, now, limit)).await?
    }
}

#[async_trait]
impl DetectionGroups for Faulty<dyn DetectionGroups> {
    async fn get_all(&self, ids: &[GroupId]) -> Result<Vec<Option<GroupRecord>>, StoreError> {
        self.faults.step(self.real.get_all(ids)).await?
    }
    async fn put_all(&self, records: &[(GroupId, GroupRecord)]) -> Result<Vec<bool>, StoreError> {
        self.faults.step(self.real.put_all(records)).await?
    }
    async fn count(&self, detection: DetectionId, now: Timestamp) -> Result<u64, StoreError> {
        self.faults.step(self.real.count(detection, now)).await?
    }
    async fn fullest(&self, detection: DetectionId, now: Timestamp, limit: usize) -> Result<FullestGroups, StoreError> {
        self.faults.step(self.real.fullest(detection, now, limit)).await?
    }
    async fn list(&self, of: DetectionId, after: Option<GroupId>, limit: usize) -> Result<GroupPage, StoreError> {
        self.faults.step(self.real.list(of, after, limit)).await?
    }
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<GroupId>, StoreError> {
        self.faults.step(self.real.due(now, limit)).await?
    }
}

#[async_trait]
impl WorkQueue for Faulty<dyn WorkQueue> {
    async fn send(&self, messages: &[QueueMessage], delay: SignedDuration) -> Result<(), StoreError> {
        self.faults.step(self.real.send(messages, delay)).await?
    }
    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        self.faults.step(self.real.backlog(now)).await?
    }
}

#[async_trait]
impl Endpoints for Faulty<dyn Endpoints> {
    async fn all(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.faults.step(self.real.all()).await?
    }
    async fn replace(&self, endpoint: &Endpoint) -> Result<bool, StoreError> {
        self.faults.step(self.real.replace(endpoint)).await?
    }
}

#[async_trait]
impl Intake for Faulty<dyn Intake> {
    async fn accept(&self, events: &[domain::event::SerializedEvent]) -> Result<(), StoreError> {
        self.faults.step(self.real.accept(events)).await?
    }
    async fn remember(
        &self,
        names: &[([u8; 32], EventPk)],
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<EventPk>, StoreError> {
        self.faults.step(self.real.remember(names, now, until)).await?
    }
    async fn ready(&self) -> Result<(), StoreError> {
        self.faults.step(self.real.ready()).await?
    }
}
