//! The memory that requests may take together.
//!
//! Owns who waits for it, and for how long. Bodies that are being received and bodies that are being read have a share of
//! their own each: those that are received wait for those that are read, and never the other way round, so that there is
//! always one that goes on.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Problem;

/// How long a request waits for others to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is counted: a KiB.
const UNIT: usize = 1024;

/// A share of the server's memory.
#[derive(Debug, Clone)]
pub struct Memory {
    received: Share,
    read: Share,
}

#[derive(Debug, Clone)]
struct Share {
    free: Arc<Semaphore>,
    units: u32,
}

/// Memory that is taken until this is dropped.
#[derive(Debug)]
pub struct Reservation {
    share: Share,
    taken: OwnedSemaphorePermit,
}

impl Memory {
    /// So many bytes for all requests together.
    pub fn new(bytes: usize) -> Self {
        Self { received: Share::of(bytes / 4), read: Share::of(bytes - bytes / 4) }
    }

    /// The most that one request can have read into memory.
    pub fn most(&self) -> usize {
        self.read.units as usize * UNIT
    }

    /// Memory to read a body into, or all there is where it is more.
    ///
    /// # Errors
    /// 503 with `Retry-After` when others take too much of it for too long.
    pub async fn read(&self, bytes: usize) -> Result<Reservation, Problem> {
        self.read.reserve(bytes).await
    }

    /// Memory for the first bytes of a body that is being received.
    pub(crate) async fn receive(&self, bytes: usize) -> Result<Reservation, Problem> {
        self.received.reserve(bytes).await
    }
}

impl Share {
    fn of(bytes: usize) -> Self {
        let units = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX).clamp(1, u32::MAX >> 3);
        Self { free: Arc::new(Semaphore::new(units as usize)), units }
    }

    async fn reserve(&self, bytes: usize) -> Result<Reservation, Problem> {
        Ok(Reservation { share: self.clone(), taken: self.take(bytes).await? })
    }

    async fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.units);
        let taken = tokio::time::timeout(PATIENCE, Arc::clone(&self.free).acquire_many_owned(units)).await;
        taken.ok().and_then(Result::ok).ok_or_else(|| {
            Problem::unavailable(format!(
                "other requests take all the memory there is for them; try again after {} seconds",
                crate::RETRY_AFTER_SECONDS
            ))
        })
    }
}

impl Reservation {
    /// Makes it so many bytes, if it is less.
    pub(crate) async fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let more = bytes.saturating_sub(self.taken.num_permits() * UNIT);
        // What is clamped to the whole share is never waited for in vain.
        let most = (self.share.units as usize - self.taken.num_permits()) * UNIT;
        if more > 0 && most > 0 {
            self.taken.merge(self.share.take(more.min(most)).await?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    #[tokio::test(start_paused = true)]
    async fn what_is_taken_is_waited_for_and_then_refused() {
        let memory = Memory::new(8 * MIB);
        assert_eq!(memory.most(), 6 * MIB);
        let first = memory.read(5 * MIB).await.unwrap();
        let refused = memory.read(2 * MIB).await.unwrap_err();
        assert_eq!(refused.status().as_u16(), 503);
        assert!(memory.read(MIB).await.is_ok(), "less of it is there");
        let (second, ()) = tokio::join!(memory.read(100 * MIB), async {
            tokio::time::sleep(PATIENCE / 2).await;
            drop(first);
        });
        assert!(second.is_ok(), "and all of it is the most that anybody waits for");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_grows_as_it_is_received() {
        let memory = Memory::new(8 * MIB);
        let mut one = memory.receive(1).await.unwrap();
        one.grow(MIB).await.unwrap();
        one.grow(MIB).await.unwrap();
        let mut other = memory.receive(MIB).await.unwrap();
        assert_eq!(other.grow(MIB + 1).await.unwrap_err().status().as_u16(), 503);
        drop(one);
        other.grow(100 * MIB).await.unwrap();
        assert!(memory.read(6 * MIB).await.is_ok(), "reading has a share of its own");
    }
}
