//! The state of storm control: throttles, mutes and open digests, and the events that digests collect.
//! Every write of a state is a compare-and-swap by revision. A digest that is closed collects nothing more.

use async_trait::async_trait;
use domain::delivery::DeliveryId;
use domain::ports::{StoreError, Suppression};
use domain::suppression::{SuppressionKey, SuppressionRecord};
use domain::{EventPk, Timestamp};
use rusqlite::{Connection, params};

use crate::Store;
use crate::fault::Fault;
use crate::record;
use crate::versioned_table::{VersionedRow, VersionedTable};

const LANES: VersionedTable = VersionedTable { name: "lanes", key: "id", columns: &["expires", "body"] };

#[async_trait]
impl Suppression for Store {
    async fn get(&self, id: SuppressionKey) -> Result<Option<SuppressionRecord>, StoreError> {
        let sql = "SELECT body FROM lanes WHERE id = ?1";
        self.readers.read(move |connection| record::select_one(connection, sql, [id.as_bytes()])).await
    }

    async fn put(&self, id: SuppressionKey, record: &SuppressionRecord) -> Result<bool, StoreError> {
        let (body, expires) = (record::write(record)?, record.expires.as_microsecond());
        let revision = record.revision;
        let put = move |connection: &Connection| {
            let row = VersionedRow { key: id.as_bytes(), revision, values: &[&expires, &body] };
            LANES.compare_and_swap(connection, &row)
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

/// Stored in the column `event` of a closed digest: an empty value, which no event has.
const CLOSED: &[u8] = &[];

fn add(connection: &Connection, carrier: &[u8; 26], event: &[u8], expires: i64) -> Result<(), Fault> {
    let sql = "INSERT INTO collected (carrier, event, expires) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    Ok(connection.prepare_cached(sql)?.execute(params![carrier, event, expires]).map(drop)?)
}
