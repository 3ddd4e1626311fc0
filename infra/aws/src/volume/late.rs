//! Late marks: the hours for which an event was stored after they were closed, or shortly before. They are counted
//! again.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::event::EventPk;
use domain::ports::{RollUp, StoreError};
use domain::query::volume::{HOUR, hour_of};
use domain::{Timestamp, time};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::SignedDuration;

use super::progress::{CountedPart, HourProgress, integer, stored_progress, unchanged};
use super::{DynamoVolume, log_unreadable};
use crate::codec;
use crate::describe::describe;
use crate::table::item::{self, Item, number, string};
use crate::table::keys::{BODY, LATE, REVISION, SK};
use crate::table::{CONCURRENCY, Table, update};

/// How long after the hour's end an event is late. The time until an hour is closed is longer than storing takes, and
/// than clocks differ.
const LATE_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// How old a late mark must be: by then its event is stored, or storing it has failed.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// The most late hours that one roll-up counts again.
const MAX_RECOUNTS: usize = 50;

const MARKED: &str = "marked";
/// The attribute of a late mark with the time of the mark for which counting has begun.
const BEGUN_FOR: &str = "begun_for";

/// Writes late marks for the hours of late events. Call it before storing the events.
pub(crate) async fn mark_late(
    table: &Table,
    events: impl Iterator<Item = EventPk>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let on_time = time::later(now, -(HOUR + LATE_AFTER));
    let mut late: Vec<_> = events.map(hour_of).filter(|hour| *hour < on_time).collect();
    late.sort_unstable();
    late.dedup();
    let marks = late.into_iter().map(|hour| {
        let mark = table.update((LATE.to_owned(), hour.as_second().to_string()));
        update(
            mark.update_expression("SET marked = :now")
                .expression_attribute_values(":now", number(now.as_millisecond())),
        )
    });
    stream::iter(marks.collect::<Vec<_>>()).buffer_unordered(CONCURRENCY).try_for_each(async |_| Ok(())).await
}

impl DynamoVolume {
    /// Counts hours with late marks again, or a part of one.
    pub(super) async fn recount(&self, now: Timestamp) -> Result<RollUp, StoreError> {
        let settled = time::later(now, -SETTLED_AFTER).as_millisecond();
        let (mut total, mut recounts) = (RollUp::default(), 0);
        for item in self.table.all(LATE, "").await? {
            let mark = match LateMark::read(&item) {
                Ok(mark) => mark,
                Err(error) => {
                    tracing::error!(mark = string(&item, SK).unwrap_or_default(), %error, "a late mark cannot be read; its hour is not counted again");
                    continue;
                }
            };
            // An hour that is being counted goes on, whatever has marked it meanwhile: else it might never end.
            if mark.progress.is_none() && mark.marked > settled {
                continue;
            }
            if recounts == MAX_RECOUNTS || total.events >= self.limits.part {
                return Ok(RollUp { has_more: true, ..total });
            }
            let (part, is_counted) = self.recount_one(mark).await?;
            total.events += part.examined;
            total.unreadable += part.unreadable;
            total.has_more |= !is_counted;
            recounts += 1;
        }
        // Another mark may have settled, or have been renewed, meanwhile.
        total.has_more |= recounts > 0;
        Ok(total)
    }

    /// Counts the events of a marked hour, or a part of them. Returns whether the hour is counted.
    async fn recount_one(&self, mut mark: LateMark) -> Result<(CountedPart, bool), StoreError> {
        let (hour, revision) = (mark.hour, mark.revision);
        let (mut progress, begun_for) = mark.progress.take().unwrap_or_else(|| (HourProgress::new(hour), mark.marked));
        let (part, reading) = progress.advance(&self.table, self.limits.part).await?;
        log_unreadable(part);
        if let Some(reading) = reading {
            self.write(hour, &reading).await?;
            if reading.is_last {
                mark.remove(&self.table, begun_for).await?;
                return Ok((part, true));
            }
        }
        let request = self
            .table
            .update(mark.key())
            .update_expression("SET #body = :body, #begun = :begun, #rev = :rev")
            .condition_expression(unchanged(revision, "attribute_exists(pk) AND "))
            .expression_attribute_names("#body", BODY)
            .expression_attribute_names("#begun", BEGUN_FOR)
            .expression_attribute_names("#rev", REVISION)
            .expression_attribute_values(":body", AttributeValue::B(Blob::new(codec::to_stored(&progress)?)))
            .expression_attribute_values(":begun", number(begun_for))
            .expression_attribute_values(":rev", number(revision.unwrap_or(0) + 1));
        let request = match revision {
            Some(revision) => request.expression_attribute_values(":before", number(revision)),
            None => request,
        };
        // Refused if another process has counted a part: its progress then remains.
        update(request).await?;
        Ok((part, false))
    }
}

/// A late mark: its hour is to be counted again.
struct LateMark {
    hour: Timestamp,
    /// The time of the last late event, in milliseconds since the epoch.
    marked: i64,
    /// How far the hour is counted, and the time of the mark when counting began.
    progress: Option<(HourProgress, i64)>,
    revision: Option<i64>,
}

impl LateMark {
    fn read(item: &Item) -> Result<Self, StoreError> {
        let hour = string(item, SK)?.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
        let hour = hour.ok_or_else(|| StoreError::Corrupt("the key of a late mark is no time".to_owned()))?;
        let begun_for = integer(item, BEGUN_FOR).ok();
        let progress = stored_progress(item).zip(begun_for);
        Ok(Self { hour, marked: integer(item, MARKED)?, progress, revision: integer(item, REVISION).ok() })
    }

    fn key(&self) -> (String, String) {
        (LATE.to_owned(), self.hour.as_second().to_string())
    }

    /// Deletes the mark, after its hour was counted. If the hour was marked again meanwhile, the mark stays, to be
    /// counted from the start.
    async fn remove(&self, table: &Table, begun_for: i64) -> Result<(), StoreError> {
        let request = table
            .client()
            .delete_item()
            .table_name(table.name())
            .set_key(Some(item::keys(self.key())))
            .condition_expression("marked = :marked")
            .expression_attribute_values(":marked", number(begun_for));
        match request.send().await {
            Ok(_) => return Ok(()),
            Err(SdkError::ServiceError(context)) if context.err().is_conditional_check_failed_exception() => {}
            Err(error) => return Err(StoreError::store(describe(&error))),
        }
        let request = table
            .update(self.key())
            .update_expression("SET #rev = :rev REMOVE #body, #begun")
            .condition_expression(unchanged(self.revision, "attribute_exists(pk) AND "))
            .expression_attribute_names("#body", BODY)
            .expression_attribute_names("#begun", BEGUN_FOR)
            .expression_attribute_names("#rev", REVISION)
            .expression_attribute_values(":rev", number(self.revision.unwrap_or(0) + 1));
        let request = match self.revision {
            Some(revision) => request.expression_attribute_values(":before", number(revision)),
            None => request,
        };
        update(request).await.map(drop)
    }
}
