//! How long events are kept. An expiry that was stamped anew stands beside the body, which is as it was first written.

use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::event::{Event, EventPk};
use domain::ports::{self, Kept, Page, StoreError};
use domain::{Timestamp, time};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::describe::describe;
use crate::table::item::{Item, content, keys, number, text};
use crate::table::keys::{Family, TTL};
use crate::table::{AT_ONCE, Table, Walk};

/// The expiry in microseconds, where it is another than the body's: a time to live is whole seconds.
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

/// Notes on an event's item that it expires then, whatever its body says.
pub(crate) fn note_expiry(item: &mut Item, expires: Timestamp) {
    item.insert(TTL.to_owned(), number(time::ttl_seconds(expires)));
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

    async fn restamp_one(&self, pk: EventPk, expires: Timestamp, now: i64) -> Result<usize, StoreError> {
        let request = self
            .table
            .update((Family::Events.partition_of(pk, self.table.shards().await?), pk.to_string()))
            .update_expression("SET #ttl = :ttl, #expires = :expires")
            .condition_expression("attribute_exists(pk) AND #ttl > :now")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_names("#expires", EXPIRES)
            .expression_attribute_values(":ttl", number(time::ttl_seconds(expires)))
            .expression_attribute_values(":expires", number(expires.as_microsecond()))
            .expression_attribute_values(":now", number(now));
        match request.send().await {
            Ok(_) => Ok(1),
            Err(SdkError::ServiceError(context)) if context.err().is_conditional_check_failed_exception() => Ok(0),
            Err(error) => Err(StoreError::store(describe(&error))),
        }
    }
}

#[async_trait]
impl ports::Keeping for Keeping {
    async fn kept(
        &self,
        before: Option<EventPk>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<Kept, EventPk>, StoreError> {
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
                results.push(Kept { event, received });
            }
        }
        Ok(Page { results, next: last })
    }

    async fn restamp(&self, expiries: &[(EventPk, Timestamp)], now: Timestamp) -> Result<usize, StoreError> {
        // A day's marker must outlive its events.
        self.table.mark(Family::Events, expiries.iter().copied()).await?;
        let now = now.as_second();
        let updates: Vec<_> = expiries.iter().map(|(pk, expires)| self.restamp_one(*pk, *expires, now)).collect();
        let given: Vec<usize> = stream::iter(updates).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(given.iter().sum())
    }

    async fn expired(&self, now: Timestamp, limit: usize) -> Result<Vec<Event>, StoreError> {
        let (mut events, mut start) = (Vec::new(), None);
        while events.len() < limit {
            let scan = self.table.client().scan().table_name(self.table.name());
            let answer = scan
                .filter_expression("#ttl <= :now AND begins_with(pk, :events)")
                .expression_attribute_names("#ttl", TTL)
                .expression_attribute_values(":now", number(now.as_second()))
                .expression_attribute_values(":events", text(Family::Events.start()))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| StoreError::store(describe(&error)))?;
            for item in answer.items.unwrap_or_default() {
                events.push(event(&item)?);
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        events.truncate(limit);
        Ok(events)
    }

    async fn delete_expired(&self, pks: &[EventPk], now: Timestamp) -> Result<usize, StoreError> {
        let shards = self.table.shards().await?;
        let requests = pks.iter().map(|pk| {
            let place = (Family::Events.partition_of(*pk, shards), pk.to_string());
            self.table.delete_expired(keys(place), now.as_second())
        });
        let deleted: Vec<usize> =
            stream::iter(requests.collect::<Vec<_>>()).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(deleted.iter().sum())
    }
}
