//! How long events are kept. The column `expires` is what counts; the one in the body is as it was first stamped.

use async_trait::async_trait;
use domain::ports::{EventExpiry, ExpiredEvents, Page, ReceivedEvent, StoreError};
use domain::{Event, EventPk, Timestamp};
use rusqlite::{Connection, Row, params};

use crate::event_log::{AFTER_ALL, PAGE_BYTES};
use crate::fault::Fault;
use crate::{Store, jobs, record};

/// Events deleted in one write: small, so that ingestion is never held up.
const LET_GO_AT_A_TIME: usize = 500;

#[async_trait]
impl EventExpiry for Store {
    async fn list_received(
        &self,
        before: Option<EventPk>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<ReceivedEvent, EventPk>, StoreError> {
        self.readers.scan(move |connection| kept(connection, before, limit.max(1), now)).await
    }

    async fn set_expiries(&self, expiries: &[(EventPk, Timestamp)], now: Timestamp) -> Result<usize, StoreError> {
        let (expiries, now) = (expiries.to_vec(), now.as_microsecond());
        let restamp = move |connection: &Connection| {
            let mut update =
                connection.prepare_cached("UPDATE events SET expires = ?2 WHERE pk = ?1 AND expires > ?3")?;
            let mut given = 0;
            for (pk, expires) in &expiries {
                given += update.execute(params![pk.as_bytes(), expires.as_microsecond(), now])?;
            }
            Ok(given)
        };
        self.writer.write(restamp).await
    }

    async fn expired(&self, now: Timestamp, limit: usize) -> Result<ExpiredEvents, StoreError> {
        let events = self.readers.read(move |connection| expired(connection, now, limit)).await?;
        Ok(ExpiredEvents { is_last: events.is_empty(), events, ..ExpiredEvents::default() })
    }

    async fn mark_archived(&self, expired: &ExpiredEvents, now: Timestamp) -> Result<(), StoreError> {
        for some in expired.events.chunks(LET_GO_AT_A_TIME) {
            let pks = some.iter().map(|event| event.pk).collect::<Vec<_>>();
            let delete = move |connection: &Connection| {
                jobs::take_along(connection, now)?;
                let mut delete = connection.prepare_cached("DELETE FROM events WHERE pk = ?1 AND expires <= ?2")?;
                for pk in &pks {
                    delete.execute(params![pk.as_bytes(), now.as_microsecond()])?;
                }
                Ok(())
            };
            self.writer.write(delete).await?;
        }
        Ok(())
    }
}

fn kept(
    connection: &Connection,
    before: Option<EventPk>,
    limit: usize,
    now: Timestamp,
) -> Result<Page<ReceivedEvent, EventPk>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT pk, body, expires, received FROM events WHERE pk < ?1 AND expires > ?2 ORDER BY pk DESC",
    )?;
    let before = before.map_or(AFTER_ALL.to_vec(), |pk| pk.as_bytes().to_vec());
    let mut rows = select.query(params![before, now.as_microsecond()])?;
    let (mut results, mut examined, mut bytes, mut last) = (Vec::new(), 0, 0, None);
    while let Some(row) = rows.next()? {
        if examined == limit || bytes > PAGE_BYTES {
            return Ok(Page { results, next: last });
        }
        let pk = EventPk::from_bytes(row.get(0)?);
        bytes += row.get_ref(1)?.as_str().map_or(0, str::len);
        if let Ok(kept) = read(row) {
            results.push(kept);
        } else {
            tracing::error!(event = %pk, "a stored event cannot be read; no job takes it up");
        }
        examined += 1;
        last = Some(pk);
    }
    Ok(Page { results, next: None })
}

/// An event that cannot be read stays: nobody can say what would be lost with it.
fn expired(connection: &Connection, now: Timestamp, limit: usize) -> Result<Vec<Event>, Fault> {
    let mut select =
        connection.prepare_cached("SELECT body, expires FROM events WHERE expires <= ?1 ORDER BY expires")?;
    let mut rows = select.query([now.as_microsecond()])?;
    let (mut events, mut bytes) = (Vec::new(), 0);
    while events.len() < limit
        && bytes <= PAGE_BYTES
        && let Some(row) = rows.next()?
    {
        let body = row.get_ref(0)?.as_str().unwrap_or_default();
        bytes += body.len();
        events.extend(record::event(body, row.get(1)?));
    }
    Ok(events)
}

fn read(row: &Row<'_>) -> Result<ReceivedEvent, Fault> {
    let event = record::event(row.get_ref(1)?.as_str().unwrap_or_default(), row.get(2)?)?;
    let received: Option<i64> = row.get(3)?;
    let received = received.and_then(|micros| Timestamp::from_microsecond(micros).ok()).unwrap_or(event.created);
    Ok(ReceivedEvent { event, received })
}
