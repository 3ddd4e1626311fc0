//! The states of the endpoints, by transport. Every write is a compare-and-swap by revision.

use async_trait::async_trait;
use domain::delivery::endpoint::Endpoint;
use domain::ports::{Endpoints, StoreError};
use rusqlite::Connection;

use crate::Store;
use crate::fault::Fault;
use crate::record;
use crate::versioned_table::{VersionedRow, VersionedTable};

const ENDPOINTS: VersionedTable = VersionedTable { name: "endpoints", key: "transport", columns: &["body"] };

#[async_trait]
impl Endpoints for Store {
    async fn all(&self) -> Result<Vec<Endpoint>, StoreError> {
        let sql = "SELECT body FROM endpoints ORDER BY transport";
        self.readers.read(move |connection| record::select_readable(connection, "endpoint", sql, [])).await
    }

    async fn replace(&self, endpoint: &Endpoint) -> Result<bool, StoreError> {
        let endpoint = endpoint.clone();
        self.writer.write(move |connection| replace(connection, &endpoint)).await
    }
}

fn replace(connection: &Connection, endpoint: &Endpoint) -> Result<bool, Fault> {
    let body = record::write(endpoint)?;
    let row = VersionedRow { key: &endpoint.transport, revision: endpoint.revision, values: &[&body] };
    ENDPOINTS.compare_and_swap(connection, &row)
}
