//! The ledger of deliveries.
//! Every write is conditional: an entry is opened once, and changed only by whoever read its last
//! revision. Columns beside the body are there for the indexes alone.

use async_trait::async_trait;
use domain::Timestamp;
use domain::delivery::{Delivery, DeliveryId, State, retry};
use domain::ports::{Ledger, Opened, Page, StoreError};
use domain::query::DeliveryQuery;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::Store;
use crate::fault::Fault;
use crate::record::{self, Needles};

/// Entries that are looked at in one go for instants that no wait leads to.
const MOST_MISDATED: i64 = 500;

#[async_trait]
impl Ledger for Store {
    async fn open(&self, entries: &[Delivery]) -> Result<Vec<Opened>, StoreError> {
        let entries = entries.to_vec();
        let open_all = move |connection: &Connection| entries.iter().map(|entry| open_one(connection, entry)).collect();
        self.writer.write(open_all).await
    }

    async fn replace(&self, entries: &[Delivery]) -> Result<Vec<bool>, StoreError> {
        let entries = entries.to_vec();
        let replace_all =
            move |connection: &Connection| entries.iter().map(|entry| replace_one(connection, entry)).collect();
        self.writer.write(replace_all).await
    }

    async fn get(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.readers.read(move |connection| get(connection, id)).await
    }

    async fn get_all(&self, ids: &[DeliveryId]) -> Result<Vec<Delivery>, StoreError> {
        let ids = ids.to_vec();
        let get_all =
            move |connection: &Connection| ids.into_iter().filter_map(|id| get(connection, id).transpose()).collect();
        self.readers.read(get_all).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DeliveryId>, StoreError> {
        let due = move |connection: &Connection| {
            let mut select = connection.prepare_cached(
                "SELECT id FROM deliveries WHERE due IS NOT NULL AND due <= ?1 ORDER BY due LIMIT ?2",
            )?;
            let most = i64::try_from(limit).unwrap_or(i64::MAX);
            let ids =
                select.query_map(params![now.as_microsecond(), most], |row| row.get(0).map(DeliveryId::from_bytes))?;
            let mut ids: Vec<DeliveryId> = ids.collect::<Result<_, _>>()?;
            if ids.len() < limit {
                ids.extend(misdated(connection, now)?);
            }
            Ok(ids)
        };
        self.readers.read(due).await
    }

    async fn list(&self, query: &DeliveryQuery) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        let query = query.clone();
        self.readers.scan(move |connection| list(connection, &query)).await
    }
}

fn open_one(connection: &Connection, entry: &Delivery) -> Result<Opened, Fault> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO deliveries (id, revision, state, due, expires, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (id) DO NOTHING",
    )?;
    if insert.execute(Columns::of(entry)?.params())? > 0 {
        return Ok(Opened::New);
    }
    let existing = get(connection, entry.id)?;
    Ok(existing.map_or(Opened::New, |existing| Opened::Existing(Box::new(existing))))
}

fn replace_one(connection: &Connection, entry: &Delivery) -> Result<bool, Fault> {
    let mut update = connection.prepare_cached(
        "UPDATE deliveries SET revision = ?2, state = ?3, due = ?4, expires = ?5, body = ?6
         WHERE id = ?1 AND revision = ?2 - 1",
    )?;
    Ok(update.execute(Columns::of(entry)?.params())? > 0)
}

struct Columns {
    id: [u8; 26],
    revision: i64,
    state: &'static str,
    due: Option<i64>,
    expires: i64,
    body: String,
}

impl Columns {
    fn of(entry: &Delivery) -> Result<Self, Fault> {
        Ok(Self {
            id: entry.id.to_bytes(),
            revision: i64::try_from(entry.revision).unwrap_or(i64::MAX),
            state: state_name(entry.state),
            due: entry.due_at().map(Timestamp::as_microsecond),
            expires: entry.expires.as_microsecond(),
            body: record::write(entry)?,
        })
    }

    fn params(&self) -> impl rusqlite::Params + '_ {
        (&self.id, self.revision, self.state, self.due, self.expires, &self.body)
    }
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Delivered => "delivered",
        State::Retrying => "retrying",
        State::Dead => "dead",
        State::Suppressed => "suppressed",
    }
}

