//! Up to when all hours are counted, and how far the next hour is: one item of the table.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use domain::ports::StoreError;

use super::progress::{HourProgress, integer, stored_progress, unchanged};
use crate::codec;
use crate::table::item::number;
use crate::table::keys::{self, BODY, REVISION};
use crate::table::{Table, update};

const UNTIL: &str = "until";

/// Up to when all hours are counted, and how far the next one is.
pub(super) struct ClosingCursor {
    pub(super) until: Timestamp,
    pub(super) progress: Option<HourProgress>,
    /// `None` if the item was written by a version that did not count in parts, or does not exist.
    revision: Option<i64>,
}

impl ClosingCursor {
    pub(super) async fn read(table: &Table) -> Result<Self, StoreError> {
        let Some(item) = table.get(keys::counted()).await? else {
            return Ok(Self { until: Timestamp::UNIX_EPOCH, progress: None, revision: None });
        };
        let until = Timestamp::from_second(integer(&item, UNTIL)?)
            .map_err(|_| StoreError::Corrupt("the time up to which hours are counted is not valid".to_owned()))?;
        Ok(Self { until, progress: stored_progress(&item), revision: integer(&item, REVISION).ok() })
    }

    /// Stores the cursor with this progress, unless another process has written it since it was read.
    pub(super) async fn write(&self, table: &Table, progress: Option<&HourProgress>) -> Result<(), StoreError> {
        let request = table
            .update(keys::counted())
            .condition_expression(unchanged(self.revision, ""))
            .expression_attribute_names("#until", UNTIL)
            .expression_attribute_names("#body", BODY)
            .expression_attribute_names("#rev", REVISION)
            .expression_attribute_values(":until", number(self.until.as_second()))
            .expression_attribute_values(":rev", number(self.revision.unwrap_or(0) + 1));
        let request = match progress {
            Some(progress) => request
                .update_expression("SET #until = :until, #rev = :rev, #body = :body")
                .expression_attribute_values(":body", AttributeValue::B(Blob::new(codec::to_stored(progress)?))),
            None => request.update_expression("SET #until = :until, #rev = :rev REMOVE #body"),
        };
        let request = match self.revision {
            Some(revision) => request.expression_attribute_values(":before", number(revision)),
            None => request,
        };
        update(request).await.map(drop)
    }
}
