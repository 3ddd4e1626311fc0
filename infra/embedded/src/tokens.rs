//! The tokens, by their hashes. Their texts never come here.

use async_trait::async_trait;
use domain::Timestamp;
use domain::access::token::{Token, TokenHash};
use domain::ports::{StoreError, Tokens};
use rusqlite::{Connection, OptionalExtension as _, Params, params};

use crate::Store;
use crate::fault::Fault;
use crate::record;

#[async_trait]
impl Tokens for Store {
    async fn put(&self, token: &Token) -> Result<(), StoreError> {
        let token = token.clone();
        self.writer.write(move |connection| put(connection, &token)).await
    }

    async fn find(&self, hash: &TokenHash) -> Result<Option<Token>, StoreError> {
        let hash = *hash;
        let find = move |connection: &Connection| {
            let mut select = connection.prepare_cached("SELECT body FROM tokens WHERE hash = ?1")?;
            let body: Option<String> = select.query_row([hash.0], |row| row.get(0)).optional()?;
            body.map(|body| record::read(&body)).transpose()
        };
        self.readers.read(find).await
    }

    async fn list(&self) -> Result<Vec<Token>, StoreError> {
        let list = |connection: &Connection| select(connection, "SELECT body FROM tokens ORDER BY created, id", []);
        self.readers.read(list).await
    }

    async fn revoke(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let id = id.to_owned();
        let revoke = move |connection: &Connection| {
            let named = select(connection, "SELECT body FROM tokens WHERE id = ?1", [&id])?;
            for token in named.iter().filter(|token| token.revoked.is_none()) {
                put(connection, &Token { revoked: Some(domain::time::to_micros(now)), ..token.clone() })?;
            }
            Ok(!named.is_empty())
        };
        self.writer.write(revoke).await
    }

    async fn used(&self, hash: &TokenHash, now: Timestamp) -> Result<(), StoreError> {
        let hash = *hash;
        let note = move |connection: &Connection| {
            let found = select(connection, "SELECT body FROM tokens WHERE hash = ?1", [hash.0])?;
            found.into_iter().try_for_each(|token| {
                put(connection, &Token { last_used: Some(domain::time::to_micros(now)), ..token })
            })
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

fn select(connection: &Connection, sql: &str, params: impl Params) -> Result<Vec<Token>, Fault> {
    let mut select = connection.prepare_cached(sql)?;
    let bodies = select.query_map(params, |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    bodies.iter().map(|body| record::read(body)).collect()
}
