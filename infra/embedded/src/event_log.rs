//! Reads stored events: one by its pk, or pages of a list.
//! Narrows a list by pk and expiry in SQL, by the search index where matches are rare, and by text in the bodies;
//! `EventQuery::admits` decides. Never holds more than a page in memory: a scan reads row by row.

use async_trait::async_trait;
use domain::ports::{EventLog, EventPage, PurgeScope, StoreError};
use domain::query::dimension::Dimension;
use domain::query::search::{Search, TextSearch};
use domain::query::{AddressRange, EventQuery, PageBudget, escaped_len};
use domain::{Event, EventPk, Timestamp};
use jiff::SignedDuration;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::Store;
use crate::fault::Fault;
use crate::record::{self, RequiredSubstrings};
use crate::search_index::SearchIndex;

/// A page ends early once its events together exceed this many bytes: a thousand of the largest would not fit.
pub(crate) const PAGE_BYTES: usize = 16 * 1024 * 1024;

/// A page ends early once it has read this many events or bytes: about a second of work if each must be parsed.
const MAX_EXAMINED: usize = 200_000;
const MAX_READ_BYTES: usize = 256 * 1024 * 1024;

/// The number of events scanned before the index is used: if matches are frequent, the scan alone fills the page.
const SCAN_BEFORE_INDEX: usize = 1000;

/// With more candidates than this, matches are frequent enough for a plain scan.
const MAX_CANDIDATES: usize = 20_000;

/// Sorts after every pk.
pub(crate) const MAX_PK_KEY: [u8; 17] = [0xff; 17];

