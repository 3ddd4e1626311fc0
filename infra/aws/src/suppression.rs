//! What storm control remembers: each lane an item that is written on condition of its revision, and what digests
//! collect, a batch an item.

use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::delivery::DeliveryId;
use domain::ports::{self, StoreError};
use domain::suppression::{SuppressionKey, SuppressionRecord};
use domain::{EventPk, Timestamp};
use sha2::{Digest, Sha256};

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
    async fn get(&self, id: SuppressionKey) -> Result<Option<SuppressionRecord>, StoreError> {
        self.table.get(keys::lane(id)).await?.map(|item| content(&item)).transpose()
    }

    async fn put(&self, id: SuppressionKey, lane: &SuppressionRecord) -> Result<bool, StoreError> {
        let mut item = record(keys::lane(id), lane, Some(lane.expires))?;
        item.insert(REVISION.to_owned(), number(lane.revision));
        let mut request = self.table.put_new(item);
        if let Some(before) = lane.revision.checked_sub(1) {
            request =
                request.condition_expression("rev = :before").expression_attribute_values(":before", number(before));
        }
        Ok(matches!(put(request).await?, Put::Done))
    }

    async fn collect(&self, carrier: DeliveryId, events: &[EventPk], expires: Timestamp) -> Result<bool, StoreError> {
        // Batches of one content have one place, so that collecting them again changes nothing.
        for batch in events.chunks(BATCH) {
            let mut hash = Sha256::new();
            for event in batch {
                hash.update(event.as_bytes());
            }
            let place = keys::collected(carrier, &hash.finalize().into());
            put(self.table.put_new(record(place, batch, Some(expires))?)).await?;
        }
        // Whoever closes it marks it first and reads then: if there is no mark now, they will read these.
        Ok(self.table.get(keys::closed(carrier)).await?.is_none())
    }

    async fn close(&self, carrier: DeliveryId, expires: Timestamp) -> Result<Vec<EventPk>, StoreError> {
        let (partition, mark) = keys::closed(carrier);
        put(self.table.put_new(record((partition.clone(), mark), NOTHING, Some(expires))?)).await?;
        let batches = self.table.all(&partition, "").await?;
        let batches = batches.iter().map(content::<Vec<EventPk>>).collect::<Result<Vec<_>, _>>()?;
        // Two batches may share some.
        Ok(batches.into_iter().flatten().collect::<BTreeSet<_>>().into_iter().collect())
    }
}

/// Events to an item: with their keys less than what one write unit holds.
const BATCH: usize = 40;

/// What the mark of a closed one holds.
const NOTHING: &[EventPk] = &[];
