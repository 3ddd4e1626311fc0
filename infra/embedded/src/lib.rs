//! The store, queue and ledger on one local SQLite file: every store port of `domain::ports`.
//!
//! Owns `nuncio.db` in the data folder, `search.db`, which can be rebuilt from it, and the files of the archive folder.
//! An accepted event is on disk (fsync) before `accept` returns. The queue is a table with leases. Refuses decisions:
//! the domain interprets records, and `now` is always an argument. The only clock read here is SQLite's, for the delays
//! of queue messages.
//!
//! ```text
//!  callers ──▶ writer thread ──▶ one transaction, one fsync for all waiting callers
//!          └─▶ readers (blocking threads) ──▶ the last committed state
//! ```
#![doc = include_str!("../README.md")]

mod archive;
mod backlog;
mod counts;
mod dead_letters;
mod detection_groups;
mod documents;
mod endpoints;
mod erasure;
mod event_log;
mod fault;
mod files;
mod holds;
mod inbox;
mod index_position;
mod intake;
mod keeping;
mod ledger;
mod lock;
mod open;
mod operator_jobs;
mod purge;
mod queue;
mod readers;
mod recent_events;
mod record;
mod reserve;
mod schema;
mod search_index;
mod sessions;
mod silences;
mod suppression;
mod tokens;
mod versioned_table;
mod volume;
mod wal;
mod writer;

pub use archive::ArchiveFolder;
pub use lock::FolderLock;
pub use open::OpenError;
pub use queue::{LEASE, QueuedMessage, ReceiptHandle, ReleasedLeases};

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::ports::StoreError;
use tokio::sync::Notify;

use fault::Health;
use holds::HoldCache;
use readers::Readers;
use recent_events::RecentEvents;
use reserve::Reserve;
use search_index::SearchIndex;
use writer::Writer;

/// The store. Clones share it; dropping the last one waits for queued writes.
#[derive(Debug, Clone)]
pub struct Store {
    // Dropped before the writer, so that the writer closes the last connection, which makes SQLite checkpoint the log.
    readers: Arc<Readers>,
    writer: Arc<Writer>,
    work: Arc<Notify>,
    recent_events: Arc<RecentEvents>,
    search: Arc<SearchIndex>,
    holds: Arc<HoldCache>,
    health: Arc<Health>,
    /// Whether the file is being rebuilt.
    rebuilding: Arc<AtomicBool>,
    /// Whether the disk is full.
    disk_is_full: Arc<AtomicBool>,
}

impl Store {
    /// Opens the store in `folder`. Creates the folder and the file if they are missing, readable by their owner only.
    /// A second process may open the store too; both see each other's writes.
    ///
    /// # Errors
    /// When the folder or the file cannot be used, or the write-ahead log that an earlier process left is damaged:
    /// SQLite would drop everything after the damage. Nothing is changed then.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let file = open::make_file(folder)?;
        open::whole_log(&file)?;
        Self::open_file(file)
    }

    /// As [`open`](Self::open), but uses the part of a damaged write-ahead log before the damage. Copies the log first,
    /// and returns the path of the copy; `None` if the log is not damaged.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be used.
    pub fn open_without_damaged_log(folder: &Path) -> Result<(Self, Option<PathBuf>), OpenError> {
        let file = open::make_file(folder)?;
        let kept = open::keep_damaged_log(&file)?;
        Self::open_file(file).map(|store| (store, kept))
    }

    fn open_file(file: PathBuf) -> Result<Self, OpenError> {
        let mut connection = open::writer(&file)?;
        schema::migrate(&mut connection, &file).or_else(|error| match error {
            OpenError::FullDisk { .. } if reserve::release(&file) => schema::migrate(&mut connection, &file),
            error => Err(error),
        })?;
        let mut reserve = Reserve::for_store(&file);
        reserve.ensure(&connection);
        let disk_is_full = reserve.shortage();
        let holds =
            HoldCache::read(&connection).map_err(|fault| OpenError::unusable(&file, &StoreError::from(fault)))?;
        let health = Arc::new(Health::default());
        let writer = Writer::start(connection, Some(reserve), health.clone())
            .map_err(|error| OpenError::unusable(&file, &error))?;
        Ok(Self {
            writer: Arc::new(writer),
            search: Arc::new(SearchIndex::in_folder_of(&file)),
            readers: Arc::new(Readers::new(file, health.clone())),
            health,
            work: Arc::default(),
            recent_events: Arc::default(),
            holds: Arc::new(holds),
            rebuilding: Arc::default(),
            disk_is_full,
        })
    }

    /// Checkpoints the write-ahead logs into the files, so that the folder can be copied. Later writes use the logs
    /// again.
    ///
    /// # Errors
    /// When a reader is still active, or the disk fails. Nothing is lost then: the next start reads the logs.
    pub async fn close(&self) -> Result<(), StoreError> {
        let search = self.search.clone();
        let folded = self.readers.read(move |_| search.fold()).await;
        self.readers.close_idle();
        // Even if the index has no room on the disk.
        self.writer.close_log().await.and(folded)
    }

    /// Checks the file's structure for at most `time`. Logs damage, and makes [`ready`] fail from then on. Returns
    /// whether the check was complete.
    ///
    /// [`ready`]: domain::ports::Intake::ready
    ///
    /// # Errors
    /// When the file is damaged or cannot be read.
    pub async fn check(&self, time: Duration) -> Result<bool, StoreError> {
        self.readers.read(move |connection| open::check(connection, time)).await
    }

    /// Whether the folder holds a store.
    pub fn exists(folder: &Path) -> bool {
        folder.join(open::FILE).exists()
    }

    /// Limits the cache of recently accepted events to this many bytes of memory. Only a process that takes queue
    /// messages fills the cache.
    pub fn limit_recent_events(&self, bytes: usize) {
        self.recent_events.limit(bytes);
    }

    /// Indexes the next batch of events for searches, or removes deleted events from the index if all are indexed.
    /// Returns the number of rows left to index; 0 while the disk is full, when nothing is indexed. Only one process at
    /// a time may call this.
    ///
    /// # Errors
    /// When the store cannot be read or the index cannot be written. Searches then read the events themselves.
    pub async fn fill_search_index(&self) -> Result<u64, StoreError> {
        if self.disk_is_full.load(Ordering::Relaxed) {
            // The store itself needs the last space. Searches read the events that are not indexed.
            return Ok(0);
        }
        let search = self.search.clone();
        self.readers.read(move |events| search.fill(events)).await
    }
}

#[cfg(test)]
mod tests;
