//! The memory that all requests together may use.
//!
//! Owns the limits and how long a request waits for memory. Four pools keep requests from blocking each other: bodies
//! that are being received and bodies that are being decoded have pools of their own, and in each of these stages small
//! requests and large ones. A request takes all that it needs of a pool of large requests at once, and goes through the
//! stages in one order, so requests cannot wait for each other in a circle, and a small request never waits behind a
//! large one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::Problem;

/// How long a request waits for other requests to release memory, over all stages.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The number of bytes that one semaphore permit represents.
const BYTES_PER_PERMIT: usize = 1024;

/// What fraction of a stage's memory one small request may use, at most.
const SMALL_FRACTION: usize = 256;

/// The server's memory for requests. Clones draw from the same budget.
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    receive: StagePools,
    decode: StagePools,
}

/// The memory of one stage.
#[derive(Debug, Clone)]
struct StagePools {
    small: MemoryPool,
    large: MemoryPool,
    /// The most bytes of a request that draws from the pool for small requests.
    max_small: usize,
}

#[derive(Debug, Clone)]
struct MemoryPool {
    free: Arc<Semaphore>,
    permits: u32,
}

/// Memory reserved until this value is dropped.
#[derive(Debug)]
pub struct MemoryReservation {
    held: OwnedSemaphorePermit,
}

/// How much longer one request may wait for memory.
#[derive(Debug, Clone, Copy)]
pub struct RemainingWait(Duration);

impl Default for RemainingWait {
    fn default() -> Self {
        Self(MAX_WAIT)
    }
}

impl MemoryBudget {
    /// A budget of `bytes` for all requests together: three quarters for decoding large bodies, an eighth for receiving
    /// them, and a sixteenth each for receiving and decoding small ones.
    pub fn new(bytes: usize) -> Self {
        let part = bytes / 16;
        Self { receive: StagePools::new(part, 2 * part), decode: StagePools::new(part, bytes - 4 * part) }
    }

    /// The most bytes that [`Self::decode`] reserves for one request.
    pub fn max_decoded(&self) -> usize {
        self.decode.large.permits as usize * BYTES_PER_PERMIT
    }

    /// Reserves memory for decoding a body: `bytes`, or [`Self::max_decoded`] if that is less.
    ///
    /// # Errors
    /// 503 with `Retry-After` when other requests hold too much memory for longer than `wait`.
    pub async fn decode(&self, bytes: usize, wait: &mut RemainingWait) -> Result<MemoryReservation, Problem> {
        self.decode.reserve(bytes, wait).await
    }

    /// Reserves memory for a body of `bytes` that is being received, or for the whole pool if that is less.
    pub(crate) async fn receive(&self, bytes: usize, wait: &mut RemainingWait) -> Result<MemoryReservation, Problem> {
        self.receive.reserve(bytes, wait).await
    }

    /// The most bytes of a body that counts as small while it is received.
    pub(crate) fn max_small_body(&self) -> usize {
        self.receive.max_small
    }
}

impl StagePools {
    fn new(small: usize, large: usize) -> Self {
        let max_small = ((small + large) / SMALL_FRACTION).max(BYTES_PER_PERMIT);
        Self { small: MemoryPool::new(small), large: MemoryPool::new(large), max_small }
    }

    async fn reserve(&self, bytes: usize, wait: &mut RemainingWait) -> Result<MemoryReservation, Problem> {
        let pool = if bytes <= self.max_small { &self.small } else { &self.large };
        pool.reserve(bytes, wait).await
    }
}

impl MemoryPool {
    fn new(bytes: usize) -> Self {
        let permits = u32::try_from(bytes / BYTES_PER_PERMIT).unwrap_or(u32::MAX).clamp(1, u32::MAX >> 3);
        Self { free: Arc::new(Semaphore::new(permits as usize)), permits }
    }

    async fn reserve(&self, bytes: usize, wait: &mut RemainingWait) -> Result<MemoryReservation, Problem> {
        let permits = u32::try_from(bytes.div_ceil(BYTES_PER_PERMIT)).unwrap_or(u32::MAX).min(self.permits);
        let began = Instant::now();
        let held = tokio::time::timeout(wait.0, Arc::clone(&self.free).acquire_many_owned(permits)).await;
        wait.0 = wait.0.saturating_sub(began.elapsed());
        held.ok().and_then(Result::ok).map(|held| MemoryReservation { held }).ok_or_else(|| {
            Problem::unavailable(format!(
                "other requests use all of the memory for requests; try again after {} seconds",
                crate::RETRY_AFTER_SECONDS
            ))
        })
    }
}

impl MemoryReservation {
    /// Releases what exceeds `bytes`.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        drop(self.held.split(self.held.num_permits().saturating_sub(bytes.div_ceil(BYTES_PER_PERMIT))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    async fn decode(memory: &MemoryBudget, bytes: usize) -> Result<MemoryReservation, Problem> {
        memory.decode(bytes, &mut RemainingWait::default()).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_for_memory_and_is_then_refused() {
        let memory = MemoryBudget::new(8 * MIB);
        assert_eq!(memory.max_decoded(), 6 * MIB);
        let first = decode(&memory, 5 * MIB).await.unwrap();
        let refused = decode(&memory, 2 * MIB).await.unwrap_err();
        assert_eq!(refused.status().as_u16(), 503);
        assert!(decode(&memory, MIB).await.is_ok(), "less memory is free");
        let (second, ()) = tokio::join!(decode(&memory, 100 * MIB), async {
            tokio::time::sleep(MAX_WAIT / 2).await;
            drop(first);
        });
        assert!(second.is_ok(), "a reservation is capped at the whole pool");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_five_seconds_in_all() {
        let memory = MemoryBudget::new(8 * MIB);
        let (_received, _decoded) = (
            memory.receive(MIB, &mut RemainingWait::default()).await.unwrap(),
            decode(&memory, 6 * MIB).await.unwrap(),
        );
        let began = Instant::now();
        let mut wait = RemainingWait::default();
        assert!(memory.receive(MIB, &mut wait).await.is_err());
        assert!(memory.decode(MIB, &mut wait).await.is_err());
        assert_eq!(began.elapsed().as_secs(), MAX_WAIT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_request_never_waits_behind_a_large_one() {
        let memory = MemoryBudget::new(8 * MIB);
        let _first = decode(&memory, 6 * MIB).await.unwrap();
        let small = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let began = Instant::now();
            let reserved = decode(&memory, 4096).await;
            (reserved.is_ok(), began.elapsed())
        };
        let (large, small) = tokio::join!(decode(&memory, 2 * MIB), small);
        assert!(large.is_err());
        assert_eq!(small, (true, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_body_does_not_need_is_given_back() {
        let memory = MemoryBudget::new(8 * MIB);
        let mut one = memory.receive(MIB, &mut RemainingWait::default()).await.unwrap();
        one.shrink(1000);
        assert!(memory.receive(MIB - 1024, &mut RemainingWait::default()).await.is_ok());
    }
}
