//! What SQLite says, in the domain's words.
//! Owns the line between what trying again may mend and what it cannot.
//! Never repeats stored text: a body may hold addresses.

use domain::ports::StoreError;
use rusqlite::ErrorCode;

/// A [`StoreError`] on its way out, so that `?` takes SQLite's and serde's errors.
#[derive(Debug)]
pub(crate) struct Fault(StoreError);

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
            Some(ErrorCode::DiskFull) => StoreError::store("the disk is full; free some space"),
            Some(ErrorCode::ReadOnly) => StoreError::store("the file is read-only; let this user write to it"),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StoreError::Corrupt(format!("the file is damaged ({error}); restore it from a backup"))
            }
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
