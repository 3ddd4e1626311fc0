//! The jobs that operators asked for, and their progress. (The work queue's table `jobs` is another one.)
//! Every write is a compare-and-swap by revision.

use async_trait::async_trait;
use domain::Timestamp;
use domain::ports::{Jobs, StoreError};
use domain::retention::job::Job;
use rusqlite::Connection;

use crate::Store;
use crate::fault::Fault;
use crate::record;
use crate::versioned_table::{VersionedRow, VersionedTable};

const OPERATOR_JOBS: VersionedTable =
    VersionedTable { name: "operator_jobs", key: "id", columns: &["expires", "body"] };

#[async_trait]
impl Jobs for Store {
    async fn all(&self) -> Result<Vec<Job>, StoreError> {
        self.readers
            .read(|connection| record::select_readable(connection, "job", "SELECT body FROM operator_jobs", []))
            .await
    }

    async fn get(&self, id: &str) -> Result<Option<Job>, StoreError> {
        let id = id.to_owned();
        let sql = "SELECT body FROM operator_jobs WHERE id = ?1";
        self.readers.read(move |connection| record::select_one(connection, sql, [id])).await
    }

    async fn replace(&self, job: &Job) -> Result<bool, StoreError> {
        let job = job.clone();
        self.writer.write(move |connection| replace(connection, &job)).await
    }
}

fn replace(connection: &Connection, job: &Job) -> Result<bool, Fault> {
    let (expires, body) = (job.expires().map(Timestamp::as_microsecond), record::write(job)?);
    let row = VersionedRow { key: &job.id, revision: job.revision, values: &[&expires, &body] };
    OPERATOR_JOBS.compare_and_swap(connection, &row)
}

/// Releases the leases of a dead process on jobs; returns how many there were.
pub(crate) fn release_leases(connection: &Connection) -> Result<usize, Fault> {
    let mut select = connection.prepare_cached("SELECT id, body FROM operator_jobs")?;
    let all: Vec<(String, String)> =
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut released = 0;
    for (id, body) in all {
        let Ok(job) = record::read::<Job>(&body) else {
            tracing::error!(job = id, "a job cannot be read; it stays as it is");
            continue;
        };
        if job.lease.is_some() {
            released += usize::from(replace(connection, &Job { lease: None, revision: job.revision + 1, ..job })?);
        }
    }
    Ok(released)
}
