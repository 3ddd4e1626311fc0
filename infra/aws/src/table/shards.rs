//! The number of shards of each day. A record's key depends on it, so a day's marker stores the number with which the
//! day was begun: every process reads and writes the day by that number, whatever its own setting is.
//!
//! A day takes the number of the process that marks it first. So another setting holds from the next day on, and no
//! process has to know of the change: not one that still has the earlier setting, because it marks a day, or reads its
//! marker, before it writes the day's first record.
//!
//! Version 0.1.0 had one number for the whole table, and wrote markers without one. Those days have that number, which
//! is in an item of its own. While functions of 0.1.0 may still run, they write to days that this version has marked.
//! Therefore every day that begins less than an hour after this version first saw the table has that number as well.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::delivery::DeliveryId;
use domain::ports::{Clock as _, StoreError};
use domain::{EventPk, Timestamp, time};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use host::SystemClock;
use jiff::SignedDuration;

use super::item::{Item, number, string, text};
use super::keys::{self, RecordKind, day};
use super::{CONCURRENCY, Table};
use crate::describe::describe;

/// The attribute with the number of shards: of a day in its marker, and of the whole table in 0.1.0's item.
pub(super) const SHARDS: &str = "shards";
/// The attribute with the first day (`yyyymmdd`) that begins with the configured number.
const UNTIL: &str = "until";

/// The number of partitions of each list in the index of deliveries that are due or dead. While deliveries fail, each
/// attempt writes four units to the index and two to the ledger: with 16, the index takes what 8 shards of the ledger
/// take. Reading an empty one costs half a unit.
pub(crate) const DUE_PARTITIONS: u16 = 16;

/// The longest that functions of an earlier version run on after the first one of this version.
pub(super) const DEPLOYED_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// The number of shards with which the table was begun, and the days that have it whatever is configured.
#[derive(Debug)]
pub(super) struct FirstShards {
    pub(super) shards: u16,
    /// The first day (`yyyymmdd`) that begins with the configured number.
    until: String,
}

/// The numbers of shards of some days that have records of one kind.
#[derive(Debug)]
pub(crate) struct DayShards {
    kind: RecordKind,
    shards: HashMap<String, u16>,
}

impl DayShards {
    pub(super) fn new(kind: RecordKind) -> Self {
        Self { kind, shards: HashMap::new() }
    }

    pub(super) fn insert(&mut self, day: &str, shards: u16) {
        self.shards.insert(day.to_owned(), shards);
    }

    /// The shard of the event in its day; `None` if its day has no records.
    pub(crate) fn shard(&self, event: EventPk) -> Option<u16> {
        Some(keys::shard(event, *self.shards.get(&day(event.instant()))?))
    }

    /// The partition of the event's record, or of its ledger entries; `None` if its day has no records.
    pub(crate) fn partition(&self, event: EventPk) -> Option<String> {
        Some(self.kind.partition(&day(event.instant()), self.shard(event)?))
    }

    /// Partition and sort key of the event; `None` if its day has no records.
    pub(crate) fn event(&self, event: EventPk) -> Option<(String, String)> {
        Some((self.partition(event)?, event.to_string()))
    }

    /// Partition and sort key of the ledger entry; `None` if its day has no records.
    pub(crate) fn delivery(&self, id: DeliveryId) -> Option<(String, String)> {
        Some((self.partition(id.event())?, id.to_string()))
    }
}

impl Table {
    /// The number of shards of a day (`yyyymmdd`); `None` if it has no records of this kind.
    pub(crate) async fn shards_of_day(&self, kind: RecordKind, day: &str) -> Result<Option<u16>, StoreError> {
        let marker = kind.marker(day);
        if let Some(shards) = self.markers.shards(&marker, SystemClock.now()) {
            return Ok(Some(shards));
        }
        let Some(item) = self.get((keys::DAYS.to_owned(), marker.clone())).await? else { return Ok(None) };
        let found = self.day_marker(&item).await?;
        self.markers.insert(marker, found);
        Ok(Some(found.shards))
    }

    /// The numbers of shards of the days of these events.
    pub(crate) async fn day_shards(
        &self,
        kind: RecordKind,
        events: impl Iterator<Item = EventPk>,
    ) -> Result<DayShards, StoreError> {
        let mut days: Vec<_> = events.map(|event| day(event.instant())).collect();
        days.sort_unstable();
        days.dedup();
        let reads = days.into_iter().map(|day| async move {
            let shards = self.shards_of_day(kind, &day).await?;
            Ok::<_, StoreError>(shards.map(|shards| (day, shards)))
        });
        let found: Vec<_> = stream::iter(reads.collect::<Vec<_>>()).buffer_unordered(CONCURRENCY).try_collect().await?;
        Ok(DayShards { kind, shards: found.into_iter().flatten().collect() })
    }

    /// The partition of an event's record, or of its ledger entries; `None` if its day has no records.
    pub(crate) async fn partition_of(&self, kind: RecordKind, event: EventPk) -> Result<Option<String>, StoreError> {
        Ok(self.day_shards(kind, std::iter::once(event)).await?.partition(event))
    }

    /// How many partitions a list of the index may have: version 0.1.0 had one for each shard.
    pub(crate) async fn due_partitions(&self) -> Result<u16, StoreError> {
        Ok(self.first_shards().await?.shards.max(DUE_PARTITIONS))
    }

    /// The number of shards with which a day (`yyyymmdd`) begins that has no marker yet.
    pub(super) async fn shards_of_new_day(&self, day: &str) -> Result<u16, StoreError> {
        let first = self.first_shards().await?;
        Ok(if day < first.until.as_str() { first.shards } else { self.configured_shards })
    }

    /// The number with which the table was begun, read from the table once per process.
    pub(super) async fn first_shards(&self) -> Result<&FirstShards, StoreError> {
        self.first_shards.get_or_try_init(|| self.stored_first_shards(SystemClock.now())).await
    }

    async fn stored_first_shards(&self, now: Timestamp) -> Result<FirstShards, StoreError> {
        let until = time::later(now, DEPLOYED_WITHIN + SignedDuration::from_hours(24));
        let request = self
            .update(keys::shards())
            .update_expression("SET #shards = if_not_exists(#shards, :shards), #until = if_not_exists(#until, :until)")
            .expression_attribute_names("#shards", SHARDS)
            .expression_attribute_names("#until", UNTIL)
            .expression_attribute_values(":shards", number(self.configured_shards))
            .expression_attribute_values(":until", text(day(until)))
            .return_values(ReturnValue::AllNew);
        let answer = request.send().await.map_err(|error| StoreError::store(describe(&error)))?;
        let item = answer.attributes.unwrap_or_default();
        let shards = shards(&item)
            .ok_or_else(|| StoreError::Corrupt("the stored number of shards is not a number".to_owned()))?;
        Ok(FirstShards { shards, until: string(&item, UNTIL)?.to_owned() })
    }
}

/// The number of shards that an item stores; `None` if it stores none.
pub(super) fn shards(item: &Item) -> Option<u16> {
    match item.get(SHARDS) {
        Some(AttributeValue::N(digits)) => digits.parse().ok(),
        _ => None,
    }
}
