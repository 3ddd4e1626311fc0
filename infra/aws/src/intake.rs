//! The intake: stores events in the table, then queues them.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use domain::event::{Event, EventPk, SerializedEvent};
use domain::ports::{self, Clock as _, StoreError};
use domain::retention::hold::{self, HOLD_EXPIRY, Hold};
use domain::time::{CLOCK_SKEW, later};
use futures_util::future::try_join;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use host::SystemClock;

use crate::codec;
use crate::holds::CachedHolds;
use crate::keeping::{self, EXPIRED};
use crate::pack::pack;
use crate::queue::{SendResult, SqsWorkQueue};
use crate::table::event_index::entries;
use crate::table::expiries::Archiving;
use crate::table::item::{Item, keys, number, record_of_body, string, text};
use crate::table::keys::{self, DOCUMENTS, FIRST, RecordKind};
use crate::table::{CONCURRENCY, DayShards, PutResult, Table, Write, put, update};
use crate::volume;

/// The attribute with the pk of a name's first arrival.
const NAMED: &str = "event";
/// The attribute with the name's expiry, in microseconds since the epoch: the time to live is in whole seconds, and
/// DynamoDB may delete the item days later.
const HELD_UNTIL: &str = "held_until";

/// Stores events in DynamoDB and queues them on SQS.
#[derive(Clone, Debug)]
pub struct DynamoIntake {
    table: Table,
    queue: SqsWorkQueue,
    holds: CachedHolds,
}

impl DynamoIntake {
    /// Stores in `table` and queues in `queue`.
    pub fn new(table: Table, queue: SqsWorkQueue) -> Self {
        Self { holds: CachedHolds::new(table.clone()), table, queue }
    }