/// Some entries that wait for an instant that no wait leads to. Digests are among those that are looked at.
fn misdated(connection: &Connection, now: Timestamp) -> Result<Vec<DeliveryId>, Fault> {
    let mut select =
        connection.prepare_cached("SELECT body FROM deliveries WHERE due > ?1 ORDER BY due DESC LIMIT ?2")?;
    let after = domain::time::later(now, retry::LONGEST_POSTPONEMENT).as_microsecond();
    let mut rows = select.query(params![after, MOST_MISDATED])?;
    let mut ids = Vec::new();
    while let Some(row) = rows.next()? {
        let entry = record::read::<Delivery>(row.get_ref(0)?.as_str().unwrap_or_default());
        ids.extend(entry.ok().filter(|entry| entry.waits_until(now).is_none()).map(|entry| entry.id));
    }
    Ok(ids)
}

fn get(connection: &Connection, id: DeliveryId) -> Result<Option<Delivery>, Fault> {
    let mut select = connection.prepare_cached("SELECT body FROM deliveries WHERE id = ?1")?;
    let body: Option<String> = select.query_row([id.to_bytes()], |row| row.get(0)).optional()?;
    body.map(|body| record::read(&body)).transpose()
}

/// Frees the entries that a dead process had claimed; says how many there were.
pub(crate) fn end_leases(connection: &Connection) -> Result<usize, Fault> {
    let mut select = connection
        .prepare_cached("SELECT id, body FROM deliveries WHERE state = 'pending' AND state <> 'delivered'")?;
    let pending: Vec<([u8; 26], String)> =
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut ended = 0;
    for (id, body) in pending {
        let Ok(entry) = record::read::<Delivery>(&body) else {
            tracing::error!(delivery = %DeliveryId::from_bytes(id), "a ledger entry cannot be read; it is left as it is");
            continue;
        };
        if entry.lease.is_some() {
            let free = Delivery { lease: None, revision: entry.revision + 1, ..entry };
            ended += usize::from(replace_one(connection, &free)?);
        }
    }
    Ok(ended)
}

fn list(connection: &Connection, query: &DeliveryQuery) -> Result<Page<Delivery, DeliveryId>, Fault> {
    let state = query.state.map(state_name);
    // Saying twice what follows from the state lets SQLite use the index on the few undelivered.
    let sql = match state {
        Some(state) if state != "delivered" => {
            "SELECT id, body FROM deliveries WHERE state = ?3 AND state <> 'delivered' AND id < ?1 AND id >= ?2
             ORDER BY id DESC"
        }
        _ => {
            "SELECT id, body FROM deliveries WHERE id < ?1 AND id >= ?2 AND (?3 IS NULL OR state = ?3)
             ORDER BY id DESC"
        }
    };
    let (before, from) = bounds(query);
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params![before, from, state])?;
    let needles = Needles::default()
        .pair("rule", query.rule.as_deref())
        .pair("transport", query.transport.as_deref())
        .name(query.recipient.as_deref());
    let mut page = Page { results: Vec::<Delivery>::new(), next: None };
    while let Some(row) = rows.next()? {
        let body = row.get_ref(1)?.as_str().unwrap_or_default();
        if !needles.admit(body) {
            continue;
        }
        let Ok(entry) = record::read::<Delivery>(body) else {
            let id = DeliveryId::from_bytes(row.get(0)?);
            tracing::error!(delivery = %id, "a ledger entry cannot be read; it is left out of the list");
            continue;
        };
        if !query.admits(&entry) {
            continue;
        }
        if page.results.len() >= query.limit.max(1) {
            page.next = page.results.last().map(|last| last.id);
            break;
        }
        page.results.push(entry);
    }
    Ok(page)
}

/// All results sort before the first and not before the second.
fn bounds(query: &DeliveryQuery) -> (Vec<u8>, Vec<u8>) {
    let (mut before, mut from) = (vec![0xff; 27], Vec::new());
    if let Some(first) = query.first() {
        from = first.as_bytes().to_vec();
    }
    if let Some(end) = query.end() {
        before = end.as_bytes().to_vec();
    }
    if let Some(event) = query.event {
        from = from.max(event.as_bytes().to_vec());
        let mut last = vec![0xff; 27];
        last.splice(..16, event.as_bytes().iter().copied());
        before = before.min(last);
    }
    if let Some(cursor) = query.before {
        before = before.min(cursor.to_bytes().to_vec());
    }
    (before, from)
}
