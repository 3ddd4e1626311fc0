//! Disk space set aside, so that Nuncio can start, read and delete on a full disk.
//!
//! Owns one file beside the store, of [`BYTES`] while the write-ahead log is empty. SQLite makes a file for its shared
//! memory before it reads anything, and even a deletion is first appended to the log. The log can be used from its
//! beginning again only after its pages are in the store's file, which then grows: without room for that, deletions
//! would free nothing. The file therefore grows with the pages that only the log holds, and a transaction that it
//! cannot cover is refused.

use std::fs;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::ports::StoreError;
use rusqlite::Connection;
use tracing::{debug, info, warn};

use crate::erasure::fold_log;
use crate::fault::{self, Fault};
use crate::files::private_file;

/// Enough for the shared memory of both databases (32 KiB each) and for transactions that delete or replace some
/// events.
const BYTES: u64 = 512 * 1024;

/// What must be left of it when the log has been merged into the store.
const MIN_LEFT: u64 = BYTES / 2;

/// How long merging the log waits for readers; other writes wait meanwhile.
const FOLD_TIMEOUT: Duration = Duration::from_secs(1);

fn path_beside(store: &Path) -> PathBuf {
    store.with_file_name("nuncio.reserve")
}

/// Gives the space back. Returns whether there was any.
pub(crate) fn release(store: &Path) -> bool {
    fs::remove_file(path_beside(store)).is_ok()
}

/// The space set aside for one store, kept up to date by the thread that writes.
#[derive(Debug)]
pub(crate) struct Reserve {
    store: PathBuf,
    /// The length of the store's file when it was last measured, in bytes.
    length: u64,
    /// The bytes by which the file would grow, when they were last measured.
    growth: u64,
    /// The bytes that are lent to the current transaction.
    lent: u64,
    /// Whether the disk had too little room for all of it.
    is_short: Arc<AtomicBool>,
}

impl Reserve {
    /// For the store in this file.
    pub(crate) fn for_store(store: &Path) -> Self {
        Self { store: store.to_owned(), length: 0, growth: 0, lent: 0, is_short: Arc::default() }
    }

