//! The number of shards. A record's key depends on it, so the table stores the number that it was created with. A
//! number configured later has no effect.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::ports::StoreError;

use super::Table;
use super::item::number;
use super::keys;
use crate::describe::describe;
use crate::settings::SHARDS;

impl Table {
    /// The number of shards, read from the table once per process.
    pub(crate) async fn shards(&self) -> Result<u16, StoreError> {
        self.shards.get_or_try_init(|| self.stored_shards()).await.copied()
    }

    async fn stored_shards(&self) -> Result<u16, StoreError> {
        let configured = self.configured_shards;
        let request = self
            .update(keys::shards())
            .update_expression("SET shards = if_not_exists(shards, :configured)")
            .expression_attribute_values(":configured", number(configured))
            .return_values(ReturnValue::AllNew);
        let answer = request.send().await.map_err(|error| StoreError::store(describe(&error)))?;
        let stored = match answer.attributes().and_then(|item| item.get("shards")) {
            Some(AttributeValue::N(digits)) => digits.parse().ok(),
            _ => None,
        };
        let stored =
            stored.ok_or_else(|| StoreError::Corrupt("the stored number of shards is not a number".to_owned()))?;
        if stored != configured {
            tracing::warn!(
                configured,
                stored,
                "{SHARDS} has changed, but the table keeps the number of shards that it was created with"
            );
        }
        Ok(stored)
    }
}
