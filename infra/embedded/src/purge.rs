//! Deletes expired records of every kind.
//! Works in small batches, so that posting events never waits long.

use domain::Timestamp;
use domain::detection::EXPIRED_KEPT;
use domain::ports::{PurgeScope, StoreError};
use rusqlite::{Connection, params};

use crate::fault::{self, Fault};
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

const EXPIRED_GROUPS: &str =
    "DELETE FROM detection_groups WHERE id IN (SELECT id FROM detection_groups WHERE expires <= ?1 LIMIT ?2)";

const OLD_COUNTS: &str =
    "DELETE FROM volume WHERE (hour, action) IN (SELECT hour, action FROM volume WHERE hour <= ?1 LIMIT ?2)";

/// Used on a full disk: leaves the events that dispatch has not evaluated yet.
const EVALUATED_EVENTS: &str =
    "DELETE FROM events WHERE rowid IN (SELECT rowid FROM events WHERE expires <= ?1 AND rowid < ?3 LIMIT ?2)";

/// What one kind of records is deleted with.
#[derive(Clone, Copy)]
struct Deletion {
    sql: &'static str,
    /// Records that expire by then are deleted.
    until: Timestamp,
    most: usize,
}

impl Deletion {
    fn run(self, connection: &Connection) -> Result<usize, Fault> {
        if self.sql == EVENTS {
            queue::embed_expiring_events(connection, self.until)?;
        }
        let (until, most) = (self.until.as_microsecond(), i64::try_from(self.most).unwrap_or(i64::MAX));
        Ok(connection.prepare_cached(self.sql)?.execute(params![until, most])?)
    }

    fn run_in_reserve(self, connection: &Connection) -> Result<usize, Fault> {
        if self.sql != EVENTS {
            return self.run(connection);
        }
        let (until, most) = (self.until.as_microsecond(), i64::try_from(self.most).unwrap_or(i64::MAX));
        let first = queue::first_unevaluated(connection)?;
        Ok(connection.prepare_cached(EVALUATED_EVENTS)?.execute(params![until, most, first])?)
    }
}

impl Store {
    pub(crate) async fn purge_all(&self, what: PurgeScope, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut deleted = 0;
        let events = (what == PurgeScope::All).then_some((EVENTS, now));
        let old_counts = (OLD_COUNTS, domain::time::later(now, -domain::query::volume::KEPT));
        let groups = (EXPIRED_GROUPS, domain::time::later(now, -EXPIRED_KEPT));
        let (mut largest, mut is_full) = (BATCH, false);
        for (sql, until) in events.into_iter().chain(EXPIRED.map(|sql| (sql, now))).chain([groups, old_counts]) {
            while deleted < limit {
                let deletion = Deletion { sql, until, most: largest.min(limit - deleted) };
                let found = if is_full {
                    self.writer
                        .write_in_reserve(move |connection: &Connection| deletion.run_in_reserve(connection))
                        .await
                } else {
                    self.writer.write(move |connection: &Connection| deletion.run(connection)).await
                };
                match found {
                    Err(error) if fault::says_full_disk(&error) && !is_full => is_full = true,
                    // Fewer records need less space. What they free is used by the next write.
                    Err(error) if fault::says_full_disk(&error) && deletion.most > 1 => {
                        largest = deletion.most.div_ceil(4);
                    }
                    found => {
                        let found = found?;
                        deleted += found;
                        if found < deletion.most {
                            break;
                        }
                    }
                }
            }
        }
        Ok(deleted)
    }
}
