//! Writes to the table: unconditional ones, in batches; conditional ones; and compare-and-swap by revision.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{DeleteRequest, PutRequest, ReturnValuesOnConditionCheckFailure, WriteRequest};
use domain::ports::StoreError;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::item::{Item, number};
use super::keys::REVISION;
use super::{CONCURRENCY, Table};
use crate::describe::describe;

/// The most items in one batch write.
const BATCH: usize = 25;

/// Delays before the unprocessed items of a batch, written or read, are sent again.
pub(super) const RETRY_DELAYS: [Duration; 5] = [
    Duration::from_millis(25),
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_millis(900),
    Duration::from_secs(2),
];

/// One write of a batch. A batch must not contain two writes of the same key.
pub(crate) enum Write {
    Put(Item),
    Delete(Item),
}

impl Table {
    /// Makes all writes, unconditionally and in no order.
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
        stream::iter(batches).buffer_unordered(CONCURRENCY).try_collect().await
    }

    async fn write_batch(&self, mut requests: Vec<WriteRequest>) -> Result<(), StoreError> {
        for wait in RETRY_DELAYS.iter().map(Some).chain([None]) {
            let answer = self.client().batch_write_item().request_items(self.name(), requests).send().await;
            let answer = answer.map_err(|error| StoreError::store(describe(&error)))?;
            requests = answer.unprocessed_items.and_then(|mut left| left.remove(self.name())).unwrap_or_default();
            match wait {
                _ if requests.is_empty() => return Ok(()),
                Some(wait) => tokio::time::sleep(*wait).await,
                None => {}
            }
        }
        Err(StoreError::store(format_args!("{} writes were throttled on every attempt", requests.len())))
    }

    /// A put that fails if the key exists.
    pub(crate) fn put_new(&self, item: Item) -> PutItemFluentBuilder {
        self.client()
            .put_item()
            .table_name(self.name())
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
    }

    /// Puts the item, replacing one of the same key.
    pub(crate) async fn overwrite(&self, item: Item) -> Result<(), StoreError> {
        let request = self.client().put_item().table_name(self.name()).set_item(Some(item));
        request.send().await.map(drop).map_err(|error| StoreError::store(describe(&error)))
    }

    /// Puts an item of this revision: as a new one if the revision is 0, else on condition that the stored revision is
    /// the one before. False if another writer was first: then nothing changed.
    ///
    /// The revision detects concurrent changes of one item: a writer reads the item, and writes it back
    /// with the next revision.
    pub(crate) async fn compare_and_swap(&self, item: Item, revision: u64) -> Result<bool, StoreError> {
        if revision == 0 {
            return Ok(matches!(put(self.put_new(with_revision(item, 0))).await?, PutResult::Done));
        }
        self.replace(item, revision).await
    }

    /// Like [`compare_and_swap`](Self::compare_and_swap), but never puts a new item.
    pub(crate) async fn replace(&self, item: Item, revision: u64) -> Result<bool, StoreError> {
        // No item has the revision -1, which is before the first one.
        let before = i128::from(revision) - 1;
        let request = self
            .put_new(with_revision(item, revision))
            .condition_expression(format!("{REVISION} = :before"))
            .expression_attribute_values(":before", number(before));
        Ok(matches!(put(request).await?, PutResult::Done))
    }
}

/// The item with its revision as an attribute, which conditions can compare.
pub(crate) fn with_revision(mut item: Item, revision: u64) -> Item {
    item.insert(REVISION.to_owned(), number(revision));
    item
}

/// Sends a conditional update; false if its condition did not hold.
pub(crate) async fn update(request: UpdateItemFluentBuilder) -> Result<bool, StoreError> {
    match request.send().await {
        Ok(_) => Ok(true),
        Err(SdkError::ServiceError(context)) if context.err().is_conditional_check_failed_exception() => Ok(false),
        Err(error) => Err(StoreError::store(describe(&error))),
    }
}

/// The result of a conditional put.
pub(crate) enum PutResult {
    Done,
    /// The condition did not hold. With the stored item, if there is one.
    Refused(Option<Item>),
}

/// Sends a conditional put.
pub(crate) async fn put(request: PutItemFluentBuilder) -> Result<PutResult, StoreError> {
    let request = request.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    match request.send().await {
        Ok(_) => Ok(PutResult::Done),
        Err(SdkError::ServiceError(context)) if context.err().is_conditional_check_failed_exception() => {
            match context.into_err() {
                PutItemError::ConditionalCheckFailedException(failed) => Ok(PutResult::Refused(failed.item)),
                error => Err(StoreError::store(error)),
            }
        }
        Err(error) => Err(StoreError::store(describe(&error))),
    }
}
