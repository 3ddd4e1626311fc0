//! The queue's consumer on one machine: the counterpart of the event source mapping on AWS.
//!
//! Takes messages as they arrive and handles many concurrently. A message that fails goes back into the queue with a
//! growing delay, for ever: no accepted event is dropped.

use std::sync::Arc;
use std::time::Duration;

use dispatch::{DispatchError, Dispatcher};
use domain::Timestamp;
use domain::ports::Clock;
use embedded::{QueuedMessage, Store};
use jiff::SignedDuration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::shutdown::Shutdown;

/// The most messages handled concurrently. A receiver that hangs blocks its message for seconds only (the channels time
/// out), so hanging receivers never use all permits.
const MAX_CONCURRENT: usize = 1024;
/// The most messages taken in one write.
const MAX_TAKEN: usize = 64;
/// How long to wait when the queue is empty and nothing arrives.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long to wait when every permit is in use.
const SATURATED_PAUSE: Duration = Duration::from_millis(5);
/// How long to wait for memory before the worker checks whether messages that wait for expressions hold it.
const MEMORY_PAUSE: Duration = Duration::from_secs(1);
const MAX_BACKOFF: SignedDuration = SignedDuration::from_secs(60);
/// The shortest and the longest delay of a message that was deferred because too many others wait for expressions.
const MIN_DEFERRAL: SignedDuration = SignedDuration::from_millis(250);
const MAX_DEFERRAL: SignedDuration = SignedDuration::from_secs(16);

/// The unit of a memory permit, in bytes: a semaphore's count is too small for bytes.
const KIB: usize = 1024;

/// Consumes the queue until a shutdown is requested, then waits for the messages that are being handled. The events of
/// all these messages take about `memory` bytes at most.
pub(super) async fn run(
    store: Store,
    dispatcher: Arc<Dispatcher>,
    clock: Arc<dyn Clock>,
    memory: usize,
    shutdown: Shutdown,
) {
    let permits = Arc::new(Semaphore::new(MAX_CONCURRENT));
    let all_memory = u32::try_from(memory / KIB).unwrap_or(u32::MAX).clamp(1, u32::MAX >> 3);
    let memory_permits = Arc::new(Semaphore::new(all_memory as usize));
    let waiting = WaitingPlaces::new(all_memory);
    while !shutdown.is_requested() {
        let free_memory = memory_permits.available_permits();
        let free = if free_memory == 0 { 0 } else { permits.available_permits().min(MAX_TAKEN) };
        let messages = if free == 0 { Vec::new() } else { take(&store, clock.now(), free, free_memory * KIB).await };
        if messages.is_empty() {
            let idle = if free == 0 { SATURATED_PAUSE } else { until_due(&store, clock.now()).await };
            tokio::select! {
                () = store.work_arrived(idle) => {}
                () = shutdown.clone().requested() => {}
            }
        }
        for message in messages {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            let needed = u32::try_from(message.memory.div_ceil(KIB)).unwrap_or(u32::MAX).min(all_memory);
            let Some(mut memory_permit) = acquire_memory(&memory_permits, needed, &waiting).await else {
                give_back(&store, &*clock, &message).await;
                continue;
            };
            let (store, dispatcher, clock) = (store.clone(), Arc::clone(&dispatcher), Arc::clone(&clock));
            let waiting = waiting.clone();
            tokio::spawn(async move {
                handle(&store, &dispatcher, &*clock, message, || waiting.try_take(&mut memory_permit)).await;
                drop((permit, memory_permit));
            });
        }
    }
    // All permits are free once every handler has ended.
    let _ = permits.acquire_many(u32::try_from(MAX_CONCURRENT).unwrap_or(u32::MAX)).await;
}

/// Waits for the memory of a message, in KiB: the last one taken may need more than was free, and the others finish
/// soon. Returns `None` after [`MEMORY_PAUSE`] if some of the others wait for expressions, so that a large message does
/// not hold up the messages after it.
async fn acquire_memory(memory: &Arc<Semaphore>, needed: u32, waiting: &WaitingPlaces) -> Option<OwnedSemaphorePermit> {
    loop {
        match tokio::time::timeout(MEMORY_PAUSE, Arc::clone(memory).acquire_many_owned(needed)).await {
            // `acquire` fails only on a closed semaphore, and this one is never closed.
            Ok(permit) => return permit.ok(),
            Err(_) if waiting.is_used() => return None,
            Err(_) => {}
        }
    }
}

