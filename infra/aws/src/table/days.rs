//! Which days have records, so that a list need not ask about empty ones.
//!
//! A day's marker is written before the day's first record and lives longer than its last one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use aws_sdk_dynamodb::error::SdkError;
use domain::ports::StoreError;
use domain::{EventPk, Timestamp};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::expiries::{Leaving, Marker};
use super::item::{Item, number, string};
use super::keys::{DAYS, EXPIRIES, FIRST, Family, LAST, SK, TTL, day};
use super::{AT_ONCE, Table};
use crate::describe::describe;

const DAY_SECONDS: i64 = 86_400;

/// Markers to be there, by partition and sort key, and until when.
type Wanted = BTreeMap<(&'static str, String), i64>;

/// What this process has marked: for each marker until when. Saves writing it for each event.
#[derive(Debug, Default)]
pub(super) struct Marked(Mutex<HashMap<(&'static str, String), i64>>);

fn want_day(wanted: &mut Wanted, family: Family, event: EventPk, ttl: i64) {
    // In whole days, with one to spare: a process writes a marker about once a day.
    let until = (ttl.div_euclid(DAY_SECONDS) + 2) * DAY_SECONDS;
    let latest = wanted.entry((DAYS, family.marker(&day(event.instant())))).or_insert(until);
    *latest = until.max(*latest);
}

impl Table {
    /// Makes sure that the days of these events are marked until after each is forgotten.
    pub(crate) async fn mark(
        &self,
        family: Family,
        records: impl Iterator<Item = (EventPk, Timestamp)>,
    ) -> Result<(), StoreError> {
        let mut wanted = BTreeMap::new();
        for (event, expires) in records {
            want_day(&mut wanted, family, event, domain::time::ttl_seconds(expires));
        }
        self.mark_all(wanted).await
    }

    /// The same for events that are stored, or given these expiries, at `now`; also marks when they are to be archived.
    pub(crate) async fn mark_events(
        &self,
        records: impl Iterator<Item = (EventPk, Timestamp)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut wanted = BTreeMap::new();
        for (event, expires) in records {
            let ttl = self.leaving().ttl(expires, now);
            want_day(&mut wanted, Family::Events, event, ttl);
            if self.leaving() == Leaving::Archived {
                let marker = Marker::of(event, ttl);
                wanted.insert((EXPIRIES, marker.key()), marker.until());
            }
        }
        self.mark_all(wanted).await
    }

    async fn mark_all(&self, mut wanted: Wanted) -> Result<(), StoreError> {
        wanted.retain(|place, until| self.marked.until(place).is_none_or(|marked| marked < *until));
        let marks = wanted.into_iter().map(|(place, until)| async move {
            self.mark_one(&place, until).await?;
            self.marked.set(place, until);
            Ok(())
        });
        stream::iter(marks.collect::<Vec<_>>()).buffer_unordered(AT_ONCE).try_for_each(async |()| Ok(())).await
    }

    async fn mark_one(&self, (partition, marker): &(&str, String), until: i64) -> Result<(), StoreError> {
        let request = self
            .update(((*partition).to_owned(), marker.clone()))
            .update_expression("SET #ttl = :until")
            .condition_expression("attribute_not_exists(pk) OR #ttl < :until")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":until", number(until));
        match request.send().await {
            Ok(_) => Ok(()),
            // Somebody has marked it for as long or longer.
            Err(SdkError::ServiceError(context)) if context.err().is_conditional_check_failed_exception() => Ok(()),
            Err(error) => Err(StoreError::store(describe(&error))),
        }
    }

    /// The days that may have records, from the first to the last of two ids, newest first.
    pub(crate) async fn days(&self, family: Family, from: &str, to: &str) -> Result<Vec<String>, StoreError> {
        let (from, to) = (family.marker(&day_of(from)), family.marker(&day_of(to)));
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

/// The day an id's first 48 bits name; [`FIRST`] and [`LAST`] stand for themselves.
fn day_of(id: &str) -> String {
    match id.get(..36).and_then(|pk| pk.parse::<EventPk>().ok()) {
        Some(pk) => day(pk.instant()),
        None if id <= FIRST => FIRST.to_owned(),
        None => LAST.to_owned(),
    }
}

impl Marked {
    fn until(&self, place: &(&'static str, String)) -> Option<i64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(place).copied()
    }

    fn set(&self, place: (&'static str, String), until: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(place, until);
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
