//! The expiry of events: lists events with it, changes it, and finds expired events for the archiver. A changed expiry
//! is in an attribute beside the body, which keeps the first one.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::Timestamp;
use domain::event::{Event, EventPk};
use domain::ports::{self, ExpiredEvents, ReceivedEvent, ReceivedPage, StoreError};
use domain::query::PageBudget;
use domain::retention::job::EventCursor;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::describe::describe;
use crate::table::event_index::entries;
use crate::table::expiries::DueMarker;
use crate::table::item::{Item, keys, measured_content, number, readable, string, text};
use crate::table::keys::{PK, RecordKind, SK, TTL, day};
use crate::table::{CONCURRENCY, ShardWalk, Table, update};

/// The most expiry markers read at once.
const MARKERS_PAGE: i32 = 200;

/// The most events that one search for expired events examines: events of one hour may expire at different times.
const MAX_EXAMINED: usize = 100_000;

/// The most bytes of events, as JSON, that one search returns: a small function must hold and compress them.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The limits of one request's page: many events, but not many more than the caller wants.
const MIN_PAGE: usize = 100;
const MAX_PAGE: usize = 1000;

/// The attribute with the expiry in microseconds, if it differs from the body's. (The time to live has seconds only.)
const EXPIRES: &str = "expires";
/// The attribute with the time of receipt in microseconds, if the event happened at least a minute earlier.
const RECEIVED: &str = "received";

/// The expiry of the events in the table.
#[derive(Clone, Debug)]
pub struct DynamoKeeping {
    table: Table,
}

/// Decodes an event, with its current expiry.
pub(crate) fn event(item: &Item) -> Result<Event, StoreError> {
    measured_event(item).map(|(event, _)| event)
}

/// The same, with the [escaped size](domain::query::escaped_len) of its JSON.
pub(crate) fn measured_event(item: &Item) -> Result<(Event, usize), StoreError> {
    let (event, bytes): (Event, usize) = measured_content(item)?;
    Ok((Event { expires: instant(item, EXPIRES).unwrap_or(event.expires), ..event }, bytes))
}

/// The pk of an event's item.
pub(crate) fn pk(item: &Item) -> Result<EventPk, StoreError> {
    string(item, SK)?.parse().map_err(|_| StoreError::Corrupt("the key of a stored event is not a pk".to_owned()))
}

/// The condition that an event has expired. Needs [`expiry_names`] and [`expiry_values`].
pub(crate) const EXPIRED: &str = "(#expires <= :micros OR (attribute_not_exists(#expires) AND #ttl <= :seconds))";

/// The attribute names in [`EXPIRED`].
pub(crate) fn expiry_names() -> HashMap<String, String> {
    [("#ttl", TTL), ("#expires", EXPIRES)].map(|(short, name)| (short.to_owned(), name.to_owned())).into()
}

/// The values in [`EXPIRED`] for the time `now`.
pub(crate) fn expiry_values(now: Timestamp) -> Item {
    [(":micros", now.as_microsecond()), (":seconds", now.as_second())]
        .map(|(name, value)| (name.to_owned(), number(value)))
        .into()
}

/// Sets an expiry that overrides the body's, and the time to live in seconds.
pub(crate) fn set_expiry(item: &mut Item, expires: Timestamp, ttl: i64) {
    item.insert(TTL.to_owned(), number(ttl));
    item.insert(EXPIRES.to_owned(), number(expires.as_microsecond()));
}

/// Sets the time of receipt, unless it is close to the time at which the event happened.
pub(crate) fn set_received(item: &mut Item, created: Timestamp, now: Timestamp) {
    if let Some(received) = domain::retention::received_apart(created, now) {
        item.insert(RECEIVED.to_owned(), number(received.as_microsecond()));
    }
}

fn instant(item: &Item, name: &str) -> Option<Timestamp> {
    match item.get(name) {
        Some(AttributeValue::N(micros)) => Timestamp::from_microsecond(micros.parse().ok()?).ok(),
        _ => None,
    }
}

