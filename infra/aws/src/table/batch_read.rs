//! Reads several items in one request.

use aws_sdk_dynamodb::types::KeysAndAttributes;
use domain::ports::StoreError;

use super::Table;
use super::item::Item;
use super::write::RETRY_DELAYS;
use crate::describe::describe;

/// The most keys in one batch read.
pub(crate) const BATCH_READ: usize = 100;

impl Table {
    /// The existing items of up to [`BATCH_READ`] distinct keys, in any order. Asks again for keys that DynamoDB leaves
    /// unprocessed, which it does when it throttles: later each time, and not for ever.
    pub(crate) async fn read_batch(&self, all: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let (mut items, mut left) = (Vec::with_capacity(all.len()), all);
        let mut delays = RETRY_DELAYS.iter();
        loop {
            let keys = KeysAndAttributes::builder().set_keys(Some(left)).consistent_read(true).build();
            let request = self.client().batch_get_item();
            let request = request.request_items(self.name(), keys.map_err(StoreError::store)?);
            let answer = request.send().await.map_err(|error| StoreError::store(describe(&error)))?;
            let found = answer.responses.and_then(|mut tables| tables.remove(self.name())).unwrap_or_default();
            let unprocessed = answer.unprocessed_keys.and_then(|mut tables| tables.remove(self.name()));
            left = unprocessed.map(|unprocessed| unprocessed.keys).unwrap_or_default();
            if !found.is_empty() {
                delays = RETRY_DELAYS.iter();
            }
            items.extend(found);
            if left.is_empty() {
                return Ok(items);
            }
            let Some(delay) = delays.next() else {
                return Err(StoreError::store(format_args!("{} reads were throttled on every attempt", left.len())));
            };
            tokio::time::sleep(*delay).await;
        }
    }
}
