//! The expiry of events: lists them with it, changes it, and deletes archived events after it. The column `expires`
//! overrides the body's field, which keeps the first expiry.

use async_trait::async_trait;
use domain::ports::{EventExpiry, ExpiredEvents, ReceivedEvent, ReceivedPage, StoreError};
use domain::retention::job::EventCursor;
use domain::{Event, EventPk, Timestamp};
use rusqlite::{Connection, Row, params};

use crate::event_log::{MAX_PK_KEY, PAGE_BYTES};
use crate::fault::{self, Fault};
use crate::{Store, queue, record};

/// The most events deleted in one write: few, so that posting events never waits long.
const DELETE_BATCH: usize = 500;

#[async_trait]
impl EventExpiry for Store {
    async fn list_received(
        &self,
        after: Option<EventCursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<ReceivedPage, StoreError> {
        let before = after.map(|after| after.before);
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
        let mut left = expired.events.as_slice();
        let (mut largest, mut is_full) = (DELETE_BATCH, false);
        while !left.is_empty() {
            let (some, rest) = left.split_at(largest.min(left.len()));
            let pks = some.iter().map(|event| event.pk).collect::<Vec<_>>();
            let deleted = if is_full {
                let in_reserve = move |connection: &Connection| {
                    let first = queue::first_unevaluated(connection)?;
                    delete(connection, &pks, now, first)
                };
                self.writer.write_in_reserve(in_reserve).await
            } else {
                let embed_and_delete = move |connection: &Connection| {
                    queue::embed_expiring_events(connection, now)?;
                    delete(connection, &pks, now, i64::MAX)
                };
                self.writer.write(embed_and_delete).await
            };
            match deleted {
                Err(error) if fault::says_full_disk(&error) && !is_full => is_full = true,
                // Fewer events need less space. What they free is used by the next write.
                Err(error) if fault::says_full_disk(&error) && some.len() > 1 => largest = some.len().div_ceil(4),
                deleted => {
                    deleted?;
                    left = rest;
                }
            }
        }
        Ok(())
    }
}

/// Deletes those of the events that have expired and are in a row before `first_kept`.
fn delete(connection: &Connection, pks: &[EventPk], now: Timestamp, first_kept: i64) -> Result<(), Fault> {
    let mut delete = connection.prepare_cached("DELETE FROM events WHERE pk = ?1 AND expires <= ?2 AND rowid < ?3")?;
    for pk in pks {
        delete.execute(params![pk.as_bytes(), now.as_microsecond(), first_kept])?;
    }
    Ok(())
}

fn kept(connection: &Connection, before: Option<EventPk>, limit: usize, now: Timestamp) -> Result<ReceivedPage, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT pk, body, expires, received FROM events WHERE pk < ?1 AND expires > ?2 ORDER BY pk DESC",
    )?;
    let before = before.map_or(MAX_PK_KEY.to_vec(), |pk| pk.as_bytes().to_vec());
    let mut rows = select.query(params![before, now.as_microsecond()])?;
    let (mut page, mut examined, mut bytes, mut last) = (ReceivedPage::default(), 0, 0, None);
    while let Some(row) = rows.next()? {
        if examined == limit || bytes > PAGE_BYTES {
            return Ok(ReceivedPage { next: last.map(|before| EventCursor { before, shard: None }), ..page });
        }
        let pk = EventPk::from_bytes(row.get(0)?);
        bytes += row.get_ref(1)?.as_str().map_or(0, str::len);
        if let Ok(kept) = read(row) {
            page.results.push(kept);
        } else {
            page.unreadable += 1;
            tracing::error!(event = %pk, "a stored event cannot be read; jobs skip it");
        }
        examined += 1;
        last = Some(pk);
    }
    Ok(page)
}

/// Expired events, in order of expiry. Skips unreadable ones, which are never deleted: nothing could archive them.
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
