//! The silences that were posted. There are few: they are read all at once.

use async_trait::async_trait;
use domain::ports::{Silences, StoreError};
use domain::rules_document::Silence;
use rusqlite::{Connection, params};

use crate::Store;
use crate::record;

#[async_trait]
impl Silences for Store {
    async fn put(&self, silence: &Silence) -> Result<(), StoreError> {
        let (id, expires) = (silence.id.clone(), silence.expires().as_microsecond());
        let body = record::write(silence)?;
        let put = move |connection: &Connection| {
            let sql = "INSERT OR REPLACE INTO silences (id, expires, body) VALUES (?1, ?2, ?3)";
            Ok(connection.prepare_cached(sql)?.execute(params![id, expires, body]).map(drop)?)
        };
        self.writer.write(put).await
    }

    async fn get(&self, id: &str) -> Result<Option<Silence>, StoreError> {
        let id = id.to_owned();
        let sql = "SELECT body FROM silences WHERE id = ?1";
        self.readers.read(move |connection| record::select_one(connection, sql, [id])).await
    }

    async fn all(&self) -> Result<Vec<Silence>, StoreError> {
        self.readers
            .read(|connection| record::select_readable(connection, "silence", "SELECT body FROM silences", []))
            .await
    }
}
