//! What storm control remembers.
//! Every write is conditional: a lane is changed only by whoever read its last revision, and nothing is collected
//! for a digest that is closed.

use async_trait::async_trait;
use domain::delivery::DeliveryId;
use domain::ports::{StoreError, Suppression};
use domain::suppression::{SuppressionKey, SuppressionRecord};
use domain::{EventPk, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::Store;
use crate::fault::Fault;
use crate::record;

#[async_trait]
impl Suppression for Store {
    async fn get(&self, id: SuppressionKey) -> Result<Option<SuppressionRecord>, StoreError> {
        let get = move |connection: &Connection| {
            let mut select = connection.prepare_cached("SELECT body FROM lanes WHERE id = ?1")?;
            let body: Option<String> = select.query_row([id.as_bytes()], |row| row.get(0)).optional()?;
            body.map(|body| record::read(&body)).transpose()
        };
        self.readers.read(get).await
    }

    async fn put(&self, id: SuppressionKey, lane: &SuppressionRecord) -> Result<bool, StoreError> {
        let (body, expires) = (record::write(lane)?, lane.expires.as_microsecond());
        let revision = i64::try_from(lane.revision).unwrap_or(i64::MAX);
        let put = move |connection: &Connection| {
            let sql = if revision == 0 {
                "INSERT INTO lanes (id, revision, expires, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING"
            } else {
                "UPDATE lanes SET revision = ?2, expires = ?3, body = ?4 WHERE id = ?1 AND revision = ?2 - 1"
            };
            Ok(connection.prepare_cached(sql)?.execute(params![id.as_bytes(), revision, expires, body])? > 0)
        };
        self.writer.write(put).await
    }

    async fn collect(&self, carrier: DeliveryId, events: &[EventPk], expires: Timestamp) -> Result<bool, StoreError> {
        let (carrier, events, expires) = (carrier.to_bytes(), events.to_vec(), expires.as_microsecond());
        let collect = move |connection: &Connection| {
            let mut closed = connection.prepare_cached("SELECT 1 FROM collected WHERE carrier = ?1 AND event = ?2")?;
            if closed.exists(params![carrier, CLOSED])? {
                return Ok(false);
            }
            for event in &events {
                add(connection, &carrier, event.as_bytes(), expires)?;
            }
            Ok(true)
        };
        self.writer.write(collect).await
    }

    async fn close(&self, carrier: DeliveryId, expires: Timestamp) -> Result<Vec<EventPk>, StoreError> {
        let (carrier, expires) = (carrier.to_bytes(), expires.as_microsecond());
        let close = move |connection: &Connection| {
            add(connection, &carrier, CLOSED, expires)?;
            let mut select =
                connection.prepare_cached("SELECT event FROM collected WHERE carrier = ?1 AND event <> ?2")?;
            let events = select.query_map(params![carrier, CLOSED], |row| row.get(0).map(EventPk::from_bytes))?;
            Ok(events.collect::<Result<_, _>>()?)
        };
        self.writer.write(close).await
    }
}

/// In an event's place: nothing more is collected.
const CLOSED: &[u8] = &[];

fn add(connection: &Connection, carrier: &[u8; 26], event: &[u8], expires: i64) -> Result<(), Fault> {
    let sql = "INSERT INTO collected (carrier, event, expires) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    Ok(connection.prepare_cached(sql)?.execute(params![carrier, event, expires]).map(drop)?)
}
