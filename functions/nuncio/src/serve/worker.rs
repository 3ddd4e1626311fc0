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
use tokio::sync::Semaphore;

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
const MAX_BACKOFF: SignedDuration = SignedDuration::from_secs(60);

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
            // The last message may need more memory than was free: it waits here for the others to finish.
            let needed = u32::try_from(message.memory.div_ceil(KIB)).unwrap_or(u32::MAX).min(all_memory);
            let Ok(memory_permit) = Arc::clone(&memory_permits).acquire_many_owned(needed).await else { return };
            let (store, dispatcher, clock) = (store.clone(), Arc::clone(&dispatcher), Arc::clone(&clock));
            tokio::spawn(async move {
                handle(&store, &dispatcher, &*clock, message).await;
                drop((permit, memory_permit));
            });
        }
    }
    // All permits are free once every handler has ended.
    let _ = permits.acquire_many(u32::try_from(MAX_CONCURRENT).unwrap_or(u32::MAX)).await;
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

async fn handle(store: &Store, dispatcher: &Dispatcher, clock: &dyn Clock, message: QueuedMessage) {
    // A Lambda invocation has a deadline; here only the process's end stops an attempt.
    let deadline = domain::time::later(clock.now(), SignedDuration::from_hours(1));
    let QueuedMessage { receipt, message, attempts, .. } = message;
    let settled = match dispatcher.handle(message, deadline).await {
        Ok(()) => store.finish(receipt).await,
        Err(DispatchError::Busy { until }) => store.release(receipt, until).await,
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
