//! The DynamoDB table: its name, its client, and the operations on its items. The adapters decide what the items hold;
//! `keys` lists them.

mod batch_read;
mod days;
pub(crate) mod event_index;
mod event_walk;
pub(crate) mod expiries;
pub(crate) mod item;
pub(crate) mod keys;
mod shard_walk;
mod shards;
mod walk;
mod write;

pub(crate) use batch_read::BATCH_READ;
pub(crate) use event_walk::EventWalk;
pub(crate) use shard_walk::ShardWalk;
pub(crate) use shards::{DUE_PARTITIONS, DayShards};
pub(crate) use walk::Walk;
pub(crate) use write::{PutResult, Write, put, update, with_revision};

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ports::StoreError;
use tokio::sync::OnceCell;

use crate::describe::describe;
use days::MarkerCache;
use event_index::{EventIndexes, IndexedField};
use expiries::Archiving;
use item::{Item, text};
use shards::FirstShards;

/// The most concurrent requests of one call.
pub(crate) const CONCURRENCY: usize = 16;

/// The table and the client that reaches it.
#[derive(Clone, Debug)]
pub struct Table {
    client: Client,
    name: Arc<str>,
    configured_shards: u16,
    archiving: Archiving,
    first_shards: Arc<OnceCell<FirstShards>>,
    indexed: Arc<[IndexedField]>,
    indexes: Arc<OnceCell<EventIndexes>>,
    markers: Arc<MarkerCache>,
}

impl Table {
    /// The table of that name. Spreads each day that has no records yet over `configured_shards` partitions.
    pub fn new(client: Client, name: &str, configured_shards: u16) -> Self {
        let (name, first_shards, markers) = (name.into(), Arc::default(), Arc::default());
        let (indexed, indexes) = (Arc::default(), Arc::default());
        let archiving = Archiving::Off;
        Self { client, name, configured_shards, archiving, first_shards, indexed, indexes, markers }
    }

    /// The same table, with an index of events by each of these fields.
    pub fn with_event_indexes(self, fields: &[IndexedField]) -> Self {
        Self { indexed: fields.into(), ..self }
    }

    /// The same table, with events archived before they are deleted.
    pub fn with_archiving(self) -> Self {
        Self { archiving: Archiving::On, ..self }
    }

    pub(crate) fn archiving(&self) -> Archiving {
        self.archiving
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// An update of the item with that key, which creates it if it does not exist.
    pub(crate) fn update(&self, place: (String, String)) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(self.name()).set_key(Some(item::keys(place)))
    }

    /// Reads the item with that key, consistently.
    pub(crate) async fn get(&self, place: (String, String)) -> Result<Option<Item>, StoreError> {
        if !keys::is_possible(&place) {
            return Ok(None);
        }
        let request =
            self.client.get_item().table_name(self.name()).set_key(Some(item::keys(place))).consistent_read(true);
        let answer = request.send().await.map_err(|error| StoreError::store(describe(&error)))?;
        Ok(answer.item)
    }

    /// All items of a partition whose sort key begins with `prefix`, in order of the sort key.
    pub(crate) async fn all(&self, partition: &str, prefix: &str) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let mut request = self
                .client
                .query()
                .table_name(self.name())
                .expression_attribute_values(":pk", text(partition))
                .consistent_read(true)
                .set_exclusive_start_key(start);
            request = if prefix.is_empty() {
                request.key_condition_expression("pk = :pk")
            } else {
                request
                    .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                    .expression_attribute_values(":prefix", text(prefix))
            };
            let answer = request.send().await.map_err(|error| StoreError::store(describe(&error)))?;
            items.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Up to `limit` items of a partition between two sort keys (both inclusive), in descending order. Also returns
    /// where the next slice starts; `None` at the end.
    pub(crate) async fn slice(
        &self,
        partition: &str,
        (from, to): (&str, &str),
        limit: usize,
        start: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let answer = self
            .client
            .query()
            .table_name(self.name())
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", text(partition))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", AttributeValue::S(to.to_owned()))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| StoreError::store(describe(&error)))?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }
}
