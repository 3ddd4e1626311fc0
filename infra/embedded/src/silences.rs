//! The silences that were posted. There are few: they are read all at once.

use async_trait::async_trait;
use domain::ports::{Silences, StoreError};
use domain::rules_document::Silence;
use rusqlite::{Connection, OptionalExtension as _, params};

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
        let get = move |connection: &Connection| {
            let mut select = connection.prepare_cached("SELECT body FROM silences WHERE id = ?1")?;
            let body: Option<String> = select.query_row([id], |row| row.get(0)).optional()?;
            body.map(|body| record::read(&body)).transpose()
        };
        self.readers.read(get).await
    }

    async fn all(&self) -> Result<Vec<Silence>, StoreError> {
        let all = |connection: &Connection| {
            let mut select = connection.prepare_cached("SELECT body FROM silences")?;
            let mut rows = select.query([])?;
            let mut silences = Vec::new();
            while let Some(row) = rows.next()? {
                silences.push(record::read(row.get_ref(0)?.as_str().unwrap_or_default())?);
            }
            Ok(silences)
        };
        self.readers.read(all).await
    }
}
