//! The rules documents: every version that was ever in force.
//! A version is written once: of two writers that save the same next version, one gets a conflict.

use async_trait::async_trait;
use domain::ports::{ActiveRules, Documents, SaveOutcome, StoreError};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::Store;
use crate::fault::Fault;
use crate::record;

/// The version of a body, which omits it: the column has it.
const IN_COLUMN: u64 = 0;

#[async_trait]
impl Documents for Store {
    async fn newest(&self) -> Result<Option<ActiveRules>, StoreError> {
        let newest = |connection: &Connection| {
            connection
                .prepare_cached("SELECT version, body FROM documents ORDER BY version DESC LIMIT 1")?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?
                .map(|(version, body): (i64, String)| active(version, &body))
                .transpose()
        };
        self.readers.read(newest).await
    }

    async fn get(&self, version: u64) -> Result<Option<ActiveRules>, StoreError> {
        let Ok(version) = i64::try_from(version) else { return Ok(None) };
        let get = move |connection: &Connection| {
            connection
                .prepare_cached("SELECT body FROM documents WHERE version = ?1")?
                .query_row([version], |row| row.get(0))
                .optional()?
                .map(|body: String| active(version, &body))
                .transpose()
        };
        self.readers.read(get).await
    }

    async fn save(&self, active: &ActiveRules) -> Result<SaveOutcome, StoreError> {
        let version = i64::try_from(active.version).map_err(|_| StoreError::Corrupt("the version".to_owned()))?;
        let body = record::write(&ActiveRules { version: IN_COLUMN, ..active.clone() })?;
        let save = move |connection: &Connection| {
            let rows = connection
                .prepare_cached(
                    "INSERT INTO documents (version, body)
                     SELECT ?1, ?2 WHERE ?1 = 1 + (SELECT coalesce(max(version), 0) FROM documents)",
                )?
                .execute(params![version, body])?;
            Ok(if rows > 0 { SaveOutcome::Saved } else { SaveOutcome::Conflict })
        };
        self.writer.write(save).await
    }
}

fn active(version: i64, body: &str) -> Result<ActiveRules, Fault> {
    Ok(ActiveRules { version: version.unsigned_abs(), ..record::read(body)? })
}
