//! Deliveries that are put off again and again, because their transport is busy or no time is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use domain::Timestamp;
use domain::delivery::DeliveryState;
use domain::message::{QueueMessage, QueuedWork};
use domain::person::Person;
use domain::ports::{Backlog, StoreError, Stores, WorkQueue};
use domain::testing::serialized;
use jiff::SignedDuration;
use support::event;

use crate::dispatchers::{Dispatchers, document};
use crate::world::{World, somewhen};

/// A real queue that counts what is put into it.
struct Counted(Arc<dyn WorkQueue>, AtomicUsize);

#[async_trait]
impl WorkQueue for Counted {
    async fn send(&self, messages: &[QueueMessage], delay: SignedDuration) -> Result<(), StoreError> {
        self.1.fetch_add(messages.len(), Ordering::SeqCst);
        self.0.send(messages, delay).await
    }

    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        self.0.backlog(now).await
    }
}

/// Lambda ends a chain of messages, each sent by the invocation that handles the one before, after about so many
/// (Lambda's developer guide, "Recursive loop detection").
const LONGEST_CHAIN: usize = 16;

pub(crate) async fn stay_in_the_ledger_in_the_end(world: &World) {
    let now = somewhen();
    let mut rules = document(|_| ());
    rules.groups.insert("ops".to_owned(), vec![Person::new("ann", "")]);
    let queue = Arc::new(Counted(world.queue.clone(), AtomicUsize::new(0)));
    let stores = Stores { queue: queue.clone(), ..world.stores.clone() };
    let counted = World { stores, archive: None, work: world.work.clone(), keep: Box::new(()) };
    let dispatchers = Dispatchers::of(&counted, rules, now);
    let one = event("login").created(now).kept_for(SignedDuration::from_hours(2400)).shared();
    world.intake.accept(&serialized(std::slice::from_ref(&one))).await.unwrap();

    // Too short for an attempt.
    let second = SignedDuration::from_secs(1);
    dispatchers.one_handles_within(QueuedWork::Events(vec![one]), second).await;
    let mut queued = vec![queue.1.load(Ordering::SeqCst)];
    let mut waiting = Vec::new();
    for _ in 0..2 * LONGEST_CHAIN {
        let later = dispatchers.clock.advance(SignedDuration::from_mins(2));
        waiting = world.ledger.due(later, 10).await.unwrap().into_iter().map(|due| due.id).collect();
        assert_eq!(waiting.len(), 1, "it is found in the ledger, queued or not");
        dispatchers.one_handles_within(QueuedWork::Deliveries(waiting.clone()), second).await;
        queued.push(queue.1.load(Ordering::SeqCst));
    }
    assert_eq!(queued[0], 1, "at first, it comes back in seconds");
    assert!(queued[2 * LONGEST_CHAIN] <= LONGEST_CHAIN, "{queued:?}");
    assert_eq!(queued[LONGEST_CHAIN], queued[2 * LONGEST_CHAIN], "{queued:?}");

    dispatchers.clock.advance(SignedDuration::from_mins(2));
    dispatchers.one_handles(QueuedWork::Deliveries(waiting.clone())).await;
    assert_eq!(world.ledger.get(waiting[0]).await.unwrap().unwrap().state, DeliveryState::Delivered);
    assert_eq!(dispatchers.sent.all().len(), 1);
}
