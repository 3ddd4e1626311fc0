//! Deletes expired records of every kind.
//! Works in small batches, so that posting events never waits long.

use domain::Timestamp;
use domain::ports::{PurgeScope, StoreError};
use rusqlite::{Connection, params};

use crate::{Store, queue};

/// The most records deleted in one write, during which other writes wait.
const BATCH: usize = 500;

/// Used unless the archiver deletes events.
const EVENTS: &str = "DELETE FROM events WHERE rowid IN (SELECT rowid FROM events WHERE expires <= ?1 LIMIT ?2)";

const EXPIRED: [&str; 8] = [
    "DELETE FROM deliveries WHERE rowid IN (SELECT rowid FROM deliveries WHERE expires <= ?1 LIMIT ?2)",
    "DELETE FROM inbox WHERE rowid IN (SELECT rowid FROM inbox WHERE expires <= ?1 LIMIT ?2)",
    "DELETE FROM names WHERE hash IN (SELECT hash FROM names WHERE expires <= ?1 LIMIT ?2)",
    "DELETE FROM silences WHERE id IN (SELECT id FROM silences WHERE expires <= ?1 LIMIT ?2)",
    "DELETE FROM collected WHERE rowid IN (SELECT rowid FROM collected WHERE expires <= ?1 LIMIT ?2)",
    "DELETE FROM operator_jobs WHERE id IN (SELECT id FROM operator_jobs WHERE expires <= ?1 LIMIT ?2)",
    "DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions WHERE expires <= ?1 LIMIT ?2)",
    "DELETE FROM lanes WHERE id IN (SELECT id FROM lanes WHERE expires <= ?1 LIMIT ?2)",
];

const OLD_COUNTS: &str =
    "DELETE FROM volume WHERE (hour, action) IN (SELECT hour, action FROM volume WHERE hour <= ?1 LIMIT ?2)";

impl Store {
    pub(crate) async fn purge_all(&self, what: PurgeScope, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut deleted = 0;
        let events = (what == PurgeScope::All).then_some((EVENTS, now));
        let old_counts = (OLD_COUNTS, domain::time::later(now, -domain::query::volume::KEPT));
        for (sql, now) in events.into_iter().chain(EXPIRED.map(|sql| (sql, now))).chain([old_counts]) {
            while deleted < limit {
                let batch = BATCH.min(limit - deleted);
                let delete = move |connection: &Connection| {
                    let most = i64::try_from(batch).unwrap_or(i64::MAX);
                    if sql == EVENTS {
                        queue::embed_expiring_events(connection, now)?;
                    }
                    Ok(connection.prepare_cached(sql)?.execute(params![now.as_microsecond(), most])?)
                };
                let found = self.writer.write(delete).await?;
                deleted += found;
                if found < batch {
                    break;
                }
            }
        }
        Ok(deleted)
    }
}
