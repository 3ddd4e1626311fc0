//! Counts of events by hour and action: stored once an hour is over, and computed from the events until then.
//!
//! An hour is closed ten minutes after its end. The intake first writes a *late mark* for an event that it stores more
//! than five minutes after the end of the event's hour. Once the mark is old enough that the event is surely stored,
//! the hour is counted again. A count never decreases: concurrent counts, and events deleted since the first count, do
//! no harm.
//!
//! Both are done in parts of a bounded number of events. The item that says up to when hours are counted, and each late
//! mark, store how far their hour is read: see [`progress`].

mod closing;
mod late;
mod progress;

pub(crate) use late::mark_late;

use std::collections::HashMap;

use async_trait::async_trait;
use domain::event::{Action, EventPk};
use domain::ports::{self, RollUp, StoreError, VolumeCounts};
use domain::query::volume::{HOUR, HourCount, KEPT, hour_of};
use domain::{Timestamp, time};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::SignedDuration;

use crate::table::item::{content, number, string};
use crate::table::keys::{self, RecordKind, SK, TTL};
use crate::table::{CONCURRENCY, Table, Walk, update};
use closing::ClosingCursor;
use progress::{CountedEvent, CountedPart, HourProgress, HourReading, integer};

/// How long after its end an hour is closed.
const CLOSED_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// The most hours without events that one roll-up closes.
const MAX_EMPTY_HOURS: usize = 24;

const COUNT: &str = "count";

/// How many events one call may read.
#[derive(Clone, Copy, Debug)]
pub struct VolumeLimits {
    /// The most events that a part of an hour has: about two seconds in a small function.
    pub part: usize,
    /// The most events that are read for one response because they are not counted yet.
    pub live: usize,
}

impl Default for VolumeLimits {
    fn default() -> Self {
        Self { part: 10_000, live: 50_000 }
    }
}

/// The counts in the table.
#[derive(Clone, Debug)]
pub struct DynamoVolume {
    table: Table,
    limits: VolumeLimits,
}

