//! Counts of events by hour and action: stored once an hour is over, and computed from the events until then.
//!
//! An hour is closed ten minutes after its end. The intake first writes a *late mark* for an event that it stores more
//! than five minutes after the end of the event's hour. Once the mark is old enough that the event is surely stored, the
//! hour is counted again. A count never decreases: concurrent counts, and events deleted since the first count, do no
//! harm.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::event::{Action, EventPk};
use domain::ports::{self, StoreError};
use domain::query::volume::{HOUR, HourCount, KEPT, hour_of};
use domain::{Timestamp, time};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::SignedDuration;
use serde::Deserialize;

use crate::describe::describe;
use crate::table::item::{Item, content, number, string};
use crate::table::keys::{self, LATE, RecordKind, SK, TTL};
use crate::table::{CONCURRENCY, Table, Walk, update};

/// How long after its end an hour is closed.
const CLOSED_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// How long after the hour's end an event is late. The time until [`CLOSED_AFTER`] is longer than storing takes, and than
/// clocks differ.
const LATE_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// How old a late mark must be: by then its event is stored, or storing it has failed.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// The most hours that one roll-up counts again.
const MAX_RECOUNTS: usize = 50;

const COUNT: &str = "count";
const UNTIL: &str = "until";
const MARKED: &str = "marked";

type Counts = BTreeMap<(Timestamp, Action), u64>;

/// The counts in the table.
#[derive(Clone, Debug)]
pub struct DynamoVolume {
    table: Table,
}

/// The fields of an event that counting needs; the others are not parsed.
#[derive(Deserialize)]
struct CountedEvent {
    pk: EventPk,
    action: Action,
}

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
        update(mark.update_expression("SET marked = :now").expression_attribute_values(":now", millis(now)))
    });
    stream::iter(marks.collect::<Vec<_>>()).buffer_unordered(CONCURRENCY).try_for_each(async |_| Ok(())).await
}

impl DynamoVolume {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Counts the stored events of the hours from `since` (inclusive) to `until` (exclusive).
    async fn count(&self, since: Timestamp, until: Timestamp) -> Result<Counts, StoreError> {
        let [from, below] = [since, until].map(|at| EventPk::first_at(at).to_string());
        let mut walk = Walk::days(&self.table, RecordKind::Events, Some(from), Some(below), usize::MAX).await?;
        let mut counts = Counts::new();
        while let Some(item) = walk.next().await? {
            let CountedEvent { pk, action } = content(&item)?;
            *counts.entry((hour_of(pk), action)).or_default() += 1;
        }
        Ok(counts)
    }

    async fn write(&self, counts: Counts) -> Result<(), StoreError> {
        let writes = counts.into_iter().map(|((hour, action), count)| {
            let request = self
                .table
                .update(keys::count(hour, action.as_str()))
                .update_expression("SET #count = :count, #ttl = :ttl")
                .condition_expression("attribute_not_exists(#count) OR #count < :count")
                .expression_attribute_names("#count", COUNT)
                .expression_attribute_names("#ttl", TTL)
                .expression_attribute_values(":count", number(count))
                .expression_attribute_values(":ttl", number(time::ttl_seconds(time::later(hour, KEPT))));
            update(request)
        });
        stream::iter(writes.collect::<Vec<_>>()).buffer_unordered(CONCURRENCY).try_for_each(async |_| Ok(())).await
    }

    /// All hours that begin before this time are counted.
    async fn counted_until(&self) -> Result<Timestamp, StoreError> {
        let item = self.table.get(keys::counted()).await?;
        item.map_or(Ok(Timestamp::UNIX_EPOCH), |item| {
            Timestamp::from_second(integer(&item, UNTIL)?)
                .map_err(|_| StoreError::Corrupt("the time up to which hours are counted is not valid".to_owned()))
        })
    }

    /// Counts the closed hours that were never counted, up to the end of the first day that has events. Returns the
    /// number of hours.
    async fn close(&self, now: Timestamp) -> Result<usize, StoreError> {
        let since = self.counted_until().await?;
        let over = floor(time::later(now, -CLOSED_AFTER));
        if over <= since {
            return Ok(0);
        }
        let [from, below] = [since, over].map(|at| EventPk::first_at(at).to_string());
        let day = self.table.days(RecordKind::Events, &from, &below).await?.pop();
        let until = day.and_then(|day| end_of(&day)).map_or(over, |end| end.clamp(time::later(since, HOUR), over));
        self.write(self.count(since, until).await?).await?;
        let request = self
            .table
            .update(keys::counted())
            .update_expression("SET #until = :until")
            .condition_expression("attribute_not_exists(#until) OR #until < :until")
            .expression_attribute_names("#until", UNTIL)
            .expression_attribute_values(":until", number(until.as_second()));
        update(request).await?;
        Ok(usize::try_from((until.as_second() - since.as_second()) / HOUR.as_secs()).unwrap_or(usize::MAX))
    }

