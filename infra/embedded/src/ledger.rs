//! The ledger of deliveries.
//! Every write is conditional: an entry is inserted once, and later only replaced by its next revision. The columns
//! beside the body exist for the indexes alone.

use async_trait::async_trait;
use domain::Timestamp;
use domain::delivery::{Delivery, DeliveryId, DeliveryState, retry};
use domain::ports::{DueDelivery, Ledger, OpenOutcome, Page, StoreError};
use domain::query::{DeliveryQuery, PageBudget, escaped_len};
use rusqlite::{Connection, ToSql, params};

use crate::Store;
use crate::fault::Fault;
use crate::record::{self, RequiredSubstrings};
use crate::versioned_table::{VersionedRow, VersionedTable};

const DELIVERIES: VersionedTable =
    VersionedTable { name: "deliveries", key: "id", columns: &["state", "due", "expires", "body"] };

/// The most entries that one call of `due` checks for a misdated `due`.
const MAX_MISDATED: i64 = 500;

#[async_trait]
impl Ledger for Store {
    async fn open(&self, entries: &[Delivery]) -> Result<Vec<OpenOutcome>, StoreError> {
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
        let get_all = move |connection: &Connection| {
            let sql = "SELECT body FROM deliveries WHERE id = ?1";
            let mut entries = Vec::with_capacity(ids.len());
            for id in ids {
                entries.extend(record::select_readable(connection, "delivery", sql, [id.to_bytes()])?);
            }
            Ok(entries)
        };
        self.readers.read(get_all).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DueDelivery>, StoreError> {
        let due = move |connection: &Connection| {
            let mut select = connection.prepare_cached(
                "SELECT id, due FROM deliveries WHERE due IS NOT NULL AND due <= ?1 ORDER BY due LIMIT ?2",
            )?;
            let most = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut rows = select.query(params![now.as_microsecond(), most])?;
            let mut due = Vec::new();
            while let Some(row) = rows.next()? {
                let at = Timestamp::from_microsecond(row.get(1)?).unwrap_or(now);
                due.push(DueDelivery { at, id: DeliveryId::from_bytes(row.get(0)?) });
            }
            if due.len() < limit {
                due.extend(misdated(connection, now)?);
            }
            Ok(due)
        };
        self.readers.read(due).await
    }

    async fn list(&self, query: &DeliveryQuery) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        let query = query.clone();
        self.readers.scan(move |connection| list(connection, &query)).await
    }
}

fn open_one(connection: &Connection, entry: &Delivery) -> Result<OpenOutcome, Fault> {
    if DeliveryColumns::from_delivery(entry)?.with_row(|row| DELIVERIES.insert(connection, row))? {
        return Ok(OpenOutcome::New);
    }
    let sql = "SELECT body FROM deliveries WHERE id = ?1";
    let existing = record::select_readable(connection, "delivery", sql, [entry.id.to_bytes()])?.pop();
    Ok(existing.map_or(OpenOutcome::Unreadable, |existing| OpenOutcome::Existing(Box::new(existing))))
}

fn replace_one(connection: &Connection, entry: &Delivery) -> Result<bool, Fault> {
    DeliveryColumns::from_delivery(entry)?.with_row(|row| DELIVERIES.replace(connection, row))
}

struct DeliveryColumns {
    id: [u8; 26],
    revision: u64,
    state: &'static str,
    due: Option<i64>,
    expires: i64,
    body: String,
}

impl DeliveryColumns {
    fn from_delivery(entry: &Delivery) -> Result<Self, Fault> {
        Ok(Self {
            id: entry.id.to_bytes(),
            revision: entry.revision,
            state: state_name(entry.state),
            due: entry.due_at().map(Timestamp::as_microsecond),
            expires: entry.expires.as_microsecond(),
            body: record::write(entry)?,
        })
    }

    fn with_row<T>(&self, write: impl FnOnce(&VersionedRow<'_>) -> T) -> T {
        let values: [&dyn ToSql; 4] = [&self.state, &self.due, &self.expires, &self.body];
        write(&VersionedRow { key: &self.id, revision: self.revision, values: &values })
    }
}

fn state_name(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => "pending",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Retrying => "retrying",
        DeliveryState::Dead => "dead",
        DeliveryState::Suppressed => "suppressed",
    }
}

/// Entries whose `due` lies further ahead than any wait can: written under a clock that ran ahead. The body tells them
/// from digests, which may wait longer.
fn misdated(connection: &Connection, now: Timestamp) -> Result<Vec<DueDelivery>, Fault> {
    let mut select =
        connection.prepare_cached("SELECT body FROM deliveries WHERE due > ?1 ORDER BY due DESC LIMIT ?2")?;
    let after = domain::time::later(now, retry::LONGEST_POSTPONEMENT).as_microsecond();
    let mut rows = select.query(params![after, MAX_MISDATED])?;
    let mut due = Vec::new();
    while let Some(row) = rows.next()? {
        let entry = record::read::<Delivery>(row.get_ref(0)?.as_str().unwrap_or_default());
        let entry = entry.ok().filter(|entry| entry.waits_until(now).is_none());
        due.extend(entry.and_then(|entry| Some(DueDelivery { at: entry.due_at()?, id: entry.id })));
    }
    Ok(due)
}

fn get(connection: &Connection, id: DeliveryId) -> Result<Option<Delivery>, Fault> {
    record::select_one(connection, "SELECT body FROM deliveries WHERE id = ?1", [id.to_bytes()])
}

/// Releases the claims of a dead process on entries; returns how many there were.
pub(crate) fn release_leases(connection: &Connection) -> Result<usize, Fault> {
    let mut select = connection
        .prepare_cached("SELECT id, body FROM deliveries WHERE state = 'pending' AND state <> 'delivered'")?;
    let pending: Vec<([u8; 26], String)> =
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut released = 0;
    for (id, body) in pending {
        let Ok(entry) = record::read::<Delivery>(&body) else {
            tracing::error!(delivery = %DeliveryId::from_bytes(id), "a ledger entry cannot be read; it stays as it is");
            continue;
        };
        if entry.lease.is_some() {
            let free = Delivery { lease: None, revision: entry.revision + 1, ..entry };
            released += usize::from(replace_one(connection, &free)?);
        }
    }
    Ok(released)
}

fn list(connection: &Connection, query: &DeliveryQuery) -> Result<Page<Delivery, DeliveryId>, Fault> {
    let state = query.state.map(state_name);
    // `state <> 'delivered'` follows from the first condition, but without it SQLite does not use the partial index on
    // the few undelivered entries.
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
    let required = RequiredSubstrings::default()
        .pair("rule", query.rule.as_deref())
        .pair("transport", query.transport.as_deref())
        .name(query.recipient.as_deref());
    let mut page = Page { results: Vec::<Delivery>::new(), next: None };
    let mut bytes = PageBudget::default();
    while let Some(row) = rows.next()? {
        let body = row.get_ref(1)?.as_str().unwrap_or_default();
        if !required.may_match(body) {
            continue;
        }
        let Ok(entry) = record::read::<Delivery>(body) else {
            let id = DeliveryId::from_bytes(row.get(0)?);
            tracing::error!(delivery = %id, "a ledger entry cannot be read; the list omits it");
            continue;
        };
        if !query.matches(&entry) {
            continue;
        }
        if page.results.len() >= query.limit.max(1) || bytes.is_used_up() {
            page.next = page.results.last().map(|last| last.id);
            break;
        }
        bytes.add(escaped_len(body));
        page.results.push(entry);
    }
    Ok(page)
}

/// Bounds of the results' ids: less than the first, at least the second.
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
