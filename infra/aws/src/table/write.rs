//! Writes: many at once, or one on condition.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::{DeleteRequest, PutRequest, ReturnValuesOnConditionCheckFailure, WriteRequest};
use domain::ports::StoreError;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::item::{Item, number};
use super::keys::TTL;
use super::{AT_ONCE, Table};
use crate::describe::describe;

/// The most a batch write takes.
const BATCH: usize = 25;

/// Waits before what a batch left over is sent again.
const WAITS: [Duration; 5] = [
    Duration::from_millis(25),
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_millis(900),
    Duration::from_secs(2),
];

/// One write of a batch; no two of a batch may name the same place.
pub(crate) enum Write {
    Put(Item),
    Delete(Item),
}

impl Table {
    /// Writes all, unconditionally.
    pub(crate) async fn write_all(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let mut requests = Vec::with_capacity(writes.len());
        for write in writes {
            let request = WriteRequest::builder();
            let request = match write {
                Write::Put(item) => {
                    PutRequest::builder().set_item(Some(item)).build().map(|put| request.put_request(put))
                }
                Write::Delete(key) => {
                    DeleteRequest::builder().set_key(Some(key)).build().map(|delete| request.delete_request(delete))
                }
            };
            requests.push(request.map_err(StoreError::store)?.build());
        }
        let batches: Vec<_> = requests.chunks(BATCH).map(|batch| self.write_batch(batch.to_vec())).collect();
        stream::iter(batches).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn write_batch(&self, mut requests: Vec<WriteRequest>) -> Result<(), StoreError> {
        for wait in WAITS.iter().map(Some).chain([None]) {
            let answer = self.client().batch_write_item().request_items(self.name(), requests).send().await;
            let answer = answer.map_err(|error| StoreError::store(describe(&error)))?;
            requests = answer.unprocessed_items.and_then(|mut left| left.remove(self.name())).unwrap_or_default();
            match wait {
                _ if requests.is_empty() => return Ok(()),
                Some(wait) => tokio::time::sleep(*wait).await,
                None => {}
            }
        }
        Err(StoreError::store(format_args!("{} writes were throttled again and again", requests.len())))
    }

    /// Deletes the item unless it was given a longer life since.
    pub(crate) async fn delete_expired(&self, key: Item, now: i64) -> Result<usize, StoreError> {
        let request = self
            .client()
            .delete_item()
            .table_name(self.name())
            .set_key(Some(key))
            .condition_expression("#ttl <= :now")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":now", number(now));
        match request.send().await {
            Ok(_) => Ok(1),
            Err(SdkError::ServiceError(context)) if context.err().is_conditional_check_failed_exception() => Ok(0),
            Err(error) => Err(StoreError::store(describe(&error))),
        }
    }

    /// A put that leaves an item of the same keys as it is.
    pub(crate) fn put_new(&self, item: Item) -> PutItemFluentBuilder {
        self.client()
            .put_item()
            .table_name(self.name())
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
    }
}

/// What became of a conditional put.
pub(crate) enum Put {
    Done,
    /// The condition did not hold; the item that is there, where it was asked for.
    Refused(Option<Item>),
}

/// Sends a conditional put; `Refused` holds the item that is there.
pub(crate) async fn put(request: PutItemFluentBuilder) -> Result<Put, StoreError> {
    let request = request.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    match request.send().await {
        Ok(_) => Ok(Put::Done),
        Err(SdkError::ServiceError(context)) if context.err().is_conditional_check_failed_exception() => {
            match context.into_err() {
                PutItemError::ConditionalCheckFailedException(failed) => Ok(Put::Refused(failed.item)),
                error => Err(StoreError::store(error)),
            }
        }
        Err(error) => Err(StoreError::store(describe(&error))),
    }
}