    async fn store(&self, named: &[&SerializedEvent], unnamed: &[&SerializedEvent]) -> Result<(), StoreError> {
        let all = || named.iter().chain(unnamed);
        let holds = self.holds.all().await?;
        let expires = |event: &Event| if hold::is_held(&holds, event) { HOLD_EXPIRY } else { event.expires };
        let now = SystemClock.now();
        let marks = self.table.mark_events(all().map(|one| (one.event().pk, expires(one.event()))), now);
        let hours = volume::mark_late(&self.table, all().map(|one| one.event().pk), now);
        let (days, ()) = try_join(marks, hours).await?;
        // Tells the table of a change of its indexes.
        self.table.indexes().await?;
        let item = |event: &SerializedEvent| {
            let key = days.event(event.event().pk).ok_or_else(|| StoreError::store("a marked day has no marker"))?;
            item(event, key, &holds, self.table.archiving(), now)
        };
        let (mut writes, mut puts, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        for event in unnamed {
            let item = item(event)?;
            let keys = self.index_entries(event.event(), &days).into_iter().map(keys);
            writes.extend(keys.map(|key| Write::Put(with_ttl(key, &item))));
            writes.push(Write::Put(item));
        }
        for event in named {
            let item = item(event)?;
            let keys = self.index_entries(event.event(), &days).into_iter();
            entries.extend(keys.map(|key| self.mark_indexed(key, item.get(keys::TTL).cloned())));
            puts.push(put(self.put_named(item, now)));
        }
        // Before the named events, and also for one that is stored already: an interruption may have left them out.
        stream::iter(entries).buffer_unordered(CONCURRENCY).try_for_each(|_| async { Ok(()) }).await?;
        // A named event that exists already is the same event: its pk is a hash of its content.
        let named = stream::iter(puts).buffer_unordered(CONCURRENCY).try_for_each(|_| async { Ok(()) });
        try_join(self.table.write_all(writes), named).await.map(drop)
    }

    fn index_entries(&self, event: &Event, days: &DayShards) -> Vec<(String, String)> {
        days.shard(event.pk).map_or_else(Vec::new, |shard| entries(event, shard, self.table.indexed()))
    }

    /// Writes an index entry of a named event. One that is there already, with a later time to live, stays.
    async fn mark_indexed(&self, key: (String, String), ttl: Option<AttributeValue>) -> Result<bool, StoreError> {
        let request = self
            .table
            .update(key)
            .update_expression("SET #ttl = :ttl")
            .condition_expression("attribute_not_exists(pk) OR #ttl < :ttl")
            .expression_attribute_names("#ttl", keys::TTL)
            .set_expression_attribute_values(ttl.map(|ttl| HashMap::from([(":ttl".to_owned(), ttl)])));
        update(request).await
    }

    /// A put that does not change an event that is stored already, unless that one has expired and only awaits its
    /// deletion.
    fn put_named(&self, item: Item, now: Timestamp) -> PutItemFluentBuilder {
        let put = self.table.put_new(item).condition_expression(format!("attribute_not_exists(pk) OR {EXPIRED}"));
        put.set_expression_attribute_names(Some(keeping::expiry_names()))
            .set_expression_attribute_values(Some(keeping::expiry_values(now)))
    }

    /// Deletes unnamed events that could not be queued. The caller will post them again, and they get other pks then:
    /// the stored ones would never be evaluated. Named events stay, as the next post finds them; so do events that the
    /// queue may have received, as they will be evaluated.
    async fn undo(&self, unnamed: &[&SerializedEvent]) {
        if unnamed.is_empty() {
            return;
        }
        let undone = async {
            let days = self.table.day_shards(RecordKind::Events, unnamed.iter().map(|one| one.event().pk)).await?;
            let stored = unnamed.iter().filter_map(|one| days.event(one.event().pk));
            let indexed = unnamed.iter().flat_map(|one| self.index_entries(one.event(), &days));
            self.table.write_all(stored.chain(indexed).map(|key| Write::Delete(keys(key))).collect()).await
        };
        if let Err(error) = undone.await {
            tracing::warn!(events = unnamed.len(), %error, "events that could not be queued stay in the store, where they are never evaluated");
        }
    }
}

/// The item with the time to live of another.
fn with_ttl(mut item: Item, other: &Item) -> Item {
    item.extend(other.get(keys::TTL).map(|ttl| (keys::TTL.to_owned(), ttl.clone())));
    item
}

fn item(
    serialized: &SerializedEvent,
    key: (String, String),
    holds: &[Hold],
    archiving: Archiving,
    now: Timestamp,
) -> Result<Item, StoreError> {
    let event = serialized.event();
    let body = codec::json_to_stored(serialized.json())?;
    let mut item = record_of_body(key, body, Some(event.expires));
    let is_held = hold::is_held(holds, event);
    // Otherwise the body's expiry and the time to live suffice.
    if is_held || archiving == Archiving::On {
        let expires = if is_held { HOLD_EXPIRY } else { event.expires };
        keeping::set_expiry(&mut item, expires, archiving.ttl(expires, now));
    }
    keeping::set_received(&mut item, event.created, now);
    Ok(item)
}

#[async_trait]
impl ports::Intake for DynamoIntake {
    async fn accept(&self, events: &[SerializedEvent]) -> Result<(), StoreError> {
        let (named, unnamed): (Vec<_>, Vec<_>) = events.iter().partition(|one| one.event().pk.is_named());
        let (bodies, carried): (Vec<_>, Vec<_>) =
            pack(events)?.into_iter().map(|packed| (packed.body, packed.pks)).unzip();
        if let Err(error) = self.store(&named, &unnamed).await {
            self.undo(&unnamed).await;
            return Err(error);
        }
        let sent = self.queue.send_each(bodies, 0).await;
        let refused = carried.iter().zip(&sent).filter(|(_, sent)| matches!(sent, SendResult::Refused(_)));
        let refused: HashSet<EventPk> = refused.flat_map(|(pks, _)| pks.iter().copied()).collect();
        let unqueued: Vec<_> = unnamed.into_iter().filter(|one| refused.contains(&one.event().pk)).collect();
        self.undo(&unqueued).await;
        sent.into_iter().find_map(SendResult::into_error).map_or(Ok(()), Err)
    }

