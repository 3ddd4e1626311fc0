//! What storm control remembers.
//! Every write is conditional: a lane is changed only by whoever read its last revision.

use async_trait::async_trait;
use domain::ports::{StoreError, Suppression};
use domain::suppression::{Lane, LaneId};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::Store;
use crate::record;

#[async_trait]
impl Suppression for Store {
    async fn lane(&self, id: LaneId) -> Result<Option<Lane>, StoreError> {
        let get = move |connection: &Connection| {
            let mut select = connection.prepare_cached("SELECT body FROM lanes WHERE id = ?1")?;
            let body: Option<String> = select.query_row([id.as_bytes()], |row| row.get(0)).optional()?;
            body.map(|body| record::read(&body)).transpose()
        };
        self.readers.read(get).await
    }

    async fn put_lane(&self, id: LaneId, lane: &Lane) -> Result<bool, StoreError> {
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
}
