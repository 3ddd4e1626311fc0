//! What is known of the endpoints. A record is changed only by whoever read its last revision.

use async_trait::async_trait;
use domain::delivery::endpoint::Endpoint;
use domain::ports::{Endpoints, StoreError};
use rusqlite::{Connection, params};

use crate::Store;
use crate::fault::Fault;
use crate::record;

#[async_trait]
impl Endpoints for Store {
    async fn all(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.readers.read(all).await
    }

    async fn replace(&self, endpoint: &Endpoint) -> Result<bool, StoreError> {
        let endpoint = endpoint.clone();
        self.writer.write(move |connection| replace(connection, &endpoint)).await
    }
}

fn all(connection: &Connection) -> Result<Vec<Endpoint>, Fault> {
    let mut select = connection.prepare_cached("SELECT body FROM endpoints ORDER BY transport")?;
    let bodies = select.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    bodies.iter().map(|body| record::read(body)).collect()
}

fn replace(connection: &Connection, endpoint: &Endpoint) -> Result<bool, Fault> {
    let body = record::write(endpoint)?;
    let revision = i64::try_from(endpoint.revision).unwrap_or(i64::MAX);
    let sql = if revision == 0 {
        "INSERT INTO endpoints (transport, revision, body) VALUES (?1, ?2, ?3) ON CONFLICT (transport) DO NOTHING"
    } else {
        "UPDATE endpoints SET revision = ?2, body = ?3 WHERE transport = ?1 AND revision = ?2 - 1"
    };
    Ok(connection.prepare_cached(sql)?.execute(params![endpoint.transport, revision, body])? > 0)
}
