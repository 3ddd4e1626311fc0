//! One database file: reads it, and reads it again after it was replaced.

use std::fmt;
use std::fs::Metadata;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use domain::Timestamp;
use domain::ports::Clock;
use jiff::SignedDuration;

use crate::Database;

/// How often the file is checked for changes.
const CHECK_INTERVAL: SignedDuration = SignedDuration::from_secs(2);

/// A database file that may be missing or replaced at any time.
pub(crate) struct DatabaseFile {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    state: Mutex<FileState>,
}

struct FileState {
    database: Option<Arc<Database>>,
    /// The stamp of the file when it was last read, even if that failed; `None` if it is missing.
    stamp: Option<Stamp>,
    /// When the file was last checked for changes.
    checked: Timestamp,
}

/// The size and modification time, by which a replaced file is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn from_metadata(metadata: &Metadata) -> Self {
        Self { bytes: metadata.len(), modified: metadata.modified().ok() }
    }
}

impl DatabaseFile {
    pub(crate) fn open(path: PathBuf, clock: Arc<dyn Clock>) -> Self {
        let mut state = FileState { database: None, stamp: None, checked: clock.now() };
        let file = path.display();
        match std::fs::metadata(&path) {
            Ok(metadata) => state.read(&path, Stamp::from_metadata(&metadata)),
            Err(error) => {
                tracing::warn!(%file, %error, "the address database is missing; events get no location until it is there");
            }
        }
        Self { path, clock, state: Mutex::new(state) }
    }

    /// The last database that could be read; `None` while the file is missing.
    pub(crate) fn current(&self) -> Option<Arc<Database>> {
        let now = self.clock.now();
        // A panic in another thread leaves a consistent state.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(state.checked).abs() >= CHECK_INTERVAL {
            state.checked = now;
            match std::fs::metadata(&self.path).map(|metadata| Stamp::from_metadata(&metadata)) {
                Ok(stamp) if state.stamp == Some(stamp) => {}
                Ok(stamp) => state.read(&self.path, stamp),
                Err(_) if state.stamp.is_none() => {}
                Err(error) => {
                    tracing::warn!(file = %self.path.display(), %error, "the address database was removed; events get no location until it is back");
                    (state.database, state.stamp) = (None, None);
                }
            }
        }
        state.database.clone()
    }
}

impl FileState {
    fn read(&mut self, path: &std::path::Path, stamp: Stamp) {
        self.stamp = Some(stamp);
        let file = path.display();
        match Database::open_readfile(path) {
            Ok(database) => {
                tracing::info!(%file, built = database.metadata().build_epoch, "the address database was read");
                self.database = Some(Arc::new(database));
            }
            Err(error) => {
                tracing::warn!(%file, %error, "the file is not an address database; replace it by a .mmdb file");
            }
        }
    }
}

impl fmt::Debug for DatabaseFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DatabaseFile({})", self.path.display())
    }
}
