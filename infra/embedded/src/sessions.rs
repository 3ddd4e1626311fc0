//! Browser sessions, by the SHA-256 hashes of their secrets.

use async_trait::async_trait;
use domain::Timestamp;
use domain::access::session::Session;
use domain::access::token::TokenHash;
use domain::ports::{Sessions, StoreError};
use rusqlite::{Connection, params};

use crate::Store;
use crate::record;

#[async_trait]
impl Sessions for Store {
    async fn begin(&self, session: &Session) -> Result<(), StoreError> {
        let (hash, expires, body) = (session.hash, session.expires.as_microsecond(), record::write(session)?);
        let put = move |connection: &Connection| {
            let sql = "INSERT OR REPLACE INTO sessions (hash, expires, body) VALUES (?1, ?2, ?3)";
            Ok(connection.prepare_cached(sql)?.execute(params![hash.0, expires, body]).map(drop)?)
        };
        self.writer.write(put).await
    }

    async fn find(&self, hash: &TokenHash, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let hash = *hash;
        let find = move |connection: &Connection| {
            let sql = "SELECT body FROM sessions WHERE hash = ?1 AND expires > ?2";
            record::select_one(connection, sql, params![hash.0, now.as_microsecond()])
        };
        self.readers.read(find).await
    }

    async fn end(&self, hash: &TokenHash, _: Timestamp) -> Result<(), StoreError> {
        let hash = *hash;
        let delete = move |connection: &Connection| {
            Ok(connection.prepare_cached("DELETE FROM sessions WHERE hash = ?1")?.execute([hash.0]).map(drop)?)
        };
        self.writer.write(delete).await
    }
}
