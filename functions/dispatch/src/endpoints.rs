//! How many attempts one endpoint gets at a time, so that one that hangs holds up only its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Attempts at one endpoint at a time.
const AT_A_TIME: usize = 64;

/// How long an attempt waits for its turn. A fast receiver takes thousands in this time; who waits
/// longer is put off instead of holding up the message it came in.
const PATIENCE: Duration = Duration::from_secs(2);

/// Names that were used and are idle are forgotten above this number.
const REMEMBERED: usize = 1024;

#[derive(Default)]
pub(crate) struct Endpoints {
    turns: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Endpoints {
    /// Waits for a turn at the endpoint; none if it stays busy.
    pub(crate) async fn enter(&self, endpoint: String) -> Option<OwnedSemaphorePermit> {
        let turns = self.turns_at(endpoint);
        tokio::time::timeout(PATIENCE, turns.acquire_owned()).await.ok()?.ok()
    }

    fn turns_at(&self, endpoint: String) -> Arc<Semaphore> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() >= REMEMBERED {
            turns.retain(|_, semaphore| semaphore.available_permits() < AT_A_TIME);
        }
        Arc::clone(turns.entry(endpoint).or_insert_with(|| Arc::new(Semaphore::new(AT_A_TIME))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_busy_endpoint_turns_away_and_others_do_not() {
        let endpoints = Endpoints::default();
        let mut held = Vec::new();
        for _ in 0..AT_A_TIME {
            held.push(endpoints.enter("stuck".to_owned()).await.unwrap());
        }
        assert!(endpoints.enter("stuck".to_owned()).await.is_none());
        assert!(endpoints.enter("other".to_owned()).await.is_some());
        held.pop();
        assert!(endpoints.enter("stuck".to_owned()).await.is_some());
    }
}
