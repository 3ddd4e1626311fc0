//! What SQLite says, in the domain's words.
//! Owns the line between what trying again may mend and what it cannot.
//! Never repeats stored text: a body may hold addresses.

use std::sync::OnceLock;

use domain::ports::StoreError;
use rusqlite::ErrorCode;

/// Begins the detail of an error that the file itself causes, not one record in it.
const DAMAGED: &str = "the file is damaged";

/// Whether the file has turned out to be damaged while the store was open. It stays so until it is restored.
#[derive(Debug, Default)]
pub(crate) struct Health(OnceLock<String>);

impl Health {
    /// Takes note of an error, if it says that the file is damaged.
    pub(crate) fn note(&self, error: &StoreError) {
        if let StoreError::Unavailable { detail, .. } = error
            && detail.starts_with(DAMAGED)
            && self.0.set(detail.clone()).is_ok()
        {
            tracing::error!(detail, "the store is damaged");
        }
    }

    /// What was noted first, as an error.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.0.get().map_or(Ok(()), |detail| Err(StoreError::store(detail)))
    }
}

/// A [`StoreError`] on its way out, so that `?` takes SQLite's and serde's errors.
#[derive(Debug)]
pub(crate) struct Fault(StoreError);

impl Fault {
    /// The file is damaged: `what` is SQLite's description, which quotes no content.
    pub(crate) fn damaged(what: &str) -> Self {
        Self(StoreError::store(format!("{DAMAGED} ({what}); restore it from a backup")))
    }
}

/// Whether the disk has no room: for the data, or for the file of the memory that processes share (`SQLITE_IOERR_SHMSIZE`).
pub(crate) fn is_full_disk(error: &rusqlite::Error) -> bool {
    let no_shared_memory = |code| code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || error.sqlite_error().is_some_and(|error| no_shared_memory(error.extended_code))
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        fault.0
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self(match error.sqlite_error_code() {
            _ if is_full_disk(&error) => StoreError::store("the disk is full; free some space"),
            Some(ErrorCode::ReadOnly) => StoreError::store("the file is read-only; let this user write to it"),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => return Self::damaged(&error.to_string()),
            Some(_) => StoreError::store(error),
            // A column has not the type that the schema says.
            None => StoreError::Corrupt("a column holds something else than it should".to_owned()),
        })
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        // The error's own text may quote the body.
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        Self(StoreError::Corrupt(format!("its JSON has a {kind:?} fault at line {line} column {column}")))
    }
}
