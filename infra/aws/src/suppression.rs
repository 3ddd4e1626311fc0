//! What storm control remembers: each lane an item that is written on condition of its revision.

use async_trait::async_trait;
use domain::ports::{self, StoreError};
use domain::suppression::{Lane, LaneId};

use crate::table::item::{content, number, record};
use crate::table::keys::{self, REVISION};
use crate::table::{Put, Table, put};

/// Storm control's memory in the table.
#[derive(Clone, Debug)]
pub struct Suppression {
    table: Table,
}

impl Suppression {
    /// Over the table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

#[async_trait]
impl ports::Suppression for Suppression {
    async fn lane(&self, id: LaneId) -> Result<Option<Lane>, StoreError> {
        self.table.get(keys::lane(id)).await?.map(|item| content(&item)).transpose()
    }

    async fn put_lane(&self, id: LaneId, lane: &Lane) -> Result<bool, StoreError> {
        let mut item = record(keys::lane(id), lane, Some(lane.expires))?;
        item.insert(REVISION.to_owned(), number(lane.revision));
        let mut request = self.table.put_new(item);
        if let Some(before) = lane.revision.checked_sub(1) {
            request =
                request.condition_expression("rev = :before").expression_attribute_values(":before", number(before));
        }
        Ok(matches!(put(request).await?, Put::Done))
    }
}
