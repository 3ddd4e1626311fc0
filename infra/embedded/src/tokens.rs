//! API tokens, by their SHA-256 hashes. The tokens' texts are never stored.

use async_trait::async_trait;
use domain::Timestamp;
use domain::access::token::{Token, TokenHash};
use domain::ports::{StoreError, Tokens};
use rusqlite::{Connection, params};

use crate::Store;
use crate::fault::Fault;
use crate::record;

const BY_HASH: &str = "SELECT body FROM tokens WHERE hash = ?1";

#[async_trait]
impl Tokens for Store {
    async fn put(&self, token: &Token) -> Result<(), StoreError> {
        let token = token.clone();
        self.writer.write_with_reserve(move |connection: &Connection| put(connection, &token)).await
    }

    async fn find(&self, hash: &TokenHash) -> Result<Option<Token>, StoreError> {
        let hash = *hash;
        self.readers.read(move |connection| record::select_one(connection, BY_HASH, [hash.0])).await
    }

    async fn list(&self) -> Result<Vec<Token>, StoreError> {
        let sql = "SELECT body FROM tokens ORDER BY created, id";
        self.readers.read(move |connection| record::select_readable(connection, "token", sql, [])).await
    }

    async fn revoke(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let id = id.to_owned();
        let revoke = move |connection: &Connection| {
            let sql = "SELECT body FROM tokens WHERE id = ?1";
            let named: Vec<Token> = record::select_readable(connection, "token", sql, [&id])?;
            for token in named.iter().filter(|token| token.revoked.is_none()) {
                put(connection, &Token { revoked: Some(domain::time::to_micros(now)), ..token.clone() })?;
            }
            Ok(!named.is_empty())
        };
        self.writer.write_with_reserve(revoke).await
    }

    async fn used(&self, hash: &TokenHash, now: Timestamp) -> Result<(), StoreError> {
        let hash = *hash;
        let note = move |connection: &Connection| match record::select_one(connection, BY_HASH, [hash.0])? {
            Some(token) => put(connection, &Token { last_used: Some(domain::time::to_micros(now)), ..token }),
            None => Ok(()),
        };
        self.writer.write(note).await
    }
}

fn put(connection: &Connection, token: &Token) -> Result<(), Fault> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO tokens (hash, id, created, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![token.hash.0, token.id, token.created.as_microsecond(), record::write(token)?])?;
    Ok(())
}