    async fn remember(
        &self,
        names: &[([u8; 32], EventPk)],
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<EventPk>, StoreError> {
        let mut proposals: HashMap<[u8; 32], EventPk> = HashMap::new();
        for (hash, pk) in names {
            proposals.entry(*hash).or_insert(*pk);
        }
        let puts: Vec<_> = proposals.into_iter().map(|(hash, pk)| self.remember_one(hash, pk, now, until)).collect();
        let remembered: HashMap<_, _> = stream::iter(puts).buffer_unordered(CONCURRENCY).try_collect().await?;
        Ok(names.iter().map(|(hash, pk)| remembered.get(hash).copied().unwrap_or(*pk)).collect())
    }

    async fn ready(&self) -> Result<(), StoreError> {
        let any = (DOCUMENTS.to_owned(), FIRST.to_owned());
        try_join(self.table.get(any), self.queue.ready()).await.map(drop)
    }
}

impl DynamoIntake {
    async fn remember_one(
        &self,
        hash: [u8; 32],
        pk: EventPk,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<([u8; 32], EventPk), StoreError> {
        let mut item = keys(keys::name(&hash));
        item.insert(NAMED.to_owned(), text(pk.to_string()));
        item.insert(HELD_UNTIL.to_owned(), number(until.as_microsecond()));
        item.insert(keys::TTL.to_owned(), number(domain::time::ttl_seconds(until)));
        let request = self
            .table
            .put_new(item)
            // A name that expires later than any name may was written under a clock that ran ahead: replace it.
            .condition_expression("attribute_not_exists(pk) OR held_until <= :now OR held_until > :longest")
            .expression_attribute_values(":now", number(now.as_microsecond()))
            .expression_attribute_values(":longest", number(later(until, CLOCK_SKEW).as_microsecond()));
        match put(request).await? {
            PutResult::Done => Ok((hash, pk)),
            PutResult::Refused(there) => {
                let there = there
                    .ok_or_else(|| StoreError::store("DynamoDB refused a put without returning the stored item"))?;
                let known = string(&there, NAMED)?.parse();
                Ok((hash, known.map_err(|_| StoreError::Corrupt("a remembered name has no valid pk".to_owned()))?))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::sync::Arc;

    /// What DynamoDB counts for a write: names and values, in bytes.
    fn size(item: &Item) -> usize {
        let value = |value: &AttributeValue| match value {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
            AttributeValue::B(bytes) => bytes.as_ref().len(),
            _ => panic!("an event's item has no other kinds"),
        };
        item.iter().map(|(name, one)| name.len() + value(one)).sum()
    }

    /// The documented example events.
    fn examples() -> Vec<SerializedEvent> {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/corpus/events");
        let files = std::fs::read_dir(corpus).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
        files.map(|json| Arc::new(serde_json::from_slice::<Event>(&json).unwrap()).into()).collect()
    }

    /// A million events cost a million write units, and 40,000 messages where 25 come at once.
    #[test]
    fn an_event_costs_one_write_unit_and_a_batch_one_message() {
        let examples = examples();
        assert!(!examples.is_empty());
        for event in &examples {
            let key = (RecordKind::Events.partition("20260131", 63), event.event().pk.to_string());
            let item = item(event, key, &[], Archiving::On, SystemClock.now()).unwrap();
            assert!(size(&item) <= 1024, "{} bytes: {}", size(&item), event.event().action);
        }
        let batch: Vec<_> = examples.iter().cycle().take(25).cloned().collect();
        assert_eq!(pack(&batch).unwrap().len(), 1);
    }

    #[test]
    fn an_item_tells_when_it_ends() {
        let example = &examples()[0];
        let event = example.event();
        let key = (String::new(), String::new());
        let item = record_of_body(key, codec::json_to_stored(example.json()).unwrap(), Some(event.expires));
        let AttributeValue::N(ttl) = &item[keys::TTL] else { panic!("a number") };
        assert_eq!(ttl.parse::<i64>().unwrap(), domain::time::ttl_seconds(event.expires));
        let body: Value = serde_json::to_value(crate::table::item::content::<Event>(&item).unwrap()).unwrap();
        assert_eq!(body, serde_json::to_value(&**event).unwrap());
    }
}