impl DynamoKeeping {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    async fn restamp_one(
        &self,
        key: (String, String),
        shard: u16,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let request = self
            .table
            .update(key)
            .update_expression("SET #ttl = :ttl, #expires = :expires")
            .condition_expression(format!("attribute_exists(pk) AND NOT {EXPIRED}"))
            .set_expression_attribute_names(Some(expiry_names()))
            .set_expression_attribute_values(Some(expiry_values(now)))
            .expression_attribute_values(":ttl", number(self.table.archiving().ttl(expires, now)))
            .expression_attribute_values(":expires", number(expires.as_microsecond()));
        if self.table.indexed().is_empty() {
            return update(request).await.map(usize::from);
        }
        let answer = match request.return_values(ReturnValue::AllNew).send().await {
            Ok(answer) => answer,
            Err(SdkError::ServiceError(context)) if context.err().is_conditional_check_failed_exception() => {
                return Ok(0);
            }
            Err(error) => return Err(StoreError::store(describe(&error))),
        };
        self.restamp_entries(&answer.attributes.unwrap_or_default(), shard).await?;
        Ok(1)
    }

    /// Gives the index entries of an event, which is in this shard, its time to live.
    async fn restamp_entries(&self, item: &Item, shard: u16) -> Result<(), StoreError> {
        let Some(event) = readable(item, event(item)) else { return Ok(()) };
        for key in entries(&event, shard, self.table.indexed()) {
            let ttl = item.get(TTL).map(|ttl| HashMap::from([(":ttl".to_owned(), ttl.clone())]));
            let request = self
                .table
                .update(key)
                .update_expression("SET #ttl = :ttl")
                .expression_attribute_names("#ttl", TTL)
                .set_expression_attribute_values(ttl);
            update(request).await?;
        }
        Ok(())
    }

    /// Reads the events of a marker from where the last search stopped, within the limits. Returns whether all were
    /// read.
    async fn read_events(&self, due: &mut DueMarker, limit: usize, scan: &mut ExpiredScan) -> Result<bool, StoreError> {
        let day = day(due.marker.happened());
        let shards = self.table.shards_of_day(RecordKind::Events, &day).await?.unwrap_or(0);
        while due.shard < shards {
            if scan.events.len() >= limit || scan.bytes >= MAX_BYTES || scan.examined >= MAX_EXAMINED {
                return Ok(false);
            }
            let room = (limit - scan.events.len()).clamp(MIN_PAGE, MAX_PAGE);
            let (items, examined, last) = self.page(due, room).await?;
            scan.examined += examined;
            for item in items {
                match event(&item) {
                    Ok(event) => {
                        scan.bytes += event.to_json().len();
                        scan.events.push(event);
                    }
                    Err(error) => self.keep_unreadable(item, &error).await?,
                }
            }
            due.shard += u16::from(last.is_none());
            due.after = last;
        }
        Ok(true)
    }

    /// Examines up to `room` events of a marker's hour. Returns those that expire by the marker, the number examined,
    /// and the id of the last one; `None` if the shard has no more.
    async fn page(&self, due: &DueMarker, room: usize) -> Result<(Vec<Item>, usize, Option<String>), StoreError> {
        let partition = RecordKind::Events.partition(&day(due.marker.happened()), due.shard);
        let ((from, below), (first, last)) = (due.marker.ids(), due.marker.ttls());
        let start = due.after.clone().map(|after| keys((partition.clone(), after)));
        let answer = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :below")
            // Events stored before archiving was enabled have no `expires`, and a time to live without grace.
            .filter_expression("#ttl BETWEEN :first AND :last AND attribute_exists(#expires)")
            .set_expression_attribute_names(Some(expiry_names()))
            .expression_attribute_values(":pk", text(partition))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":below", text(below))
            .expression_attribute_values(":first", number(first))
            .expression_attribute_values(":last", number(last))
            .limit(i32::try_from(room).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| StoreError::store(describe(&error)))?;
        let examined = usize::try_from(answer.scanned_count).unwrap_or(0);
        let last = answer.last_evaluated_key.map(|key| string(&key, SK).map(str::to_owned)).transpose()?;
        Ok((answer.items.unwrap_or_default(), examined, last))
    }

    /// Removes the time to live of an unreadable event, so that it is not deleted before it is archived.
    async fn keep_unreadable(&self, item: Item, error: &StoreError) -> Result<(), StoreError> {
        let key = (string(&item, PK)?.to_owned(), string(&item, SK)?.to_owned());
        tracing::error!(event = key.1, %error, "a stored event cannot be read; it is kept and not archived");
        let update = self.table.update(key).update_expression("REMOVE #ttl").expression_attribute_names("#ttl", TTL);
        update.send().await.map(drop).map_err(|error| StoreError::store(describe(&error)))
    }
}

