//! Which days have records, so that a list need not ask about empty ones.
//!
//! A day's marker is written before the day's first record and lives longer than its last one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use aws_sdk_dynamodb::error::SdkError;
use domain::ports::StoreError;
use domain::{EventPk, Timestamp};

use super::Table;
use super::item::{Item, keys, number, string};
use super::keys::{DAYS, FIRST, Family, LAST, SK, TTL, day};
use crate::describe::describe;

const DAY_SECONDS: i64 = 86_400;

/// What this process has marked: for each marker until when. Saves writing it for each event.
#[derive(Debug, Default)]
pub(super) struct Marked(Mutex<HashMap<String, i64>>);

impl Table {
    /// Makes sure that the days of these events are marked until after each is forgotten.
    pub(crate) async fn mark(
        &self,
        family: Family,
        records: impl Iterator<Item = (EventPk, Timestamp)>,
    ) -> Result<(), StoreError> {
        let mut wanted = BTreeMap::new();
        for (event, expires) in records {
            // In whole days, with one to spare: a process writes a marker about once a day.
            let until = (domain::time::ttl_seconds(expires).div_euclid(DAY_SECONDS) + 2) * DAY_SECONDS;
            let latest = wanted.entry(family.marker(&day(event.instant()))).or_insert(until);
            *latest = until.max(*latest);
        }
        wanted.retain(|marker, until| self.marked.until(marker).is_none_or(|marked| marked < *until));
        for (marker, until) in wanted {
            self.mark_one(&marker, until).await?;
            self.marked.set(marker, until);
        }
        Ok(())
    }

    async fn mark_one(&self, marker: &str, until: i64) -> Result<(), StoreError> {
        let request = self
            .client()
            .update_item()
            .table_name(self.name())
            .set_key(Some(keys((DAYS.to_owned(), marker.to_owned()))))
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
    fn until(&self, marker: &str) -> Option<i64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(marker).copied()
    }

    fn set(&self, marker: String, until: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(marker, until);
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
