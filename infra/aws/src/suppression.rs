//! The state of storm control, one item per throttle, mute or digest, written by compare-and-swap; and the events that
//! digests collect, one item per batch.

use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::delivery::DeliveryId;
use domain::ports::{self, StoreError};
use domain::suppression::{SuppressionKey, SuppressionRecord};
use domain::{EventPk, Timestamp};
use sha2::{Digest, Sha256};

use crate::table::item::{content, readable_contents, record};
use crate::table::{Table, keys, put};

/// The state of storm control in the table.
#[derive(Clone, Debug)]
pub struct DynamoSuppression {
    table: Table,
}

impl DynamoSuppression {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

#[async_trait]
impl ports::Suppression for DynamoSuppression {
    async fn get(&self, id: SuppressionKey) -> Result<Option<SuppressionRecord>, StoreError> {
        self.table.get(keys::suppression(id)).await?.map(|item| content(&item)).transpose()
    }

    async fn put(&self, id: SuppressionKey, suppression: &SuppressionRecord) -> Result<bool, StoreError> {
        let item = record(keys::suppression(id), suppression, Some(suppression.expires))?;
        self.table.compare_and_swap(item, suppression.revision).await
    }

    async fn collect(&self, carrier: DeliveryId, events: &[EventPk], expires: Timestamp) -> Result<bool, StoreError> {
        // A batch's key is a hash of its content, so that collecting it again changes nothing.
        for batch in events.chunks(BATCH) {
            let mut hash = Sha256::new();
            for event in batch {
                hash.update(event.as_bytes());
            }
            let key = keys::collected(carrier, &hash.finalize().into());
            put(self.table.put_new(record(key, batch, Some(expires))?)).await?;
        }
        // Closing a digest first writes the mark and then reads the batches: without a mark now, it will read these.
        Ok(self.table.get(keys::closed(carrier)).await?.is_none())
    }

    async fn close(&self, carrier: DeliveryId, expires: Timestamp) -> Result<Vec<EventPk>, StoreError> {
        let (partition, mark) = keys::closed(carrier);
        put(self.table.put_new(record((partition.clone(), mark), NOTHING, Some(expires))?)).await?;
        let batches = self.table.all(&partition, "").await?;
        // Batches may overlap.
        Ok(readable_contents::<Vec<EventPk>>(&batches)
            .into_iter()
            .flatten()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect())
    }
}

/// Events per item: less than one write unit holds.
const BATCH: usize = 40;

/// The body of the mark of a closed digest.
const NOTHING: &[EventPk] = &[];
