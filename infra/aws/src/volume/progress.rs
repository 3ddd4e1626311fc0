//! Counts the events of one hour in bounded parts.
//!
//! Owns how far an hour is counted: the position and the counts so far, which the caller stores after each part by
//! compare-and-swap. Only the counts of a whole hour are written as counts; so a part that is interrupted, or that two
//! processes make at once, is counted once. Refuses to decide which hour is counted.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use domain::event::{Action, EventPk};
use domain::ports::StoreError;
use domain::query::volume::HOUR;
use domain::time;
use serde::{Deserialize, Serialize};

use crate::describe::describe;
use crate::table::Table;
use crate::table::item::{Item, content, keys, string, text};
use crate::table::keys::{BODY, RecordKind, SK, day};

/// The most events of one request.
const PAGE: usize = 1000;

/// The most bytes of actions whose counts are collected at a time. With more, the hour is read several times, each time
/// for some of the actions: all of them might not fit into one item.
const MAX_ACTION_BYTES: usize = 128 * 1024;

/// The fields of an event that counting needs; the others are not parsed.
#[derive(Deserialize)]
pub(super) struct CountedEvent {
    pub(super) pk: EventPk,
    pub(super) action: Action,
}

/// How far the events of an hour are counted. Its position is a shard, and the id of the last event read there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct HourProgress {
    /// The start of the hour, in seconds since the epoch.
    hour: i64,
    shard: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    counts: BTreeMap<Action, u64>,
    /// The first action that this reading of the hour counts; `None` to begin with the first there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Action>,
    /// The first action that is left to the next reading of the hour; `None` if none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    below: Option<Action>,
}

/// What one part has examined.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CountedPart {
    pub(super) examined: usize,
    pub(super) unreadable: usize,
}

impl HourProgress {
    /// Nothing of the hour is counted.
    pub(super) fn new(hour: Timestamp) -> Self {
        Self { hour: hour.as_second(), ..Self::default() }
    }

    pub(super) fn hour(&self) -> Timestamp {
        Timestamp::from_second(self.hour).unwrap_or(Timestamp::MIN)
    }

    /// Counts the next events of the hour, up to `limit`. At the end of a reading, returns its counts; the next
    /// reading, if there is one, has been begun then.
    pub(super) async fn advance(
        &mut self,
        table: &Table,
        limit: usize,
    ) -> Result<(CountedPart, Option<HourReading>), StoreError> {
        let shards = table.shards_of_day(RecordKind::Events, &day(self.hour())).await?.unwrap_or(0);
        let mut part = CountedPart::default();
        while self.shard < shards {
            if part.examined >= limit {
                return Ok((part, None));
            }
            let (items, last) = self.page(table, PAGE.min(limit - part.examined)).await?;
            part.examined += items.len();
            part.unreadable += items.iter().filter(|item| !self.count(item)).count();
            self.leave_some_actions();
            self.shard += u16::from(last.is_none());
            self.after = last;
        }
        let next = self.below.take().map(|from| Self { hour: self.hour, from: Some(from), ..Self::default() });
        let counts = std::mem::take(&mut self.counts);
        let is_last = next.is_none();
        *self = next.unwrap_or_default();
        Ok((part, Some(HourReading { counts, is_last })))
    }

    /// The next events of the current shard, and the id of the last one; `None` if the shard has no more.
    async fn page(&self, table: &Table, limit: usize) -> Result<(Vec<Item>, Option<String>), StoreError> {
        let partition = RecordKind::Events.partition(&day(self.hour()), self.shard);
        let first = |at: Timestamp| EventPk::first_at(at).to_string();
        let answer = table
            .client()
            .query()
            .table_name(table.name())
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :below")
            .expression_attribute_values(":pk", text(partition.clone()))
            .expression_attribute_values(":from", text(first(self.hour())))
            .expression_attribute_values(":below", text(first(time::later(self.hour(), HOUR))))
            // Not consistent, for half the price: the hour's events were stored minutes ago. The archiver reads likewise.
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(self.after.clone().map(|after| keys((partition, after))))
            .send()
            .await
            .map_err(|error| StoreError::store(describe(&error)))?;
        let last = answer.last_evaluated_key.map(|key| string(&key, SK).map(str::to_owned)).transpose()?;
        Ok((answer.items.unwrap_or_default(), last))
    }