impl DynamoVolume {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table, limits: VolumeLimits::default() }
    }

    /// The same counts, read in calls of other sizes.
    pub fn with_limits(self, limits: VolumeLimits) -> Self {
        Self { limits, ..self }
    }

    /// Counts the stored events of the hours from `since` (inclusive) to `until` (exclusive), newest first, as far as
    /// one response may.
    async fn count_live(&self, since: Timestamp, until: Timestamp) -> Result<VolumeCounts, StoreError> {
        let [from, below] = [since, until].map(|at| EventPk::first_at(at).to_string());
        let mut walk = Walk::days(&self.table, RecordKind::Events, Some(from), Some(below), usize::MAX).await?;
        let mut counts: HashMap<(Timestamp, Action), u64> = HashMap::new();
        let (mut part, mut last, mut complete_since) = (CountedPart::default(), None, None);
        while let Some(item) = walk.next().await? {
            if part.examined == self.limits.live {
                complete_since = last.map(|pk: EventPk| time::later(pk.instant(), SignedDuration::from_millis(1)));
                break;
            }
            part.examined += 1;
            match content(&item) {
                Ok(CountedEvent { pk, action }) => {
                    *counts.entry((hour_of(pk), action)).or_default() += 1;
                    last = Some(pk);
                }
                Err(_) => part.unreadable += 1,
            }
        }
        log_unreadable(part);
        let hours = counts.into_iter().map(|((hour, action), count)| HourCount { hour, action, count });
        Ok(VolumeCounts { hours: hours.collect(), complete_since })
    }

    /// Writes the counts of an hour. A stored count that is larger stays.
    async fn write(&self, hour: Timestamp, reading: &HourReading) -> Result<(), StoreError> {
        let writes = reading.counts.iter().map(|(action, count)| {
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

    /// Closes the next hour that was never counted, or counts a part of it. `None` if there is no such hour.
    async fn close(&self, now: Timestamp) -> Result<Option<CountedPart>, StoreError> {
        let mut cursor = ClosingCursor::read(&self.table).await?;
        let over = floor(time::later(now, -CLOSED_AFTER));
        if over <= cursor.until {
            return Ok(None);
        }
        let mut progress = match cursor.progress.take() {
            Some(progress) => progress,
            None => HourProgress::new(self.first_hour(cursor.until, over).await?),
        };
        if progress.hour() >= over {
            cursor.until = over;
            cursor.write(&self.table, None).await?;
            return Ok(Some(CountedPart::default()));
        }
        let hour = progress.hour();
        let (part, reading) = progress.advance(&self.table, self.limits.part).await?;
        log_unreadable(part);
        let mut is_closed = false;
        if let Some(reading) = reading {
            self.write(hour, &reading).await?;
            is_closed = reading.is_last;
        }
        if is_closed {
            cursor.until = time::later(hour, HOUR);
        }
        cursor.write(&self.table, (!is_closed).then_some(&progress)).await?;
        Ok(Some(part))
    }

    /// The first hour from `since` on that belongs to a day with events; `over` if there is none before it.
    async fn first_hour(&self, since: Timestamp, over: Timestamp) -> Result<Timestamp, StoreError> {
        let [from, below] = [since, over].map(|at| EventPk::first_at(at).to_string());
        let day = self.table.days(RecordKind::Events, &from, &below).await?.pop();
        Ok(day.and_then(|(day, _)| start_of(&day)).map_or(over, |start| start.clamp(since, over)))
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
            let (Some(hour), Some(action), Ok(count)) = (hour, action, integer(&item, COUNT)) else {
                tracing::error!(%day, "a stored count cannot be read; it is left out");
                continue;
            };
            if since <= hour && hour < until {
                counts.push(HourCount { hour, action, count: count.unsigned_abs() });
            }
        }
        Ok(counts)
    }
}

#[async_trait]
impl ports::Volume for DynamoVolume {
    async fn hours(&self, since: Timestamp, until: Timestamp) -> Result<VolumeCounts, StoreError> {
        let since = since.max(Timestamp::UNIX_EPOCH);
        // Read first: hours that are counted after this are computed from the events below.
        let counted = ClosingCursor::read(&self.table).await?.until;
        let mut days = Vec::new();
        let mut day = since.as_second().div_euclid(DAY) * DAY;
        while day < until.min(counted).as_second() {
            days.push(Timestamp::from_second(day).map_err(StoreError::store)?);
            day += DAY;
        }
        let days: Vec<_> = days.into_iter().map(|day| self.day_counts(day, since, until.min(counted))).collect();
        let closed: Vec<HourCount> = stream::iter(days).buffer_unordered(CONCURRENCY).try_concat().await?;
        let live =
            if counted < until { self.count_live(counted.max(since), until).await? } else { VolumeCounts::default() };
        Ok(VolumeCounts { hours: [closed, live.hours].concat(), complete_since: live.complete_since })
    }

    async fn roll_up(&self, now: Timestamp) -> Result<RollUp, StoreError> {
        for _ in 0..MAX_EMPTY_HOURS {
            match self.close(now).await? {
                Some(CountedPart { examined: 0, .. }) => {}
                Some(CountedPart { examined, unreadable }) => {
                    return Ok(RollUp { events: examined, unreadable, has_more: true });
                }
                None => return self.recount(now).await,
            }
        }
        Ok(RollUp { has_more: true, ..RollUp::default() })
    }
}

fn log_unreadable(part: CountedPart) {
    if part.unreadable > 0 {
        tracing::error!(events = part.unreadable, "stored events cannot be read; they are missing in the counts");
    }
}

const DAY: i64 = 86_400;

fn floor(instant: Timestamp) -> Timestamp {
    hour_of(EventPk::first_at(instant))
}

/// The start of the day `yyyymmdd`.
fn start_of(day: &str) -> Option<Timestamp> {
    let date = jiff::civil::Date::strptime("%Y%m%d", day).ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}
