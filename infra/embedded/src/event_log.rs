//! The stored events, read back.
//! Narrows a list by pk and expiry in SQL, by the search index where what is asked for is rare, and by text in the bodies;
//! `EventQuery::admits` decides. Never holds more than a page: a scan reads row by row.

use async_trait::async_trait;
use domain::ports::{EventLog, EventPage, Purge, StoreError};
use domain::query::EventQuery;
use domain::query::dimension::Dimension;
use domain::query::search::Search;
use domain::{Event, EventPk, Timestamp};
use jiff::SignedDuration;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::Store;
use crate::fault::Fault;
use crate::record::{self, Needles};
use crate::search_index::SearchIndex;

/// A page ends early once its events together have this size: a thousand of the largest would not fit.
pub(crate) const PAGE_BYTES: usize = 16 * 1024 * 1024;

/// A page ends early once it has read so much: about a second's work where each event must be read as JSON.
const MOST_EXAMINED: usize = 200_000;
const MOST_READ: usize = 256 * 1024 * 1024;

/// Looked at before the index is asked: what is frequent is found among them.
const FIRST_LOOK: usize = 1000;

/// What more events may hold is frequent enough to be found by looking at one after the other.
const MOST_CANDIDATES: usize = 20_000;

/// Sorts after every pk.
pub(crate) const AFTER_ALL: [u8; 17] = [0xff; 17];

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
            // An index that leads to another row is damaged, and must not show somebody else's event.
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
        let (index, span) = (self.search.clone(), since.as_microsecond()..until.as_microsecond());
        self.readers.read(move |events| Ok(index.counted(events, by, span))).await
    }

    async fn purge(&self, what: Purge, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.purge_all(what, now, limit).await
    }
}

fn list(connection: &Connection, index: &SearchIndex, query: &EventQuery, now: Timestamp) -> Result<EventPage, Fault> {
    let mut page = Page::of(query);
    let mut select = connection.prepare_cached(
        "SELECT pk, body, expires FROM events WHERE pk < ?1 AND pk >= ?2 AND expires > ?3 ORDER BY pk DESC",
    )?;
    let since = query.since.map_or(EventPk::from_bytes([0; 16]), EventPk::first_at);
    let mut rows = select.query(params![upper_bound(query), since.as_bytes(), now.as_microsecond()])?;
    let mut rare = Rare::Unknown;
    while let Some(row) = rows.next()? {
        let pk = row.get(0)?;
        if page.examined == FIRST_LOOK && matches!(rare, Rare::Unknown) {
            rare = index.candidates(connection, &page.filter.texts(), MOST_CANDIDATES).map_or(Rare::No, Rare::Only);
        }
        if let Rare::Only(candidates) = &rare {
            let pks = still_there(connection, candidates, (since.as_bytes(), &pk), now)?;
            return pick(connection, page, &pks);
        }
        if !page.take(pk, row.get_ref(1)?.as_str().unwrap_or_default(), row.get(2)?) {
            return Ok(page.ended(true));
        }
    }
    Ok(page.ended(false))
}

/// Whether what is looked for is known to be rare.
enum Rare {
    Unknown,
    No,
    /// It stands in these rows only, if anywhere.
    Only(Vec<i64>),
}

/// The pks of the rows' events, the newest first: from the one on, up to the other.
fn still_there(
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

fn pick(connection: &Connection, mut page: Page<'_>, pks: &[[u8; 16]]) -> Result<EventPage, Fault> {
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

/// A page in the making.
struct Page<'a> {
    query: &'a EventQuery,
    filter: Filter,
    most: usize,
    results: Vec<Event>,
    examined: usize,
    last: Option<EventPk>,
    read: usize,
    found: usize,
}

impl<'a> Page<'a> {
    fn of(query: &'a EventQuery) -> Self {
        let most = query.examine.unwrap_or(MOST_EXAMINED).clamp(1, MOST_EXAMINED);
        let (filter, results) = (Filter::of(query), Vec::new());
        Self { query, filter, most, results, examined: 0, last: None, read: 0, found: 0 }
    }

    /// Looks at the next event; false if the page had ended before it.
    fn take(&mut self, pk: [u8; 16], body: &str, expires: i64) -> bool {
        let pk = EventPk::from_bytes(pk);
        let event = if self.filter.may_admit(body) { admitted(self.query, pk, body, expires) } else { None };
        let full = event.is_some() && (self.results.len() >= self.query.limit.max(1) || self.found > PAGE_BYTES);
        if full || self.examined == self.most || self.read > MOST_READ {
            return false;
        }
        if let Some(event) = event {
            self.found += body.len();
            self.results.push(event);
        }
        self.examined += 1;
        self.read += body.len();
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
        tracing::error!(event = %pk, "a stored event cannot be read; it is left out of the list");
        return None;
    };
    Some(event).filter(|event| query.admits(event))
}

/// The pk that all results sort before. A pk has whole milliseconds, `until` may not.
fn upper_bound(query: &EventQuery) -> Vec<u8> {
    let until = query.until.map(|until| EventPk::first_at(domain::time::later(until, SignedDuration::from_millis(1))));
    [query.before, until].into_iter().flatten().min().map_or(AFTER_ALL.to_vec(), |pk| pk.as_bytes().to_vec())
}

/// Rules bodies out by their text.
struct Filter {
    needles: Needles,
    text: Option<String>,
}

impl Filter {
    fn of(query: &EventQuery) -> Self {
        let (exact, prefix) = match &query.action {
            Some(domain::event::ActionPattern::Exact(action)) => (Some(action.as_str()), None),
            Some(domain::event::ActionPattern::Prefix(start)) => (None, Some(start.as_str())),
            None => (None, None),
        };
        let ip = query.client_ip.map(|ip| ip.to_string());
        let (text, pairs) = match &query.search {
            Some(Search::Text(text)) => (Some(text.clone()), Vec::new()),
            Some(Search::Query(asked)) => (None, asked.necessary()),
            None => (None, Vec::new()),
        };
        let needles = Needles::default()
            .pair("action", exact)
            .pair_prefix("action", prefix)
            .pair_prefix("app", query.app.as_deref())
            .name(query.username.as_deref())
            .pair("client_ip", ip.as_deref());
        let needles = pairs.into_iter().fold(needles, |needles, (key, value)| needles.pair(key, Some(value)));
        Self { needles, text }
    }

    /// What an admitted body has in lower case.
    fn texts(&self) -> Vec<String> {
        self.needles.telling().map(str::to_lowercase).chain(self.text.clone()).collect()
    }

    fn may_admit(&self, body: &str) -> bool {
        self.needles.admit(body) && self.text.as_ref().is_none_or(|text| body.to_lowercase().contains(text))
    }
}
