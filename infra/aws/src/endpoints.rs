//! What is known of the endpoints: one partition, as all of it is wanted at once and there is little of it.

use async_trait::async_trait;
use domain::delivery::endpoint::Endpoint;
use domain::ports::{self, StoreError};

use crate::table::item::{content, number, record};
use crate::table::keys::{ENDPOINTS, REVISION};
use crate::table::{Put, Table, put};

/// The endpoints in the table.
#[derive(Clone, Debug)]
pub struct Endpoints {
    table: Table,
}

impl Endpoints {
    /// Over the table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

#[async_trait]
impl ports::Endpoints for Endpoints {
    async fn all(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.table.all(ENDPOINTS, "").await?.iter().map(content).collect()
    }

    async fn replace(&self, endpoint: &Endpoint) -> Result<bool, StoreError> {
        let mut item = record((ENDPOINTS.to_owned(), endpoint.transport.clone()), endpoint, None)?;
        item.insert(REVISION.to_owned(), number(endpoint.revision));
        let request = match endpoint.revision.checked_sub(1) {
            None => self.table.put_new(item),
            Some(before) => self
                .table
                .put_new(item)
                .condition_expression("rev = :before")
                .expression_attribute_values(":before", number(before)),
        };
        Ok(matches!(put(request).await?, Put::Done))
    }
}
