//! The memory that all requests together may use.
//!
//! Owns the limits and how long a request waits for memory. Bodies that are being received and bodies that are being
//! decoded draw from separate pools. A request takes memory from the second only after the first, never the other way
//! round, so requests cannot deadlock.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Problem;

/// How long a request waits for other requests to release memory.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The bytes that one semaphore permit stands for.
const BYTES_PER_PERMIT: usize = 1024;

/// The server's memory for requests. Clones draw from the same budget.
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    received: MemoryPool,
    read: MemoryPool,
}

#[derive(Debug, Clone)]
struct MemoryPool {
    free: Arc<Semaphore>,
    permits: u32,
}

/// Memory reserved until this value is dropped.
#[derive(Debug)]
pub struct Reservation {
    pool: MemoryPool,
    held: OwnedSemaphorePermit,
}

impl MemoryBudget {
    /// A budget of `bytes` for all requests together: a quarter for receiving bodies, the rest for decoding them.
    pub fn new(bytes: usize) -> Self {
        Self { received: MemoryPool::new(bytes / 4), read: MemoryPool::new(bytes - bytes / 4) }
    }

    /// The most bytes that [`Self::read`] reserves for one request.
    pub fn max_read(&self) -> usize {
        self.read.permits as usize * BYTES_PER_PERMIT
    }

    /// Reserves memory for decoding a body: `bytes`, or [`Self::max_read`] if that is less.
    ///
    /// # Errors
    /// 503 with `Retry-After` when other requests hold too much memory for too long.
    pub async fn read(&self, bytes: usize) -> Result<Reservation, Problem> {
        self.read.reserve(bytes).await
    }

    /// Reserves memory for the first bytes of a body that is being received.
    pub(crate) async fn receive(&self, bytes: usize) -> Result<Reservation, Problem> {
        self.received.reserve(bytes).await
    }
}

impl MemoryPool {
    fn new(bytes: usize) -> Self {
        let permits = u32::try_from(bytes / BYTES_PER_PERMIT).unwrap_or(u32::MAX).clamp(1, u32::MAX >> 3);
        Self { free: Arc::new(Semaphore::new(permits as usize)), permits }
    }

    async fn reserve(&self, bytes: usize) -> Result<Reservation, Problem> {
        Ok(Reservation { pool: self.clone(), held: self.acquire(bytes).await? })
    }

    async fn acquire(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let permits = u32::try_from(bytes.div_ceil(BYTES_PER_PERMIT)).unwrap_or(u32::MAX).min(self.permits);
        let held = tokio::time::timeout(ACQUIRE_TIMEOUT, Arc::clone(&self.free).acquire_many_owned(permits)).await;
        held.ok().and_then(Result::ok).ok_or_else(|| {
            Problem::unavailable(format!(
                "other requests use all of the memory for requests; try again after {} seconds",
                crate::RETRY_AFTER_SECONDS
            ))
        })
    }
}

impl Reservation {
    /// Grows the reservation to `bytes`, or to the whole pool if that is less.
    pub(crate) async fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let held = self.held.num_permits();
        let more = bytes.saturating_sub(held * BYTES_PER_PERMIT);
        // Without this cap, a request would wait for more permits than the pool has.
        let most = (self.pool.permits as usize - held) * BYTES_PER_PERMIT;
        if more > 0 && most > 0 {
            self.held.merge(self.pool.acquire(more.min(most)).await?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_for_memory_and_is_then_refused() {
        let memory = MemoryBudget::new(8 * MIB);
        assert_eq!(memory.max_read(), 6 * MIB);
        let first = memory.read(5 * MIB).await.unwrap();
        let refused = memory.read(2 * MIB).await.unwrap_err();
        assert_eq!(refused.status().as_u16(), 503);
        assert!(memory.read(MIB).await.is_ok(), "less memory is free");
        let (second, ()) = tokio::join!(memory.read(100 * MIB), async {
            tokio::time::sleep(ACQUIRE_TIMEOUT / 2).await;
            drop(first);
        });
        assert!(second.is_ok(), "a reservation is capped at the whole pool");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_grows_as_it_is_received() {
        let memory = MemoryBudget::new(8 * MIB);
        let mut one = memory.receive(1).await.unwrap();
        one.grow(MIB).await.unwrap();
        one.grow(MIB).await.unwrap();
        let mut other = memory.receive(MIB).await.unwrap();
        assert_eq!(other.grow(MIB + 1).await.unwrap_err().status().as_u16(), 503);
        drop(one);
        other.grow(100 * MIB).await.unwrap();
        assert!(memory.read(6 * MIB).await.is_ok(), "decoding has a pool of its own");
    }
}