    /// Counts the hours with late marks again. Returns the number of hours.
    async fn recount(&self, now: Timestamp) -> Result<usize, StoreError> {
        let settled = time::later(now, -SETTLED_AFTER).as_millisecond();
        let mut counted = 0;
        for item in self.table.all(LATE, "").await? {
            let marked = integer(&item, MARKED)?;
            if marked > settled {
                continue;
            }
            let hour = string(&item, SK)?.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
            if let Some(hour) = hour {
                self.write(self.count(hour, time::later(hour, HOUR)).await?).await?;
            }
            self.unmark(item, marked).await?;
            counted += 1;
            if counted == MAX_RECOUNTS {
                break;
            }
        }
        Ok(counted)
    }

    /// Deletes the mark unless the hour was marked again meanwhile.
    async fn unmark(&self, mut mark: Item, marked: i64) -> Result<(), StoreError> {
        mark.retain(|name, _| name == keys::PK || name == SK);
        let request = self
            .table
            .client()
            .delete_item()
            .table_name(self.table.name())
            .set_key(Some(mark))
            .condition_expression("marked = :marked")
            .expression_attribute_values(":marked", number(marked));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(context)) if context.err().is_conditional_check_failed_exception() => Ok(()),
            Err(error) => Err(StoreError::store(describe(&error))),
        }
    }

    /// The stored counts of one day, of the hours from `since` (inclusive) to `until` (exclusive).
    async fn day_counts(
        &self,
        day: Timestamp,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<HourCount>, StoreError> {
        let mut counts = Vec::new();
        for item in self.table.all(&keys::counts(day), "").await? {
            let key = string(&item, SK)?.split_once('#');
            let hour = key.and_then(|(hour, _)| Some(time::later(day, SignedDuration::from_hours(hour.parse().ok()?))));
            let action = key.and_then(|(_, action)| Action::parse(action).ok());
            let (Some(hour), Some(action)) = (hour, action) else {
                return Err(StoreError::Corrupt("the key of a count has no hour or action".to_owned()));
            };
            if since <= hour && hour < until {
                counts.push(HourCount { hour, action, count: integer(&item, COUNT)?.unsigned_abs() });
            }
        }
        Ok(counts)
    }
}

#[async_trait]
impl ports::Volume for DynamoVolume {
    async fn hours(&self, since: Timestamp, until: Timestamp) -> Result<Vec<HourCount>, StoreError> {
        let since = since.max(Timestamp::UNIX_EPOCH);
        // Read first: hours that are counted after this are computed from the events below.
        let counted = self.counted_until().await?;
        let mut days = Vec::new();
        let mut day = since.as_second().div_euclid(DAY) * DAY;
        while day < until.min(counted).as_second() {
            days.push(Timestamp::from_second(day).map_err(StoreError::store)?);
            day += DAY;
        }
        let days: Vec<_> = days.into_iter().map(|day| self.day_counts(day, since, until.min(counted))).collect();
        let mut counts = stream::iter(days).buffer_unordered(CONCURRENCY).try_concat().await?;
        if counted < until {
            let live = self.count(counted.max(since), until).await?;
            counts.extend(live.into_iter().map(|((hour, action), count)| HourCount { hour, action, count }));
        }
        Ok(counts)
    }

    async fn roll_up(&self, now: Timestamp) -> Result<usize, StoreError> {
        Ok(self.close(now).await? + self.recount(now).await?)
    }
}

const DAY: i64 = 86_400;

fn floor(instant: Timestamp) -> Timestamp {
    hour_of(EventPk::first_at(instant))
}

/// The end of the day `yyyymmdd`.
fn end_of(day: &str) -> Option<Timestamp> {
    let date = jiff::civil::Date::strptime("%Y%m%d", day).ok()?;
    Some(time::later(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp(), SignedDuration::from_hours(24)))
}

fn millis(instant: Timestamp) -> AttributeValue {
    number(instant.as_millisecond())
}

fn integer(item: &Item, name: &str) -> Result<i64, StoreError> {
    match item.get(name) {
        Some(AttributeValue::N(digits)) => digits.parse().ok(),
        _ => None,
    }
    .ok_or_else(|| StoreError::Corrupt(format!("an item has no number {name}")))
}
