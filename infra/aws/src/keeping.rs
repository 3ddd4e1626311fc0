//! How long events are kept. An expiry that was stamped anew stands beside the body, which is as it was first written.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use domain::event::{Event, EventPk};
use domain::ports::{self, ExpiredEvents, Page, ReceivedEvent, StoreError};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::describe::describe;
use crate::table::expiries::Due;
use crate::table::item::{Item, content, keys, number, string, text};
use crate::table::keys::{Family, PK, SK, TTL, day};
use crate::table::{AT_ONCE, Table, Walk};

/// Hours asked for at a time.
const MARKERS_AT_A_TIME: i32 = 200;

/// Events that one look for expired ones goes through, as those kept for different times lie side by side.
const MOST_EXAMINED: usize = 100_000;

/// Text of events handed over at a time, and of what compresses it: a small function's memory must hold it.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Events of one request: many, and yet not many more than were asked for.
const SMALLEST_PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;

/// The expiry in microseconds, where it is another than the body's or than the time to live: that is whole seconds.
const EXPIRES: &str = "expires";
/// When the event was received, in microseconds, where it happened a minute before or longer.
const RECEIVED: &str = "received";

/// How long the events in the table are kept.
#[derive(Clone, Debug)]
pub struct Keeping {
    table: Table,
}

/// An event as it is now.
pub(crate) fn event(item: &Item) -> Result<Event, StoreError> {
    let event: Event = content(item)?;
    Ok(Event { expires: instant(item, EXPIRES).unwrap_or(event.expires), ..event })
}

/// Holds for an event that has expired, with [`expiry_names`] and [`expiry_values`].
pub(crate) const EXPIRED: &str = "(#expires <= :micros OR (attribute_not_exists(#expires) AND #ttl <= :seconds))";

/// What stands for the names in [`EXPIRED`].
pub(crate) fn expiry_names() -> HashMap<String, String> {
    [("#ttl", TTL), ("#expires", EXPIRES)].map(|(short, name)| (short.to_owned(), name.to_owned())).into()
}

/// What stands for `now` in [`EXPIRED`].
pub(crate) fn expiry_values(now: Timestamp) -> Item {
    [(":micros", now.as_microsecond()), (":seconds", now.as_second())]
        .map(|(name, value)| (name.to_owned(), number(value)))
        .into()
}

/// Notes on an event's item that it expires then, whatever its body says, and when it may be deleted.
pub(crate) fn note_expiry(item: &mut Item, expires: Timestamp, ttl: i64) {
    item.insert(TTL.to_owned(), number(ttl));
    item.insert(EXPIRES.to_owned(), number(expires.as_microsecond()));
}

