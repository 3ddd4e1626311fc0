//! Deletes records before they expire.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::ReturnValue;
use domain::delivery::DeliveryId;
use domain::detection::GroupId;
use domain::event::EventPk;
use domain::ports::{self, StoreError};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::describe::describe;
use crate::keeping;
use crate::table::event_index::entries;
use crate::table::item::readable;
use crate::table::keys::{self, RecordKind, inboxes};
use crate::table::{BATCH_READ, CONCURRENCY, DayShards, Table, item};

/// Deletes from the table.
#[derive(Clone, Debug)]
pub struct DynamoErasure {
    table: Table,
}

impl DynamoErasure {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Deletes what the indexes have of these events. An index that is off may still have entries.
    async fn erase_entries(&self, pks: &[EventPk], days: &DayShards) -> Result<(), StoreError> {
        let written = &self.table.indexes().await?.written;
        if written.is_empty() {
            return Ok(());
        }
        let places: Vec<_> = pks.iter().filter_map(|pk| days.event(*pk)).map(item::keys).collect();
        for some in places.chunks(BATCH_READ) {
            let items = self.table.read_batch(some.to_vec()).await?;
            let events = items.iter().filter_map(|item| readable(item, keeping::event(item)));
            let keys = events.filter_map(|event| Some(entries(&event, days.shard(event.pk)?, written)));
            self.erase(keys.flatten().collect()).await?;
        }
        Ok(())
    }

    async fn erase(&self, keys: Vec<(String, String)>) -> Result<usize, StoreError> {
        let deletes = keys.into_iter().map(|key| async {
            let request =
                self.table.client().delete_item().table_name(self.table.name()).set_key(Some(item::keys(key)));
            let answer = request.return_values(ReturnValue::AllOld).send().await;
            let answer = answer.map_err(|error| StoreError::store(describe(&error)))?;
            Ok(usize::from(answer.attributes.is_some_and(|there| !there.is_empty())))
        });
        let erased: Vec<usize> =
            stream::iter(deletes.collect::<Vec<_>>()).buffer_unordered(CONCURRENCY).try_collect().await?;
        Ok(erased.iter().sum())
    }
}

#[async_trait]
impl ports::Erasure for DynamoErasure {
    async fn erase_events(&self, pks: &[EventPk]) -> Result<usize, StoreError> {
        let days = self.table.day_shards(RecordKind::Events, pks.iter().copied()).await?;
        self.erase_entries(pks, &days).await?;
        self.erase(pks.iter().filter_map(|pk| days.event(*pk)).collect()).await
    }

    async fn erase_deliveries(&self, ids: &[DeliveryId]) -> Result<usize, StoreError> {
        let days = self.table.day_shards(RecordKind::Deliveries, ids.iter().map(DeliveryId::event)).await?;
        self.erase(ids.iter().filter_map(|id| days.delivery(*id)).collect()).await
    }

    async fn erase_groups(&self, ids: &[GroupId]) -> Result<usize, StoreError> {
        self.erase(ids.iter().copied().map(keys::group).collect()).await
    }

    async fn erase_inbox(&self, username: &str, pks: &[String]) -> Result<usize, StoreError> {
        let partitions = inboxes(username);
        let keys = partitions.iter().flat_map(|partition| pks.iter().map(move |pk| (partition.clone(), pk.clone())));
        self.erase(keys.collect()).await
    }
}