/// The expired events that a search has found so far.
#[derive(Default)]
struct ExpiredScan {
    events: Vec<Event>,
    /// The size of the events as JSON.
    bytes: usize,
    examined: usize,
}

#[async_trait]
impl ports::EventExpiry for DynamoKeeping {
    async fn list_received(
        &self,
        after: Option<EventCursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<ReceivedPage, StoreError> {
        let mut walk = ShardWalk::after(&self.table, after).await?;
        let (mut page, mut bytes, mut room) = (ReceivedPage::default(), PageBudget::default(), limit.max(1));
        while let Some((items, shard)) = walk.next(room).await? {
            room -= items.len().min(room);
            for (index, item) in items.iter().enumerate() {
                page.next = Some(EventCursor { before: pk(item)?, shard: Some(shard) });
                match readable(item, measured_event(item)) {
                    Some((event, size)) if event.is_visible(now) => {
                        bytes.add(size);
                        let received = instant(item, RECEIVED).unwrap_or(event.created);
                        page.results.push(ReceivedEvent { event, received });
                    }
                    Some(_) => {}
                    None => page.unreadable += 1,
                }
                if bytes.is_used_up() && index + 1 < items.len() {
                    return Ok(page);
                }
            }
            if room == 0 || bytes.is_used_up() {
                return Ok(page);
            }
        }
        Ok(ReceivedPage { next: None, ..page })
    }

    async fn set_expiries(&self, expiries: &[(EventPk, Timestamp)], now: Timestamp) -> Result<usize, StoreError> {
        // A day's marker must outlive its events.
        let days = self.table.mark_events(expiries.iter().copied(), now).await?;
        let updates = expiries
            .iter()
            .filter_map(|(pk, expires)| Some(self.restamp_one(days.event(*pk)?, days.shard(*pk)?, *expires, now)));
        let given: Vec<usize> =
            stream::iter(updates.collect::<Vec<_>>()).buffer_unordered(CONCURRENCY).try_collect().await?;
        Ok(given.iter().sum())
    }

    async fn expired(&self, now: Timestamp, limit: usize) -> Result<ExpiredEvents, StoreError> {
        let (due, are_all) = self.table.due_markers(now, MARKERS_PAGE).await?;
        let since = due.first().map(|due| due.marker.since());
        let (mut scan, mut passed) = (ExpiredScan::default(), Vec::new());
        for mut due in due {
            if !self.read_events(&mut due, limit, &mut scan).await? {
                passed.push(due.position());
                return Ok(ExpiredEvents { events: scan.events, since, passed, is_last: false });
            }
            passed.push(due.marker.key());
        }
        Ok(ExpiredEvents { events: scan.events, since, passed, is_last: are_all })
    }

    /// Stores the progress in the markers. The time to live deletes the events.
    async fn mark_archived(&self, expired: &ExpiredEvents, _: Timestamp) -> Result<(), StoreError> {
        let updates: Vec<_> = expired.passed.iter().map(|passed| self.table.advance_marker(passed)).collect();
        stream::iter(updates).buffer_unordered(CONCURRENCY).try_for_each(async |()| Ok(())).await
    }
}
