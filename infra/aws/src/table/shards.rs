//! How many shards there are. Where a record lies follows from it, so the table keeps the number that it was begun
//! with, and that one holds whatever is configured later.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::ports::StoreError;

use super::Table;
use super::item::number;
use super::keys;
use crate::describe::describe;
use crate::settings::SHARDS;

impl Table {
    /// The number of shards, asked for once.
    pub(crate) async fn shards(&self) -> Result<u16, StoreError> {
        self.shards.get_or_try_init(|| self.begun_with()).await.copied()
    }

    async fn begun_with(&self) -> Result<u16, StoreError> {
        let configured = self.configured_shards;
        let request = self
            .update(keys::shards())
            .update_expression("SET shards = if_not_exists(shards, :configured)")
            .expression_attribute_values(":configured", number(configured))
            .return_values(ReturnValue::AllNew);
        let answer = request.send().await.map_err(|error| StoreError::store(describe(&error)))?;
        let kept = match answer.attributes().and_then(|item| item.get("shards")) {
            Some(AttributeValue::N(digits)) => digits.parse().ok(),
            _ => None,
        };
        let kept = kept.ok_or_else(|| StoreError::Corrupt("the number of shards is none".to_owned()))?;
        if kept != configured {
            tracing::warn!(configured, kept, "{SHARDS} has changed, but the table keeps the shards it was begun with");
        }
        Ok(kept)
    }
}
