//! The states of the endpoints: one small partition, which is always read as a whole.

use async_trait::async_trait;
use domain::delivery::endpoint::Endpoint;
use domain::ports::{self, StoreError};

use crate::table::Table;
use crate::table::item::{readable_contents, record};
use crate::table::keys::ENDPOINTS;

/// The endpoints in the table.
#[derive(Clone, Debug)]
pub struct DynamoEndpoints {
    table: Table,
}

impl DynamoEndpoints {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

#[async_trait]
impl ports::Endpoints for DynamoEndpoints {
    async fn all(&self) -> Result<Vec<Endpoint>, StoreError> {
        Ok(readable_contents(&self.table.all(ENDPOINTS, "").await?))
    }

    async fn replace(&self, endpoint: &Endpoint) -> Result<bool, StoreError> {
        let item = record((ENDPOINTS.to_owned(), endpoint.transport.clone()), endpoint, None)?;
        self.table.compare_and_swap(item, endpoint.revision).await
    }
}
