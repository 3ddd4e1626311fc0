//! Day markers: items that tell which days have records, so that a list does not query empty days, and over how many
//! shards a day is spread.
//!
//! A day's marker is written before the first record of the day, and expires after the last one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ports::StoreError;
use domain::{EventPk, Timestamp};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::expiries::{Archiving, ExpiryMarker};
use super::item::{Item, keys, number, string};
use super::keys::{DAYS, EXPIRIES, FIRST, LAST, RecordKind, SK, TTL, day};
use super::shards::{DayShards, SHARDS, shards};
use super::write::{PutResult, put};
use super::{CONCURRENCY, Table, update};

const DAY_SECONDS: i64 = 86_400;

/// How often a day's marker is written if others change it at the same time.
const MAX_WRITES: usize = 5;

/// Markers to be written: sort key, and the time to live in seconds.
type Markers = BTreeMap<String, i64>;

/// The marker of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DayMarker {
    /// Its time to live, in seconds since the epoch.
    until: i64,
    /// The number of shards of the day.
    pub(super) shards: u16,
}

/// The markers that this process has written or read, by sort key: saves a write for each event.
#[derive(Debug, Default)]
pub(super) struct MarkerCache {
    days: Mutex<HashMap<String, DayMarker>>,
    /// With their times to live.
    expiries: Mutex<HashMap<String, i64>>,
}

fn add_day(markers: &mut Markers, kind: RecordKind, event: EventPk, ttl: i64) {
    // In whole days and one more, so that a process writes a marker about once a day.
    let until = (ttl.div_euclid(DAY_SECONDS) + 2) * DAY_SECONDS;
    let latest = markers.entry(kind.marker(&day(event.instant()))).or_insert(until);
    *latest = until.max(*latest);
}

impl Table {
    /// Makes sure that the days of these records have markers that outlive the records. Takes each record's event and
    /// expiry. Returns where the records belong.
    pub(crate) async fn mark(
        &self,
        kind: RecordKind,
        records: impl Iterator<Item = (EventPk, Timestamp)>,
    ) -> Result<DayShards, StoreError> {
        let mut markers = BTreeMap::new();
        for (event, expires) in records {
            add_day(&mut markers, kind, event, domain::time::ttl_seconds(expires));
        }
        self.mark_days(kind, markers).await
    }

    /// The same for events that are stored, or given a new expiry, at `now`. If events are archived, also writes the
    /// markers of the hours in which they expire.
    pub(crate) async fn mark_events(
        &self,
        records: impl Iterator<Item = (EventPk, Timestamp)>,
        now: Timestamp,
    ) -> Result<DayShards, StoreError> {
        let (mut days, mut expiries) = (BTreeMap::new(), BTreeMap::new());
        for (event, expires) in records {
            let ttl = self.archiving().ttl(expires, now);
            add_day(&mut days, RecordKind::Events, event, ttl);
            if self.archiving() == Archiving::On {
                let marker = ExpiryMarker::for_event(event, ttl);
                expiries.insert(marker.key(), marker.until());
            }
        }
        self.mark_expiries(expiries).await?;
        self.mark_days(RecordKind::Events, days).await
    }

    async fn mark_days(&self, kind: RecordKind, markers: Markers) -> Result<DayShards, StoreError> {
        let writes = markers.into_iter().map(|(marker, until)| async move {
            let cached = self.markers.days().get(&marker).copied();
            let written = match cached.filter(|cached| cached.until >= until) {
                Some(cached) => cached,
                None => self.mark_day(&marker, until).await?,
            };
            self.markers.insert(marker.clone(), written);
            Ok::<_, StoreError>((marker, written))
        });
        let writes = stream::iter(writes.collect::<Vec<_>>()).buffer_unordered(CONCURRENCY);
        let written: Vec<(String, DayMarker)> = writes.try_collect().await?;
        let mut days = DayShards::new(kind);
        for (marker, written) in written {
            days.insert(day_of_marker(&marker), written.shards);
        }
        Ok(days)
    }

    /// Makes sure that a day has a marker with this time to live or a later one. The first writer of a day's marker
    /// decides on the number of shards; it never changes.
    async fn mark_day(&self, marker: &str, until: i64) -> Result<DayMarker, StoreError> {
        let shards = self.shards_of_new_day(day_of_marker(marker)).await?;
        let key = || (DAYS.to_owned(), marker.to_owned());
        for _ in 0..MAX_WRITES {
            let mut item = keys(key());
            item.insert(TTL.to_owned(), number(until));
            item.insert(SHARDS.to_owned(), number(shards));
            let there = match put(self.put_new(item)).await? {
                PutResult::Done => return Ok(DayMarker { until, shards }),
                PutResult::Refused(there) => self.day_marker(&there.unwrap_or_default()).await?,
            };
            if there.until >= until {
                return Ok(there);
            }
            let request = self
                .update(key())
                .update_expression("SET #ttl = :until")
                .condition_expression("#ttl = :before")
                .expression_attribute_names("#ttl", TTL)
                .expression_attribute_values(":until", number(until))
                .expression_attribute_values(":before", number(there.until));
            if update(request).await? {
                return Ok(DayMarker { until, ..there });
            }
        }
        Err(StoreError::store(format_args!("other writers changed a day's marker before each of {MAX_WRITES} writes")))
    }