    /// Counts an event; `false` if it cannot be read.
    fn count(&mut self, item: &Item) -> bool {
        let Ok(CountedEvent { pk, action }) = content(item) else { return false };
        let is_of_reading = self.from.as_ref().is_none_or(|from| action >= *from)
            && self.below.as_ref().is_none_or(|below| action < *below);
        // The range of ids includes the first id of the next hour.
        if is_of_reading && domain::query::volume::hour_of(pk) == self.hour() {
            *self.counts.entry(action).or_default() += 1;
        }
        true
    }

    /// Leaves the second half of the actions to the next reading, if there are too many.
    fn leave_some_actions(&mut self) {
        while self.counts.len() > 1
            && self.counts.keys().map(|action| action.as_str().len()).sum::<usize>() > MAX_ACTION_BYTES
        {
            let middle = self.counts.keys().nth(self.counts.len() / 2).cloned();
            if let Some(middle) = middle {
                self.counts.split_off(&middle);
                self.below = Some(middle);
            }
        }
    }
}

/// The counts of a whole hour, of all actions or of some.
#[derive(Debug)]
pub(super) struct HourReading {
    pub(super) counts: BTreeMap<Action, u64>,
    /// Whether the counts of every other action have been returned before.
    pub(super) is_last: bool,
}

/// Reads a number attribute; an error if it is missing or no number.
pub(super) fn integer(item: &Item, name: &str) -> Result<i64, StoreError> {
    match item.get(name) {
        Some(AttributeValue::N(digits)) => digits.parse().ok(),
        _ => None,
    }
    .ok_or_else(|| StoreError::Corrupt(format!("an item has no number {name}")))
}

/// The condition that the item's revision is still this one. Needs the name `#rev`, and the value `:before` if there is
/// a revision.
pub(super) fn unchanged(revision: Option<i64>, and: &str) -> String {
    match revision {
        Some(_) => format!("{and}#rev = :before"),
        None => format!("{and}attribute_not_exists(#rev)"),
    }
}

/// The progress in an item. One that cannot be read counts as none: then the hour is counted from the start.
pub(super) fn stored_progress(item: &Item) -> Option<HourProgress> {
    item.contains_key(BODY).then(|| content(item).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::item::record;

    fn item(action: &str, at: &str) -> Item {
        let event = domain::testing::event(action).created(at.parse().unwrap()).shared();
        record((String::new(), event.pk.to_string()), &*event, None).unwrap()
    }

    #[test]
    fn an_event_is_counted_in_one_reading_of_its_hour() {
        let hour: Timestamp = "2026-01-02T03:00:00Z".parse().unwrap();
        let mut progress = HourProgress::new(hour);
        assert!(progress.count(&item("login", "2026-01-02T03:59:59.999Z")));
        assert!(progress.count(&item("login", "2026-01-02T04:00:00Z")), "it is read, and of the next hour");
        assert!(!progress.count(&keys((String::new(), String::new()))));
        let many: Vec<_> = (0..2000).map(|n| format!("{}{n:04}", "a".repeat(124))).collect();
        for action in &many {
            progress.count(&item(action, "2026-01-02T03:00:00Z"));
        }
        progress.leave_some_actions();
        let left = progress.below.clone().unwrap();
        assert!(progress.counts.keys().all(|action| *action < left));
        assert!(progress.counts.len() >= 500, "{}", progress.counts.len());
        let mut next = HourProgress { from: Some(left), ..HourProgress::new(hour) };
        for action in &many {
            next.count(&item(action, "2026-01-02T03:00:00Z"));
        }
        assert!(next.counts.keys().all(|action| !progress.counts.contains_key(action)));
        assert_eq!(progress.counts.len() + next.counts.len(), many.len());
    }
}
