//! The ports by which data leaves before its time, or for good.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::delivery::DeliveryId;
use crate::event::{Event, EventPk};

/// Where events are kept after they were deleted: files in the form of [`crate::archive`].
#[async_trait]
pub trait Archive: Send + Sync {
    /// Writes a new file of these events; on return it is whole and durable. Files that are put later sort after it,
    /// and none is ever put over another.
    async fn put(&self, events: &[Event], now: Timestamp) -> Result<(), StoreError>;
    /// The names of up to `limit` files in order, those after that one.
    async fn files(&self, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError>;
    /// What a file holds.
    async fn read(&self, file: &str) -> Result<Archived, StoreError>;
    /// Puts these events in the place of what was read from a file, durably and as one; without any, the file goes.
    ///
    /// # Errors
    /// Also when somebody else has replaced it since it was read: then it is to be read again.
    async fn replace(&self, file: &str, read: &Archived, events: &[Event]) -> Result<(), StoreError>;
}

/// What a file of the archive holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Archived {
    /// The events as they were put; none if the file is gone.
    pub events: Vec<Event>,
    /// Which writing of the file that is, in the archive's own words, where several may write.
    pub version: Option<String>,
}

/// Deletion whatever the expiry. What is not there is no fault; each says how many were.
#[async_trait]
pub trait Erasure: Send + Sync {
    /// Deletes events.
    async fn erase_events(&self, pks: &[EventPk]) -> Result<usize, StoreError>;
    /// Deletes ledger entries.
    async fn erase_deliveries(&self, ids: &[DeliveryId]) -> Result<usize, StoreError>;
    /// Deletes items of somebody's inbox.
    async fn erase_inbox(&self, username: &str, pks: &[String]) -> Result<usize, StoreError>;
}
