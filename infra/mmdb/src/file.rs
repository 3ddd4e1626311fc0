//! One database file: read once, and again when it was replaced.

use std::fmt;
use std::fs::Metadata;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use domain::Timestamp;
use domain::ports::Clock;
use jiff::SignedDuration;

use crate::Database;

/// How long what was seen of the file is believed.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(2);

pub(crate) struct File {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    database: Option<Arc<Database>>,
    /// Of which state of the file that is, or was to be.
    seen: Option<Stamp>,
    looked: Timestamp,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self { bytes: metadata.len(), modified: metadata.modified().ok() }
    }
}

impl File {
    pub(crate) fn open(path: PathBuf, clock: Arc<dyn Clock>) -> Self {
        let mut state = State { database: None, seen: None, looked: clock.now() };
        let file = path.display();
        match std::fs::metadata(&path) {
            Ok(metadata) => state.read(&path, Stamp::of(&metadata)),
            Err(error) => tracing::warn!(%file, %error, "the address database is awaited; until then it adds nothing"),
        }
        Self { path, clock, state: Mutex::new(state) }
    }

    /// The newest that could be read, while the file is there.
    pub(crate) fn current(&self) -> Option<Arc<Database>> {
        let now = self.clock.now();
        // Whoever panicked left a state that is true.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(state.looked).abs() >= LOOK_AGAIN {
            state.looked = now;
            match std::fs::metadata(&self.path).map(|metadata| Stamp::of(&metadata)) {
                Ok(stamp) if state.seen == Some(stamp) => {}
                Ok(stamp) => state.read(&self.path, stamp),
                Err(_) if state.seen.is_none() => {}
                Err(error) => {
                    tracing::warn!(file = %self.path.display(), %error, "the address database is gone");
                    (state.database, state.seen) = (None, None);
                }
            }
        }
        state.database.clone()
    }
}

impl State {
    fn read(&mut self, path: &std::path::Path, stamp: Stamp) {
        self.seen = Some(stamp);
        let file = path.display();
        match Database::open_readfile(path) {
            Ok(database) => {
                tracing::info!(%file, built = database.metadata().build_epoch, "read an address database");
                self.database = Some(Arc::new(database));
            }
            Err(error) => tracing::warn!(%file, %error, "this is no address database; replace it by a .mmdb file"),
        }
    }
}

impl fmt::Debug for File {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "File({})", self.path.display())
    }
}
