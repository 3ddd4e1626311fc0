//! Day markers: items that tell which days have records, so that a list does not query empty days.
//!
//! A day's marker is written before the first record of the day, and expires after the last one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use domain::ports::StoreError;
use domain::{EventPk, Timestamp};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::expiries::{Archiving, ExpiryMarker};
use super::item::{Item, number, string};
use super::keys::{DAYS, EXPIRIES, FIRST, LAST, RecordKind, SK, TTL, day};
use super::{CONCURRENCY, Table, update};

const DAY_SECONDS: i64 = 86_400;

/// Markers to be written: partition and sort key, and the time to live in seconds.
type Markers = BTreeMap<(&'static str, String), i64>;

/// The markers that this process has written, with their times to live: saves a write for each event.
#[derive(Debug, Default)]
pub(super) struct MarkerCache(Mutex<HashMap<(&'static str, String), i64>>);

fn add_day(markers: &mut Markers, kind: RecordKind, event: EventPk, ttl: i64) {
    // In whole days and one more, so that a process writes a marker about once a day.
    let until = (ttl.div_euclid(DAY_SECONDS) + 2) * DAY_SECONDS;
    let latest = markers.entry((DAYS, kind.marker(&day(event.instant())))).or_insert(until);
    *latest = until.max(*latest);
}

impl Table {
    /// Makes sure that the days of these records have markers that outlive the records. Takes each record's event and
    /// expiry.
    pub(crate) async fn mark(
        &self,
        kind: RecordKind,
        records: impl Iterator<Item = (EventPk, Timestamp)>,
    ) -> Result<(), StoreError> {
        let mut markers = BTreeMap::new();
        for (event, expires) in records {
            add_day(&mut markers, kind, event, domain::time::ttl_seconds(expires));
        }
        self.mark_all(markers).await
    }

    /// The same for events that are stored, or given a new expiry, at `now`. If events are archived, also writes the
    /// markers of the hours in which they expire.
    pub(crate) async fn mark_events(
        &self,
        records: impl Iterator<Item = (EventPk, Timestamp)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut markers = BTreeMap::new();
        for (event, expires) in records {
            let ttl = self.archiving().ttl(expires, now);
            add_day(&mut markers, RecordKind::Events, event, ttl);
            if self.archiving() == Archiving::On {
                let marker = ExpiryMarker::for_event(event, ttl);
                markers.insert((EXPIRIES, marker.key()), marker.until());
            }
        }
        self.mark_all(markers).await
    }

    async fn mark_all(&self, mut markers: Markers) -> Result<(), StoreError> {
        markers.retain(|key, until| self.markers.get(key).is_none_or(|marked| marked < *until));
        let writes = markers.into_iter().map(|(key, until)| async move {
            self.mark_one(&key, until).await?;
            self.markers.insert(key, until);
            Ok(())
        });
        stream::iter(writes.collect::<Vec<_>>()).buffer_unordered(CONCURRENCY).try_for_each(async |()| Ok(())).await
    }

    async fn mark_one(&self, (partition, marker): &(&str, String), until: i64) -> Result<(), StoreError> {
        let request = self
            .update(((*partition).to_owned(), marker.clone()))
            .update_expression("SET #ttl = :until")
            .condition_expression("attribute_not_exists(pk) OR #ttl < :until")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":until", number(until));
        // Refused if another process has written the marker with the same or a later time to live.
        update(request).await.map(drop)
    }

    /// The days (`yyyymmdd`) that may have records between two ids, newest first.
    pub(crate) async fn days(&self, kind: RecordKind, from: &str, to: &str) -> Result<Vec<String>, StoreError> {
        let (from, to) = (kind.marker(&day_of(from)), kind.marker(&day_of(to)));
        let mut days = Vec::new();
        let mut start: Option<Item> = None;
        loop {
            let (items, next) = self.slice(DAYS, (&from, &to), usize::MAX, start).await?;
            for item in &items {
                days.push(string(item, SK)?.split_once('#').map_or_else(String::new, |(_, day)| day.to_owned()));
            }
            start = next;
            if start.is_none() {
                return Ok(days);
            }
        }
    }
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
    fn get(&self, key: &(&'static str, String)) -> Option<i64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    fn insert(&self, key: (&'static str, String), until: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, until);
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
