//! The one table: its name, its client, and the few ways it is written and read. What lies in it is
//! the adapters' concern.

mod days;
pub(crate) mod expiries;
pub(crate) mod item;
pub(crate) mod keys;
mod shards;
mod walk;
mod write;

pub(crate) use walk::Walk;
pub(crate) use write::{Put, Write, put};

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ports::StoreError;
use tokio::sync::OnceCell;

use crate::describe::describe;
use days::Marked;
use expiries::Leaving;
use item::{Item, keys, text};

/// How many requests one call has under way at once.
pub(crate) const AT_ONCE: usize = 16;

/// The table and the client that reaches it.
#[derive(Clone, Debug)]
pub struct Table {
    client: Client,
    name: Arc<str>,
    configured_shards: u16,
    leaving: Leaving,
    shards: Arc<OnceCell<u16>>,
    marked: Arc<Marked>,
}

impl Table {
    /// The table of that name, its days spread over so many partitions unless it was begun with others.
    pub fn new(client: Client, name: &str, configured_shards: u16) -> Self {
        let (name, shards, marked) = (name.into(), Arc::default(), Arc::default());
        Self { client, name, configured_shards, leaving: Leaving::Unseen, shards, marked }
    }

    /// The same, its events being archived before they leave it.
    pub fn archived(self) -> Self {
        Self { leaving: Leaving::Archived, ..self }
    }

    pub(crate) fn leaving(&self) -> Leaving {
        self.leaving
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// An update of the item at that place, which makes it where there is none.
    pub(crate) fn update(&self, place: (String, String)) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(self.name()).set_key(Some(keys(place)))
    }

    /// The item at that place, as last written.
    pub(crate) async fn get(&self, place: (String, String)) -> Result<Option<Item>, StoreError> {
        let request = self.client.get_item().table_name(self.name()).set_key(Some(keys(place))).consistent_read(true);
        let answer = request.send().await.map_err(|error| StoreError::store(describe(&error)))?;
        Ok(answer.item)
    }

    /// All items of a partition whose sort key begins so, in order.
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

    /// Up to `limit` items of a partition between two sort keys (both inclusive), from the last one back.
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
