//! The ports for data that leaves the store: the archive, erasure, and the mail that one machine writes to files.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::delivery::DeliveryId;
use crate::detection::GroupId;
use crate::event::{Event, EventPk};
use crate::retention::erasure::ErasureSubject;

/// Keeps expired events in files, in the form of [`crate::retention::archive`].
#[async_trait]
pub trait Archive: Send + Sync {
    /// Writes a new file of these events. On return the file is complete and durable. Its name sorts after all earlier
    /// ones; no file is ever overwritten.
    async fn put(&self, events: &[Event], now: Timestamp) -> Result<(), StoreError>;
    /// The names of up to `limit` files, in order, that sort after `after`.
    async fn files(&self, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError>;
    /// The events of a file.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the file exists but can never be read: it is truncated, damaged, or not an archive
    /// file.
    async fn read(&self, file: &str) -> Result<ArchiveFile, StoreError>;
    /// Removes a [corrupt](StoreError::Corrupt) file from the list of files and keeps it under another name, if the
    /// archive supports that. Returns the file's new name.
    async fn set_aside(&self, file: &str) -> Result<String, StoreError> {
        Ok(file.to_owned())
    }
    /// Replaces a file's content by these events, durably and atomically. Deletes the file if `events` is empty.
    ///
    /// # Errors
    /// Also if the file has changed since it was read. Read it again and retry.
    async fn replace(&self, file: &str, read: &ArchiveFile, events: &[Event]) -> Result<(), StoreError>;
}

/// The content of one archive file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ArchiveFile {
    /// The events as they were written; empty if the file no longer exists.
    pub events: Vec<Event>,
    /// Opaque version token (an `ETag`), where several processes may write.
    pub version: Option<String>,
}

/// Deletes records before they expire. A record that does not exist is not an error. Each method returns how many it
/// deleted.
#[async_trait]
pub trait Erasure: Send + Sync {
    /// Deletes the events of these pks.
    async fn erase_events(&self, pks: &[EventPk]) -> Result<usize, StoreError>;
    /// Deletes the ledger entries of these ids.
    async fn erase_deliveries(&self, ids: &[DeliveryId]) -> Result<usize, StoreError>;
    /// Deletes items of the inbox of this username.
    async fn erase_inbox(&self, username: &str, pks: &[String]) -> Result<usize, StoreError>;
    /// Deletes these groups of detections. A dispatcher that has read one before cannot write it again.
    async fn erase_groups(&self, ids: &[GroupId]) -> Result<usize, StoreError>;
    /// Removes the person's events from queued messages and returns how many. A queue whose messages cannot be searched
    /// does nothing; it discards them within days.
    async fn erase_queued(&self, _subject: &ErasureSubject) -> Result<usize, StoreError> {
        Ok(0)
    }
    /// Overwrites what deleted records leave behind in the store's files, such as free pages and the write-ahead log. A
    /// managed store has nothing to do. Safe to repeat.
    async fn scrub(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The mail that one machine writes to files while no mail server is configured.
#[async_trait]
pub trait Mailbox: Send + Sync {
    /// Deletes the mails of these deliveries and returns how many files it deleted.
    async fn erase(&self, deliveries: &[DeliveryId]) -> Result<usize, StoreError>;
    /// Up to `limit` mails, in the order of their names, that sort after `after`.
    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<WrittenMail>, StoreError>;
    /// Deletes one mail. A mail that does not exist is not an error.
    async fn remove(&self, name: &str) -> Result<(), StoreError>;
    /// Deletes up to `limit` mails that were written before `before` and returns how many.
    async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;
}

/// A mail in the mailbox folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenMail {
    /// The file's name, without its folder.
    pub name: String,
    /// The delivery that the mail belongs to; `None` for a test of a transport.
    pub delivery: Option<DeliveryId>,
    /// The address in the `To` header, without a display name; empty if there is none.
    pub to: String,
    /// The decoded header fields and text parts, for searching.
    pub text: String,
}
