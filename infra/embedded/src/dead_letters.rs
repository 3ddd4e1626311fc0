//! The dead letters of the work queue: it has none, because it retries a failed message for ever.

use async_trait::async_trait;
use domain::ports::{DeadLetters, StoreError};

use crate::Store;

#[async_trait]
impl DeadLetters for Store {
    async fn give_back(&self, _: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}
