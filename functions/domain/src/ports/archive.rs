//! The ports by which data leaves before its time, or for good.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::delivery::DeliveryId;
use crate::event::{Event, EventPk};
use crate::retention::erasure::Subject;

/// Where events are kept after they were deleted: files in the form of [`crate::retention::archive`].
#[async_trait]
pub trait Archive: Send + Sync {
    /// Writes a new file of these events; on return it is whole and durable. Files that are put later sort after it,
    /// and none is ever put over another.
    async fn put(&self, events: &[Event], now: Timestamp) -> Result<(), StoreError>;
    /// The names of up to `limit` files in order, those after that one.
    async fn files(&self, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError>;
    /// What a file holds.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the file is there and cannot be read, however often it is tried: it is cut short,
    /// damaged, or no archive file.
    async fn read(&self, file: &str) -> Result<Archived, StoreError>;
    /// Takes a file that is [corrupt](StoreError::Corrupt) out of the list of files, and keeps it under another name
    /// where the archive can do so. Returns the name it has from then on.
    async fn set_aside(&self, file: &str) -> Result<String, StoreError> {
        Ok(file.to_owned())
    }
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
    /// Takes the person's events out of messages that wait in the queue with their events in them, and returns how many.
    /// A queue whose messages cannot be looked through does nothing; it forgets them within days.
    async fn erase_queued(&self, _subject: &Subject) -> Result<usize, StoreError> {
        Ok(0)
    }
    /// Overwrites what deleted records leave behind in the store's files, such as free pages and a write-ahead log. A
    /// store whose files are not the operator's has nothing to do. Safe to repeat.
    async fn scrub(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The mail that one machine writes to files while no mail server is configured.
#[async_trait]
pub trait Mailbox: Send + Sync {
    /// Deletes the mails of these deliveries; returns how many files went.
    async fn erase(&self, deliveries: &[DeliveryId]) -> Result<usize, StoreError>;
    /// Up to `limit` mails in the order of their names, those after `after`; each name with the delivery it belongs to,
    /// if it belongs to one, the address in its `To` header, and its text.
    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<WrittenMail>, StoreError>;
    /// Deletes one mail; one that is not there is no error.
    async fn remove(&self, name: &str) -> Result<(), StoreError>;
    /// Deletes up to `limit` mails that were written before that time; returns how many went.
    async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;
}

/// A mail in the mailbox folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenMail {
    /// The file's name.
    pub name: String,
    /// The delivery that it is; `None` for a test of a transport.
    pub delivery: Option<DeliveryId>,
    /// The address in the `To` header, without a display name; empty if there is none.
    pub to: String,
    /// What it says, decoded: header fields and all texts.
    pub text: String,
}