/// Notes on an event's item when it was received, where that does not follow from when it happened.
pub(crate) fn note_received(item: &mut Item, created: Timestamp, now: Timestamp) {
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

impl Keeping {
    /// Over the table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    async fn restamp_one(&self, pk: EventPk, expires: Timestamp, now: Timestamp) -> Result<usize, StoreError> {
        let request = self
            .table
            .update((Family::Events.partition_of(pk, self.table.shards().await?), pk.to_string()))
            .update_expression("SET #ttl = :ttl, #expires = :expires")
            .condition_expression(format!("attribute_exists(pk) AND NOT {EXPIRED}"))
            .set_expression_attribute_names(Some(expiry_names()))
            .set_expression_attribute_values(Some(expiry_values(now)))
            .expression_attribute_values(":ttl", number(self.table.leaving().ttl(expires, now)))
            .expression_attribute_values(":expires", number(expires.as_microsecond()));
        match request.send().await {
            Ok(_) => Ok(1),
            Err(SdkError::ServiceError(context)) if context.err().is_conditional_check_failed_exception() => Ok(0),
            Err(error) => Err(StoreError::store(describe(&error))),
        }
    }

    /// Reads on where a marker's events were left, until there are enough; whether all were read.
    async fn read_on(&self, due: &mut Due, limit: usize, looked: &mut Looked) -> Result<bool, StoreError> {
        let shards = self.table.shards().await?;
        while due.shard < shards {
            if looked.events.len() >= limit || looked.bytes >= MOST_BYTES || looked.examined >= MOST_EXAMINED {
                return Ok(false);
            }
            let room = (limit - looked.events.len()).clamp(SMALLEST_PAGE, LARGEST_PAGE);
            let (items, examined, last) = self.page(due, room).await?;
            looked.examined += examined;
            for item in items {
                match event(&item) {
                    Ok(event) => {
                        looked.bytes += event.to_json().len();
                        looked.events.push(event);
                    }
                    Err(error) => self.keep_unreadable(item, &error).await?,
                }
            }
            due.shard += u16::from(last.is_none());
            due.after = last;
        }
        Ok(true)
    }

    /// Looks at up to `room` events of a marker's hour: those that leave by it, how many were looked at, and the id of
    /// the last one unless there are no more in this shard.
    async fn page(&self, due: &Due, room: usize) -> Result<(Vec<Item>, usize, Option<String>), StoreError> {
        let partition = Family::Events.partition(&day(due.marker.happened()), due.shard);
        let ((from, below), (first, last)) = (due.marker.ids(), due.marker.ttls());
        let start = due.after.clone().map(|after| keys((partition.clone(), after)));
        let answer = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :below")
            // What was stored before there was an archive has no `expires`, and a time to live without grace.
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

    /// Nobody can say what would be lost with it.
    async fn keep_unreadable(&self, item: Item, error: &StoreError) -> Result<(), StoreError> {
        let place = (string(&item, PK)?.to_owned(), string(&item, SK)?.to_owned());
        tracing::error!(event = place.1, %error, "a stored event cannot be read; it stays, and is not archived");
        let update = self.table.update(place).update_expression("REMOVE #ttl").expression_attribute_names("#ttl", TTL);
        update.send().await.map(drop).map_err(|error| StoreError::store(describe(&error)))
    }
}

/// What a look for expired events has found so far.
#[derive(Default)]
struct Looked {
    events: Vec<Event>,
    /// As JSON.
    bytes: usize,
    examined: usize,
}

#[async_trait]
impl ports::EventExpiry for Keeping {
    async fn list_received(
        &self,
        before: Option<EventPk>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<ReceivedEvent, EventPk>, StoreError> {
        let below = before.map(|before| before.to_string());
        let mut walk = Walk::days(&self.table, Family::Events, None, below, limit).await?;
        let (mut results, mut last) = (Vec::new(), None);
        for _ in 0..limit.max(1) {
            let Some(item) = walk.next().await? else {
                return Ok(Page { results, next: None });
            };
            let event = event(&item)?;
            last = Some(event.pk);
            if event.is_visible(now) {
                let received = instant(&item, RECEIVED).unwrap_or(event.created);
                results.push(ReceivedEvent { event, received });
            }
        }
        Ok(Page { results, next: last })
    }

    async fn set_expiries(&self, expiries: &[(EventPk, Timestamp)], now: Timestamp) -> Result<usize, StoreError> {
        // A day's marker must outlive its events.
        self.table.mark_events(expiries.iter().copied(), now).await?;
        let updates: Vec<_> = expiries.iter().map(|(pk, expires)| self.restamp_one(*pk, *expires, now)).collect();
        let given: Vec<usize> = stream::iter(updates).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(given.iter().sum())
    }

    async fn expired(&self, now: Timestamp, limit: usize) -> Result<ExpiredEvents, StoreError> {
        let (due, are_all) = self.table.due_markers(now, MARKERS_AT_A_TIME).await?;
        let since = due.first().map(|due| due.marker.since());
        let (mut looked, mut passed) = (Looked::default(), Vec::new());
        for mut due in due {
            if !self.read_on(&mut due, limit, &mut looked).await? {
                passed.push(due.reached());
                return Ok(ExpiredEvents { events: looked.events, since, passed, is_last: false });
            }
            passed.push(due.marker.key());
        }
        Ok(ExpiredEvents { events: looked.events, since, passed, is_last: are_all })
    }

    /// What expired is left to the time to live.
    async fn mark_archived(&self, expired: &ExpiredEvents, _: Timestamp) -> Result<(), StoreError> {
        let notes: Vec<_> = expired.passed.iter().map(|passed| self.table.pass(passed)).collect();
        stream::iter(notes).buffer_unordered(AT_ONCE).try_for_each(async |()| Ok(())).await
    }
}
