//! Turns errors of SQLite and serde into the domain's [`StoreError`].
//! Owns which errors are temporary (`Unavailable`) and which are not (`Corrupt`).
//! Never quotes stored text: a body may hold addresses.

use std::sync::OnceLock;

use domain::ports::StoreError;
use rusqlite::ErrorCode;

/// The detail of an error begins so if the whole file is damaged, not just one record.
const DAMAGED: &str = "the file is damaged";

const FULL_DISK: &str = "the disk is full; free some space";

/// Whether an error has shown that the file is damaged. It stays set until the process ends.
#[derive(Debug, Default)]
pub(crate) struct Health(OnceLock<String>);

impl Health {
    /// Remembers the error if it says that the file is damaged, and logs the first one.
    pub(crate) fn note(&self, error: &StoreError) {
        if let StoreError::Unavailable { detail, .. } = error
            && detail.starts_with(DAMAGED)
            && self.0.set(detail.clone()).is_ok()
        {
            tracing::error!(detail, "the store is damaged");
        }
    }

    /// Fails with the first error that was noted.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.0.get().map_or(Ok(()), |detail| Err(StoreError::store(detail)))
    }
}

/// A [`StoreError`] that `?` can make of the errors of SQLite and serde.
#[derive(Debug)]
pub(crate) struct Fault(StoreError);

impl Fault {
    /// The file is damaged. `what` describes the damage and must not quote content; SQLite's messages do not.
    pub(crate) fn damaged(what: &str) -> Self {
        Self(StoreError::store(format!("{DAMAGED} ({what}); restore it from a backup")))
    }

    /// The disk has no room.
    pub(crate) fn full_disk() -> Self {
        Self(StoreError::store(FULL_DISK))
    }
}

/// Whether the disk has no room: for the data, or for the file of the memory that processes share
/// (`SQLITE_IOERR_SHMSIZE`).
pub(crate) fn is_full_disk(error: &rusqlite::Error) -> bool {
    let no_shared_memory = |code| code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || error.sqlite_error().is_some_and(|error| no_shared_memory(error.extended_code))
}

/// Whether the error was made because the disk has no room.
pub(crate) fn says_full_disk(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable { detail, .. } if detail == FULL_DISK)
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
            _ if is_full_disk(&error) => StoreError::store(FULL_DISK),
            Some(ErrorCode::ReadOnly) => StoreError::store("the file is read-only; let this user write to it"),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => return Self::damaged(&error.to_string()),
            Some(_) => StoreError::store(error),
            // A value has another type than the schema declares.
            None => StoreError::Corrupt("a column holds a value of an unexpected type".to_owned()),
        })
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        // The error's own text may quote the body.
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        Self(StoreError::Corrupt(format!("the record's JSON has a {kind:?} error at line {line}, column {column}")))
    }
}
