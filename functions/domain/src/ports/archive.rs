//! The ports by which data leaves before its time, or for good.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::delivery::DeliveryId;
use crate::event::{Event, EventPk};

/// Where events are kept after they were deleted: files of one event a line.
#[async_trait]
pub trait Archive: Send + Sync {
    /// Writes a new file of these events; on return it is whole and durable. Files that are put later sort after it.
    async fn put(&self, events: &[Event], now: Timestamp) -> Result<(), StoreError>;
    /// The files' names in order, those after that one.
    async fn files(&self, after: Option<&str>) -> Result<Vec<String>, StoreError>;
    /// The events of a file, as they were put.
    async fn read(&self, file: &str) -> Result<Vec<Event>, StoreError>;
    /// Puts these events in the place of a file's, durably and as one; without any, the file goes.
    async fn replace(&self, file: &str, events: &[Event]) -> Result<(), StoreError>;
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
