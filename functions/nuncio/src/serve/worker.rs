//! The queue's consumer on one machine: what the event source mapping is on AWS.
//!
//! Takes messages as they come and handles many at a time. A message that fails goes back and comes
//! again, ever less often but always: nothing accepted is dropped.

use std::sync::Arc;
use std::time::Duration;

use dispatch::{DispatchError, Dispatcher};
use domain::Timestamp;
use domain::ports::Clock;
use embedded::{Job, Store};
use jiff::SignedDuration;
use tokio::sync::Semaphore;

use super::shutdown::Shutdown;

/// Messages in hand. One whose receivers hang leaves after seconds, so this is never all used up by them.
const AT_A_TIME: usize = 1024;
/// Messages taken in one write.
const TO_A_TAKE: usize = 64;
/// How long to sleep when nothing is due and nothing arrives.
const LOOK: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: SignedDuration = SignedDuration::from_secs(60);

/// What the memory of messages in hand is counted in.
const KIB: usize = 1024;

/// Runs until asked to end; then finishes what is in hand. All events in hand take about `memory` bytes at most.
pub(super) async fn run(
    store: Store,
    dispatcher: Arc<Dispatcher>,
    clock: Arc<dyn Clock>,
    memory: usize,
    shutdown: Shutdown,
) {
    let hands = Arc::new(Semaphore::new(AT_A_TIME));
    let all = u32::try_from(memory / KIB).unwrap_or(u32::MAX).clamp(1, u32::MAX >> 3);
    let room = Arc::new(Semaphore::new(all as usize));
    while !shutdown.is_requested() {
        let room_left = room.available_permits();
        let free = if room_left == 0 { 0 } else { hands.available_permits().min(TO_A_TAKE) };
        let jobs = if free == 0 { Vec::new() } else { take(&store, clock.now(), free, room_left * KIB).await };
        if jobs.is_empty() {
            let idle = if free == 0 { Duration::from_millis(5) } else { until_due(&store, clock.now()).await };
            tokio::select! {
                () = store.work_arrived(idle) => {}
                () = shutdown.clone().requested() => {}
            }
        }
        for job in jobs {
            let Ok(hand) = Arc::clone(&hands).acquire_owned().await else { return };
            // The last one that was taken may need more than there was.
            let needed = u32::try_from(job.memory.div_ceil(KIB)).unwrap_or(u32::MAX).min(all);
            let Ok(taken) = Arc::clone(&room).acquire_many_owned(needed).await else { return };
            let (store, dispatcher, clock) = (store.clone(), Arc::clone(&dispatcher), Arc::clone(&clock));
            tokio::spawn(async move {
                handle(&store, &dispatcher, &*clock, job).await;
                drop((hand, taken));
            });
        }
    }
    let _ = hands.acquire_many(u32::try_from(AT_A_TIME).unwrap_or(u32::MAX)).await;
}

async fn take(store: &Store, now: Timestamp, limit: usize, memory: usize) -> Vec<Job> {
    match store.take_within(now, limit, memory).await {
        Ok(jobs) => jobs,
        Err(error) => {
            tracing::error!(%error, "the queue cannot be read");
            tokio::time::sleep(LOOK).await;
            Vec::new()
        }
    }
}

async fn until_due(store: &Store, now: Timestamp) -> Duration {
    let due = store.next_due().await.ok().flatten();
    let wait = due.map_or(LOOK, |due| Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO));
    wait.clamp(Duration::from_millis(1), LOOK)
}

async fn handle(store: &Store, dispatcher: &Dispatcher, clock: &dyn Clock, job: Job) {
    // Nothing but the process's end stops an attempt here, so the deadline is far away.
    let deadline = domain::time::later(clock.now(), SignedDuration::from_hours(1));
    let settled = match dispatcher.handle(job.message, deadline).await {
        Ok(()) => store.finish(job.id).await,
        Err(DispatchError::Busy { until }) => store.release(job.id, until).await,
        Err(error) => {
            tracing::error!(%error, attempt = job.attempts, "a message failed; it comes again");
            store.release(job.id, domain::time::later(clock.now(), backoff(job.attempts))).await
        }
    };
    if let Err(error) = settled {
        tracing::error!(%error, "a message's end cannot be written down; it comes again");
    }
}

fn backoff(attempts: u32) -> SignedDuration {
    SignedDuration::from_secs(1 << attempts.min(6)).min(LONGEST_BACKOFF)
}