/// Puts a message that was not handled back into the queue.
async fn give_back(store: &Store, clock: &dyn Clock, message: &QueuedMessage) {
    let due = domain::time::later(clock.now(), deferral(message.attempts));
    if let Err(error) = store.release(message.receipt, due).await {
        tracing::error!(%error, "a queue message cannot be put back; it will come again after its lease");
    }
}

/// The places of messages that wait for expressions: half of the messages and half of their memory, so that messages
/// that need no expression always find room. The others stay in the store's queue.
#[derive(Clone)]
struct WaitingPlaces {
    messages: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    all_memory: u32,
}

impl WaitingPlaces {
    /// For a worker whose messages share `all_memory` KiB.
    fn new(all_memory: u32) -> Self {
        let all_memory = all_memory.div_ceil(2);
        let memory = Arc::new(Semaphore::new(all_memory as usize));
        Self { messages: Arc::new(Semaphore::new(MAX_CONCURRENT / 2)), memory, all_memory }
    }

    /// A place for a message that holds this memory; `None` if there is no room. A message that needs more than all
    /// places gets one while no other waits, and then leaves the other half of the worker's memory to others.
    fn try_take(&self, held: &mut OwnedSemaphorePermit) -> Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        let needed = u32::try_from(held.num_permits()).unwrap_or(u32::MAX);
        let message = Arc::clone(&self.messages).try_acquire_owned().ok()?;
        let memory = Arc::clone(&self.memory).try_acquire_many_owned(needed.min(self.all_memory)).ok()?;
        drop(held.split(needed.saturating_sub(self.all_memory) as usize));
        Some((message, memory))
    }

    /// Whether a message waits for expressions.
    fn is_used(&self) -> bool {
        self.messages.available_permits() < MAX_CONCURRENT / 2
    }
}

async fn take(store: &Store, now: Timestamp, limit: usize, memory: usize) -> Vec<QueuedMessage> {
    match store.take_within(now, limit, memory).await {
        Ok(messages) => messages,
        Err(error) => {
            tracing::error!(%error, "the queue cannot be read");
            tokio::time::sleep(POLL_INTERVAL).await;
            Vec::new()
        }
    }
}

async fn until_due(store: &Store, now: Timestamp) -> Duration {
    let due = store.next_due().await.ok().flatten();
    let wait = due.map_or(POLL_INTERVAL, |due| Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO));
    wait.clamp(Duration::from_millis(1), POLL_INTERVAL)
}

async fn handle<P>(
    store: &Store,
    dispatcher: &Dispatcher,
    clock: &dyn Clock,
    message: QueuedMessage,
    place: impl FnOnce() -> Option<P>,
) {
    // A Lambda invocation has a deadline; here only the process's end stops an attempt.
    let deadline = domain::time::later(clock.now(), SignedDuration::from_hours(1));
    let QueuedMessage { receipt, message, attempts, .. } = message;
    let settled = match dispatcher.handle_or_defer(message, deadline, place).await {
        Ok(()) => store.finish(receipt).await,
        Err(DispatchError::Busy { until }) => store.release(receipt, until).await,
        Err(DispatchError::Deferred) => {
            store.release(receipt, domain::time::later(clock.now(), deferral(attempts))).await
        }
        Err(error) => {
            tracing::error!(%error, attempt = attempts, "a queue message failed and will be retried");
            store.release(receipt, domain::time::later(clock.now(), backoff(attempts))).await
        }
    };
    if let Err(error) = settled {
        tracing::error!(%error, "the result of a queue message cannot be stored; the message will be retried");
    }
}

fn backoff(attempts: u32) -> SignedDuration {
    SignedDuration::from_secs(1 << attempts.min(6)).min(MAX_BACKOFF)
}

/// Twice as long with each attempt, so that a message waits at most about twice as long as the expressions before it
/// run.
fn deferral(attempts: u32) -> SignedDuration {
    (MIN_DEFERRAL * (1 << attempts.saturating_sub(1).min(6))).min(MAX_DEFERRAL)
}