#[async_trait]
impl EventLog for Store {
    async fn get(&self, pk: EventPk, now: Timestamp) -> Result<Option<Event>, StoreError> {
        let get = move |connection: &Connection| {
            let mut select =
                connection.prepare_cached("SELECT body, expires FROM events WHERE pk = ?1 AND expires > ?2")?;
            let found: Option<(String, i64)> = select
                .query_row(params![pk.as_bytes(), now.as_microsecond()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let event = found.map(|(body, expires)| record::event(&body, expires)).transpose()?;
            // A damaged index may lead to another row: do not return an event of another person.
            match event {
                Some(event) if event.pk != pk => Err(Fault::damaged("an index leads to another event")),
                event => Ok(event),
            }
        };
        self.readers.read(get).await
    }

    async fn list(&self, query: &EventQuery, now: Timestamp) -> Result<EventPage, StoreError> {
        let query = query.clone();
        let index = self.search.clone();
        self.readers.scan(move |connection| list(connection, &index, &query, now)).await
    }

    async fn counted(
        &self,
        by: Dimension,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Vec<(String, u64)>>, StoreError> {
        let (index, range) = (self.search.clone(), since.as_microsecond()..until.as_microsecond());
        self.readers.read(move |events| Ok(index.counted(events, by, range))).await
    }

    async fn purge(&self, what: PurgeScope, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.purge_all(what, now, limit).await
    }
}

fn list(connection: &Connection, index: &SearchIndex, query: &EventQuery, now: Timestamp) -> Result<EventPage, Fault> {
    let mut page = PageBuilder::for_query(query);
    let mut select = connection.prepare_cached(
        "SELECT pk, body, expires FROM events WHERE pk < ?1 AND pk >= ?2 AND expires > ?3 ORDER BY pk DESC",
    )?;
    let since = query.since.map_or(EventPk::from_bytes([0; 16]), EventPk::first_at);
    let mut rows = select.query(params![upper_bound(query), since.as_bytes(), now.as_microsecond()])?;
    let mut rarity = Rarity::Unknown;
    while let Some(row) = rows.next()? {
        let pk = row.get(0)?;
        if page.examined == SCAN_BEFORE_INDEX && matches!(rarity, Rarity::Unknown) {
            let candidates = index.candidates(connection, &page.filter.substrings(), MAX_CANDIDATES);
            rarity = candidates.map_or(Rarity::Frequent, Rarity::Rare);
        }
        if let Rarity::Rare(candidates) = &rarity {
            let pks = live_pks(connection, candidates, (since.as_bytes(), &pk), now)?;
            return read_pks(connection, page, &pks);
        }
        if !page.take(pk, row.get_ref(1)?.as_str().unwrap_or_default(), row.get(2)?) {
            return Ok(page.ended(true));
        }
    }
    Ok(page.ended(false))
}

/// How many events match, as far as the search index tells.
enum Rarity {
    /// The index was not asked yet.
    Unknown,
    /// Too many to list, or the index cannot tell.
    Frequent,
    /// Only events in these rows may match.
    Rare(Vec<i64>),
}

/// The pks of the rows' events that still exist, newest first, between two pks (both inclusive).
fn live_pks(
    connection: &Connection,
    rows: &[i64],
    (from, to): (&[u8; 16], &[u8; 16]),
    now: Timestamp,
) -> Result<Vec<[u8; 16]>, Fault> {
    let mut select = connection.prepare_cached("SELECT pk FROM events WHERE rowid = ?1 AND expires > ?2")?;
    let mut pks = Vec::with_capacity(rows.len());
    for row in rows {
        let pk: Option<[u8; 16]> = select.query_row(params![row, now.as_microsecond()], |row| row.get(0)).optional()?;
        pks.extend(pk.filter(|pk| from <= pk && pk <= to));
    }
    pks.sort_unstable_by(|one, other| other.cmp(one));
    Ok(pks)
}

fn read_pks(connection: &Connection, mut page: PageBuilder<'_>, pks: &[[u8; 16]]) -> Result<EventPage, Fault> {
    let mut select = connection.prepare_cached("SELECT body, expires FROM events WHERE pk = ?1")?;
    for pk in pks {
        let mut rows = select.query([pk])?;
        if let Some(row) = rows.next()?
            && !page.take(*pk, row.get_ref(0)?.as_str().unwrap_or_default(), row.get(1)?)
        {
            return Ok(page.ended(true));
        }
    }
    Ok(page.ended(false))
}

/// A page that is being filled, within its limits.
struct PageBuilder<'a> {
    query: &'a EventQuery,
    filter: BodyFilter,
    max_examined: usize,
    results: Vec<Event>,
    examined: usize,
    last: Option<EventPk>,
    read_bytes: usize,
    bytes: PageBudget,
}

impl<'a> PageBuilder<'a> {
    fn for_query(query: &'a EventQuery) -> Self {
        let max_examined = query.examine.unwrap_or(MAX_EXAMINED).clamp(1, MAX_EXAMINED);
        let (filter, results) = (BodyFilter::from_query(query), Vec::new());
        Self {
            query,
            filter,
            max_examined,
            results,
            examined: 0,
            last: None,
            read_bytes: 0,
            bytes: PageBudget::default(),
        }
    }

    /// Adds the next event if it matches; false if the page is full and the event belongs to the next one.
    fn take(&mut self, pk: [u8; 16], body: &str, expires: i64) -> bool {
        let pk = EventPk::from_bytes(pk);
        let event = if self.filter.may_match(body) { admitted(self.query, pk, body, expires) } else { None };
        let full = event.is_some() && (self.results.len() >= self.query.limit.max(1) || self.bytes.is_used_up());
        if full || self.examined == self.max_examined || self.read_bytes > MAX_READ_BYTES {
            return false;
        }
        if let Some(event) = event {
            self.bytes.add(escaped_len(body));
            self.results.push(event);
        }
        self.examined += 1;
        self.read_bytes += body.len();
        self.last = Some(pk);
        true
    }

    fn ended(self, more: bool) -> EventPage {
        let last = self.last.filter(|_| more);
        EventPage { results: self.results, next: last, searched: self.query.searched(self.examined, last) }
    }
}

/// The event, if the query admits it.
fn admitted(query: &EventQuery, pk: EventPk, body: &str, expires: i64) -> Option<Event> {
    let Ok(event) = record::event(body, expires) else {
        tracing::error!(event = %pk, "a stored event cannot be read; the list omits it");
        return None;
    };
    Some(event).filter(|event| query.matches(event))
}

/// All results sort before this pk. It is rounded up, as a pk has whole milliseconds and `until` may not.
fn upper_bound(query: &EventQuery) -> Vec<u8> {
    let until = query.until.map(|until| EventPk::first_at(domain::time::later(until, SignedDuration::from_millis(1))));
    [query.before, until].into_iter().flatten().min().map_or(MAX_PK_KEY.to_vec(), |pk| pk.as_bytes().to_vec())
}

/// Rules out bodies by their text, without parsing them.
struct BodyFilter {
    required: RequiredSubstrings,
    /// Free text that the body must contain.
    text: Option<TextSearch>,
}

impl BodyFilter {
    fn from_query(query: &EventQuery) -> Self {
        let (exact, prefix) = match &query.action {
            Some(domain::event::ActionPattern::Exact(action)) => (Some(action.as_str()), None),
            Some(domain::event::ActionPattern::Prefix(start)) => (None, Some(start.as_str())),
            None => (None, None),
        };
        let address = query.client_ip.and_then(AddressRange::only).map(|address| address.to_string());
        let network = query.client_ip.map(AddressRange::text_prefix).filter(|prefix| !prefix.is_empty());
        let (text, pieces) = match &query.search {
            Some(Search::Text(text)) => (Some(text.clone()), Vec::new()),
            Some(Search::Query(asked)) => (None, asked.necessary()),
            None => (None, Vec::new()),
        };
        let required = RequiredSubstrings::default()
            .pair("action", exact)
            .pair_prefix("action", prefix)
            .pair_prefix("app", query.app.as_deref())
            .name(query.username.as_deref())
            .pair("client_ip", address.as_deref())
            .pair_prefix("client_ip", network.as_deref());
        let required = pieces.into_iter().fold(required, RequiredSubstrings::piece);
        Self { required, text }
    }

    /// Texts that every matching body contains, once in lower case.
    fn substrings(&self) -> Vec<String> {
        let pieces = self.text.iter().flat_map(TextSearch::pieces).map(str::to_owned);
        self.required.selective_parts().map(str::to_lowercase).chain(pieces).collect()
    }

    fn may_match(&self, body: &str) -> bool {
        self.required.may_match(body) && self.text.as_ref().is_none_or(|text| text.occurs_in(body))
    }
}
