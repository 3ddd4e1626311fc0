//! The event log: reads stored events.

use async_trait::async_trait;
use domain::Timestamp;
use domain::event::{Event, EventPk};
use domain::ports::{self, EventPage, PurgeScope, StoreError};
use domain::query::{EventQuery, PageBudget};
use jiff::SignedDuration;

use crate::keeping;
use crate::table::item::readable;
use crate::table::keys::RecordKind;
use crate::table::{EventWalk, Table};

/// The most records that a page examines. A page that stops here has a cursor, even if it is not full.
pub(crate) const MAX_EXAMINED: usize = 20_000;

/// The most bytes of events, as JSON, that a page reads: about two seconds in a small function.
const MAX_READ_BYTES: usize = 64 * 1024 * 1024;

/// The events in the table.
#[derive(Clone, Debug)]
pub struct DynamoEventLog {
    table: Table,
}

impl DynamoEventLog {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

#[async_trait]
impl ports::EventLog for DynamoEventLog {
    async fn get(&self, pk: EventPk, now: Timestamp) -> Result<Option<Event>, StoreError> {
        let Some(partition) = self.table.partition_of(RecordKind::Events, pk).await? else { return Ok(None) };
        let event = self.table.get((partition, pk.to_string())).await?.map(|item| keeping::event(&item)).transpose()?;
        Ok(event.filter(|event| event.is_visible(now)))
    }

    async fn list(&self, query: &EventQuery, now: Timestamp) -> Result<EventPage, StoreError> {
        let (from, below) = bounds(query);
        let mut walk = EventWalk::for_query(&self.table, query, from, below).await?;
        let mut results: Vec<Event> = Vec::new();
        let max_examined = query.examine.unwrap_or(MAX_EXAMINED).clamp(1, MAX_EXAMINED);
        let (mut examined, mut last) = (0, None);
        let (mut page_bytes, mut read_bytes) = (PageBudget::default(), 0);
        while let Some(item) = walk.next().await? {
            let pk = keeping::pk(&item)?;
            let (event, bytes) = readable(&item, keeping::measured_event(&item)).unzip();
            let admitted = event.filter(|event| event.is_visible(now) && query.matches(event));
            let is_full = admitted.is_some() && (results.len() == query.limit.max(1) || page_bytes.is_used_up());
            if is_full || examined == max_examined || read_bytes >= MAX_READ_BYTES {
                return Ok(EventPage { results, next: last, searched: query.searched(examined, last) });
            }
            read_bytes += bytes.unwrap_or(0);
            if let Some(event) = admitted {
                page_bytes.add(bytes.unwrap_or(0));
                results.push(event);
            }
            examined += 1;
            last = Some(pk);
        }
        Ok(EventPage { results, next: None, searched: query.searched(examined, None) })
    }

    /// Deletes nothing: each item that expires has a time to live, after which DynamoDB deletes it within a few days, for
    /// nothing. Looking for such items costs a read of the whole table, and each deletion as much as a write.
    async fn purge(&self, _: PurgeScope, _: Timestamp, _: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}

/// The bounds of matching ids: from the first (inclusive) to the second (exclusive).
fn bounds(query: &EventQuery) -> (Option<String>, Option<String>) {
    let from = query.since.map(|since| EventPk::first_at(since).to_string());
    // A pk has whole milliseconds, `until` may not: events of its last millisecond may still match.
    let until = query.until.map(|until| {
        let after = domain::time::later(until.max(Timestamp::UNIX_EPOCH), SignedDuration::from_millis(1));
        EventPk::first_at(after).to_string()
    });
    let before = query.before.map(|before| before.to_string());
    (from, [until, before].into_iter().flatten().min())
}