    /// Reads a day's marker. One of 0.1.0 has no number of shards: its day has that of the table.
    pub(super) async fn day_marker(&self, item: &Item) -> Result<DayMarker, StoreError> {
        let until = match item.get(TTL) {
            Some(AttributeValue::N(digits)) => digits.parse().ok(),
            _ => None,
        };
        let until = until.ok_or_else(|| StoreError::Corrupt("a day's marker has no time to live".to_owned()))?;
        let shards = match shards(item) {
            Some(shards) => shards,
            None => self.first_shards().await?.shards,
        };
        Ok(DayMarker { until, shards })
    }

    /// Caches a day's marker that was read. Returns the day (`yyyymmdd`) with its number of shards.
    pub(super) async fn remember_day(&self, marker: &str, item: &Item) -> Result<(String, u16), StoreError> {
        let found = self.day_marker(item).await?;
        self.markers.insert(marker.to_owned(), found);
        Ok((day_of_marker(marker).to_owned(), found.shards))
    }

    async fn mark_expiries(&self, mut markers: Markers) -> Result<(), StoreError> {
        markers.retain(|marker, until| self.markers.expiries().get(marker).is_none_or(|marked| marked < until));
        let writes = markers.into_iter().map(|(marker, until)| async move {
            let request = self
                .update((EXPIRIES.to_owned(), marker.clone()))
                .update_expression("SET #ttl = :until")
                .condition_expression("attribute_not_exists(pk) OR #ttl < :until")
                .expression_attribute_names("#ttl", TTL)
                .expression_attribute_values(":until", number(until));
            // Refused if another process has written the marker with the same or a later time to live.
            update(request).await?;
            self.markers.expiries().insert(marker, until);
            Ok(())
        });
        stream::iter(writes.collect::<Vec<_>>()).buffer_unordered(CONCURRENCY).try_for_each(async |()| Ok(())).await
    }

    /// The days (`yyyymmdd`) that may have records between two ids, newest first, each with its number of shards.
    pub(crate) async fn days(&self, kind: RecordKind, from: &str, to: &str) -> Result<Vec<(String, u16)>, StoreError> {
        let (from, to) = (kind.marker(&day_of(from)), kind.marker(&day_of(to)));
        let mut days = Vec::new();
        let mut start: Option<Item> = None;
        loop {
            let (items, next) = self.slice(DAYS, (&from, &to), usize::MAX, start).await?;
            for item in &items {
                days.push(self.remember_day(string(item, SK)?, item).await?);
            }
            start = next;
            if start.is_none() {
                return Ok(days);
            }
        }
    }
}

/// The day of a marker, from its sort key.
fn day_of_marker(marker: &str) -> &str {
    marker.split_once('#').map_or("", |(_, day)| day)
}

/// The day of an id, which its first 48 bits determine. Returns [`FIRST`] and [`LAST`] as they are.
fn day_of(id: &str) -> String {
    match id.get(..36).and_then(|pk| pk.parse::<EventPk>().ok()) {
        Some(pk) => day(pk.instant()),
        None if id <= FIRST => FIRST.to_owned(),
        None => LAST.to_owned(),
    }
}

impl MarkerCache {
    fn days(&self) -> MutexGuard<'_, HashMap<String, DayMarker>> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn expiries(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.expiries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of shards of a day; `None` if its marker is not cached, or may have been deleted by `now`.
    pub(super) fn shards(&self, marker: &str, now: Timestamp) -> Option<u16> {
        self.days().get(marker).filter(|marker| marker.until > now.as_second()).map(|marker| marker.shards)
    }

    pub(super) fn insert(&self, marker: String, found: DayMarker) {
        self.days().insert(marker, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_their_days() {
        for (id, expected) in [
            (FIRST, "0"),
            (LAST, "~"),
            ("018650dd-2c93-7f1e-8afe-ad5af90bf683", "20230214"),
            ("018650dd-2c93-7f1e-8afe-ad5af90bf683_00112233445566778899", "20230214"),
        ] {
            assert_eq!(day_of(id), expected);
        }
    }
}
