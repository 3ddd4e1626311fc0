//! The stored events, read back.
//! Narrows a list by pk and expiry in SQL and by text in the bodies; `EventQuery::admits` decides.
//! Never holds more than a page: a scan reads row by row.

use async_trait::async_trait;
use domain::ports::{EventLog, EventPage, EventQuery, Purge, StoreError};
use domain::search::Search;
use domain::{Event, EventPk, Timestamp};
use jiff::SignedDuration;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::Store;
use crate::fault::Fault;
use crate::record::{self, Needles};

/// A page ends early once its events together have this size: a thousand of the largest would not fit.
pub(crate) const PAGE_BYTES: usize = 16 * 1024 * 1024;

/// A page ends early once it has read so much: about a second's work where each event must be read as JSON.
const MOST_EXAMINED: usize = 200_000;
const MOST_READ: usize = 256 * 1024 * 1024;

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
            found.map(|(body, expires)| record::event(&body, expires)).transpose()
        };
        self.readers.read(get).await
    }

    async fn list(&self, query: &EventQuery, now: Timestamp) -> Result<EventPage, StoreError> {
        let query = query.clone();
        self.readers.scan(move |connection| list(connection, &query, now)).await
    }

    async fn purge(&self, what: Purge, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.purge_all(what, now, limit).await
    }
}

fn list(connection: &Connection, query: &EventQuery, now: Timestamp) -> Result<EventPage, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT pk, body, expires FROM events WHERE pk < ?1 AND pk >= ?2 AND expires > ?3 ORDER BY pk DESC",
    )?;
    let since = query.since.map_or(EventPk::from_bytes([0; 16]), EventPk::first_at);
    let before = upper_bound(query);
    let mut rows = select.query(params![before, since.as_bytes(), now.as_microsecond()])?;
    let filter = Filter::of(query);
    let most = query.examine.unwrap_or(MOST_EXAMINED).clamp(1, MOST_EXAMINED);
    let mut results = Vec::<Event>::new();
    let (mut examined, mut last, mut read, mut found) = (0, None, 0, 0);
    while let Some(row) = rows.next()? {
        let body = row.get_ref(1)?.as_str().unwrap_or_default();
        let event = if filter.may_admit(body) { admitted(query, row, body)? } else { None };
        let full = event.is_some() && (results.len() >= query.limit.max(1) || found > PAGE_BYTES);
        if full || examined == most || read > MOST_READ {
            let searched = query.searched(examined, last);
            return Ok(EventPage { results, next: last, searched });
        }
        if let Some(event) = event {
            found += body.len();
            results.push(event);
        }
        examined += 1;
        read += body.len();
        last = Some(EventPk::from_bytes(row.get(0)?));
    }
    Ok(EventPage { results, next: None, searched: query.searched(examined, None) })
}

/// The row's event, if the query admits it.
fn admitted(query: &EventQuery, row: &Row<'_>, body: &str) -> Result<Option<Event>, Fault> {
    let Ok(event) = record::event(body, row.get(2)?) else {
        let pk = EventPk::from_bytes(row.get(0)?);
        tracing::error!(event = %pk, "a stored event cannot be read; it is left out of the list");
        return Ok(None);
    };
    Ok(Some(event).filter(|event| query.admits(event)))
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
            .pair("username", query.username.as_deref())
            .pair("client_ip", ip.as_deref());
        let needles = pairs.into_iter().fold(needles, |needles, (key, value)| needles.pair(key, Some(value)));
        Self { needles, text }
    }

    fn may_admit(&self, body: &str) -> bool {
        self.needles.admit(body) && self.text.as_ref().is_none_or(|text| body.to_lowercase().contains(text))
    }
}