    /// Whether the disk is full; changes with the disk.
    pub(crate) fn shortage(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_short)
    }

    /// Sets enough space aside, and merges the log into the store if the disk is nearly full.
    pub(crate) fn ensure(&mut self, connection: &Connection) {
        let earlier = self.length;
        if self.measure(connection).is_err() {
            // The write itself reports the error.
            return;
        }
        // SQLite merges the log on its own, but without the space set aside: on a nearly full disk it stops halfway.
        let was_interrupted = earlier > 0 && self.length > earlier && self.growth > 0;
        if !self.is_short() && !self.covers(BYTES + self.growth.next_multiple_of(BYTES)) {
            self.make_room(connection);
        } else if was_interrupted {
            // Or a reader stopped it, which is no reason to wait.
            self.fold(connection, Duration::ZERO);
            self.refill(connection);
        }
    }

    /// Prepares for a transaction: sets enough space aside. On a full disk, lends most of it to the transaction
    /// instead; call [`make_room`](Self::make_room) afterwards.
    pub(crate) fn prepare(&mut self, connection: &Connection) {
        self.ensure(connection);
        if self.is_short() {
            let all = self.size();
            // What is kept covers the growth of the store. Making the file shorter needs no space.
            let _ = self.resize(self.growth.max(all / 4).min(all));
            self.lent = all - self.size();
        }
    }

    /// Refuses a transaction, just before its commit, whose pages could not be moved from the log to the store.
    pub(crate) fn check(&mut self, connection: &Connection) -> Result<(), Fault> {
        let earlier = self.growth;
        self.measure(connection)?;
        if self.growth <= earlier {
            return Ok(());
        }
        let is_covered = if self.is_short() {
            self.growth <= self.size() && self.growth + MIN_LEFT <= self.size() + self.lent
        } else {
            self.covers(MIN_LEFT + self.growth)
        };
        if is_covered { Ok(()) } else { Err(Fault::full_disk()) }
    }

    /// Merges the log into the store, with the space set aside if there is no other, and sets space aside again.
    pub(crate) fn make_room(&mut self, connection: &Connection) {
        self.fold(connection, FOLD_TIMEOUT);
        self.refill(connection);
    }

    /// Merges the log into the store and gives all space back, for a transaction that frees space. Call
    /// [`make_room`](Self::make_room) afterwards.
    pub(crate) fn lend(&mut self, connection: &Connection) {
        self.fold(connection, FOLD_TIMEOUT);
        release(&self.store);
    }

    /// Whether the disk is full.
    pub(crate) fn is_short(&self) -> bool {
        self.is_short.load(Ordering::Relaxed)
    }

    /// Merges the log into the store, with the space set aside if there is no other. Waits this long for readers of an
    /// older state.
    fn fold(&self, connection: &Connection, wait: Duration) {
        let usual = connection.pragma_query_value(None, "busy_timeout", |row| row.get::<_, u32>(0)).unwrap_or_default();
        let fold = || fold_log(connection).map_err(StoreError::from);
        // Setting a timeout does not fail on an open connection.
        let _ = connection.busy_timeout(wait);
        let folded = fold().or_else(|error| {
            if !fault::says_full_disk(&error) || !release(&self.store) {
                return Err(error);
            }
            fold()
        });
        let _ = connection.busy_timeout(Duration::from_millis(u64::from(usual)));
        if let Err(error) = folded {
            debug!(%error, "the write-ahead log could not be merged into the store");
        }
    }

    /// Sets space aside: if there is little, all that there is, before another program takes it.
    fn refill(&mut self, connection: &Connection) {
        // If the file cannot be measured, the next transaction measures it again.
        let _ = self.measure(connection);
        let enough = self.growth + BYTES;
        let is_short = self.resize(enough + BYTES).and_then(|()| self.resize(enough)).is_err();
        if is_short {
            self.take_up_to(enough);
        }
        let was_short = self.is_short.swap(is_short, Ordering::Relaxed);
        if is_short && !was_short {
            warn!("the disk is full; Nuncio refuses events that need more space; free some space");
        } else if was_short && !is_short {
            info!("the disk has room again; Nuncio has set space aside again");
        }
    }

    /// Sets aside what there is once the connection is closed: without its shared memory, the next start has room for
    /// that.
    pub(crate) fn keep_rest(&self) {
        if self.size() < BYTES {
            self.take_up_to(BYTES);
        }
    }

    fn measure(&mut self, connection: &Connection) -> Result<(), Fault> {
        let value = |sql| connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
        let bytes = u64::try_from(value("PRAGMA page_count")? * value("PRAGMA page_size")?).unwrap_or_default();
        self.length = fs::metadata(&self.store).map_err(StoreError::store)?.len();
        self.growth = bytes.saturating_sub(self.length);
        Ok(())
    }

    /// The bytes that are set aside.
    fn size(&self) -> u64 {
        fs::metadata(path_beside(&self.store)).map_or(0, |file| file.len())
    }

    /// Whether this many bytes are set aside, now or already.
    fn covers(&self, bytes: u64) -> bool {
        self.size() >= bytes || self.resize(bytes).is_ok()
    }

    /// Makes the file this long. If the disk has no room, it keeps its length.
    fn resize(&self, bytes: u64) -> io::Result<()> {
        let earlier = self.size();
        let resized = self.extend(bytes);
        if resized.is_err() {
            self.extend(earlier)?;
        }
        resized
    }

    /// Makes the file this long, or as long as the disk has room for.
    fn take_up_to(&self, bytes: u64) {
        if let Err(error) = self.extend(bytes) {
            debug!(%error, bytes = self.size(), "less space than usual is set aside for a full disk");
        }
    }

    /// Makes the file this long. If the disk has no room, the file keeps the part that was written.
    fn extend(&self, bytes: u64) -> io::Result<()> {
        let mut file = private_file(&path_beside(&self.store))?;
        let earlier = file.seek(SeekFrom::End(0))?;
        if earlier >= bytes {
            return file.set_len(bytes);
        }
        // Written, as a file that is only made longer occupies no space.
        let zeros = [0; 4096];
        let mut missing = bytes - earlier;
        while missing > 0 {
            let part = zeros.len().min(usize::try_from(missing).unwrap_or(usize::MAX));
            file.write_all(&zeros[..part])?;
            missing -= part as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::ports::Intake as _;
    use domain::testing::serialized;
    use domain::{Event, Timestamp};

    use super::*;
    use crate::Store;

    fn event(number: u128) -> Arc<Event> {
        let event = domain::testing::event("login").created(Timestamp::UNIX_EPOCH).random(number);
        Arc::new(event.expires(Timestamp::MAX).app(&"x".repeat(3000)).build())
    }

    #[tokio::test]
    async fn it_covers_the_pages_that_only_the_log_holds() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let length = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
        for batch in 0..5 {
            let events = (1..60).map(|number| event(batch * 100 + number)).collect::<Vec<_>>();
            store.accept(&serialized(&events)).await.unwrap();
            let connection = crate::open::reader(&folder.path().join("nuncio.db")).unwrap();
            let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
            let growth = pages.unsigned_abs() * 8192 - length("nuncio.db");
            assert!(growth > 0, "the log is not merged yet");
            assert!(length("nuncio.reserve") >= growth, "{} for {growth}", length("nuncio.reserve"));
        }
        store.close().await.unwrap();
        assert_eq!(length("nuncio.reserve"), BYTES);
    }
}
