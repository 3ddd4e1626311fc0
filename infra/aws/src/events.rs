//! The event log: reads stored events, and deletes expired items that the time to live has not deleted yet.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use domain::Timestamp;
use domain::event::{Event, EventPk};
use domain::ports::{self, EventPage, PurgeScope, StoreError};
use domain::query::{EventQuery, PageBudget};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::SignedDuration;

use crate::describe::describe;
use crate::keeping;
use crate::table::item::{Item, number, readable, text};
use crate::table::keys::{PK, RecordKind, SK, TTL};
use crate::table::{CONCURRENCY, Table, Walk};

/// The most records that a page examines. A page that stops here has a cursor, even if it is not full.
pub(crate) const MAX_EXAMINED: usize = 20_000;

/// The most bytes of events, as JSON, that a page reads: about two seconds in a small function.
const MAX_READ_BYTES: usize = 64 * 1024 * 1024;

/// The most records that one purge examines: about 75 read units.
const PURGE_EXAMINES: usize = 1000;

/// The events in the table.
#[derive(Clone, Debug)]
pub struct DynamoEventLog {
    table: Table,
    /// Where the last purge of this process stopped; `None` to begin at the table's start.
    purge_cursor: Arc<Mutex<Option<Item>>>,
}

impl DynamoEventLog {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table, purge_cursor: Arc::default() }
    }

    /// Examines up to `examine` items from where the last call stopped, and finds up to `max_found` expired ones.
    async fn expired(
        &self,
        what: PurgeScope,
        now: i64,
        examine: usize,
        max_found: usize,
    ) -> Result<PurgeScan, StoreError> {
        let start = self.purge_cursor.lock().unwrap_or_else(PoisonError::into_inner).take();
        let scan = self.table.client().scan().table_name(self.table.name());
        let scan = match what {
            PurgeScope::All => scan.filter_expression("#ttl <= :now"),
            PurgeScope::AllButEvents => scan
                .filter_expression("#ttl <= :now AND NOT begins_with(pk, :events)")
                .expression_attribute_values(":events", text(RecordKind::Events.start())),
        };
        let answer = scan
            .projection_expression("pk, sk")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":now", number(now))
            .limit(i32::try_from(examine).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| StoreError::store(describe(&error)))?;
        let mut keys: Vec<_> = answer.items.unwrap_or_default().into_iter().map(only_keys).collect();
        let mut stopped = answer.last_evaluated_key;
        if keys.len() > max_found {
            keys.truncate(max_found);
            stopped = keys.last().cloned();
        }
        let ended = stopped.is_none();
        *self.purge_cursor.lock().unwrap_or_else(PoisonError::into_inner) = stopped;
        Ok(PurgeScan { keys, examined: usize::try_from(answer.scanned_count).unwrap_or(0), ended })
    }
}

/// Expired items that a scan found.
struct PurgeScan {
    keys: Vec<Item>,
    examined: usize,
    /// Whether the scan reached the end of the table. The next one begins at the start.
    ended: bool,
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
        let mut walk = Walk::days(&self.table, RecordKind::Events, from, below, query.limit).await?;
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

    async fn purge(&self, what: PurgeScope, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        // A time to live is rounded up: an item past it has expired.
        let now = now.as_second();
        let (mut count, mut examined, mut rounds) = (0, 0, 0);
        // Two rounds, as the first one may begin in the middle of the table.
        while count < limit && examined < PURGE_EXAMINES && rounds < 2 {
            let found = self.expired(what, now, PURGE_EXAMINES - examined, limit - count).await?;
            let deletes: Vec<_> = found.keys.into_iter().map(|key| self.table.delete_expired(key, now)).collect();
            let gone: Vec<usize> = stream::iter(deletes).buffer_unordered(CONCURRENCY).try_collect().await?;
            count += gone.iter().sum::<usize>();
            examined += found.examined;
            rounds += usize::from(found.ended);
        }
        Ok(count)
    }
}

fn only_keys(mut item: Item) -> Item {
    item.retain(|name, _| name == PK || name == SK);
    item
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
