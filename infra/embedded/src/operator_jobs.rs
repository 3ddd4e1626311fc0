//! What operators asked for, and how far it has come. (The queue's jobs are another table.)
//! A record is changed only by whoever read its last revision.

use async_trait::async_trait;
use domain::Timestamp;
use domain::ports::{Jobs, StoreError};
use domain::retention::job::Job;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::Store;
use crate::fault::Fault;
use crate::record;

#[async_trait]
impl Jobs for Store {
    async fn all(&self) -> Result<Vec<Job>, StoreError> {
        let all = |connection: &Connection| {
            let mut select = connection.prepare_cached("SELECT body FROM operator_jobs")?;
            let bodies = select.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
            bodies.iter().map(|body| record::read(body)).collect()
        };
        self.readers.read(all).await
    }

    async fn get(&self, id: &str) -> Result<Option<Job>, StoreError> {
        let id = id.to_owned();
        let get = move |connection: &Connection| {
            let mut select = connection.prepare_cached("SELECT body FROM operator_jobs WHERE id = ?1")?;
            let body: Option<String> = select.query_row([id], |row| row.get(0)).optional()?;
            body.map(|body| record::read(&body)).transpose()
        };
        self.readers.read(get).await
    }

    async fn replace(&self, job: &Job) -> Result<bool, StoreError> {
        let job = job.clone();
        self.writer.write(move |connection| replace(connection, &job)).await
    }
}

fn replace(connection: &Connection, job: &Job) -> Result<bool, Fault> {
    let body = record::write(job)?;
    let revision = i64::try_from(job.revision).unwrap_or(i64::MAX);
    let sql = if revision == 0 {
        "INSERT INTO operator_jobs (id, revision, expires, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING"
    } else {
        "UPDATE operator_jobs SET revision = ?2, expires = ?3, body = ?4 WHERE id = ?1 AND revision = ?2 - 1"
    };
    let expires = job.expires().map(Timestamp::as_microsecond);
    Ok(connection.prepare_cached(sql)?.execute(params![job.id, revision, expires, body])? > 0)
}

/// Frees the jobs that a dead process was advancing; says how many there were.
pub(crate) fn end_leases(connection: &Connection) -> Result<usize, Fault> {
    let mut select = connection.prepare_cached("SELECT id, body FROM operator_jobs")?;
    let all: Vec<(String, String)> =
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut ended = 0;
    for (id, body) in all {
        let Ok(job) = record::read::<Job>(&body) else {
            tracing::error!(job = id, "a job cannot be read; it is left as it is");
            continue;
        };
        if job.lease.is_some() {
            ended += usize::from(replace(connection, &Job { lease: None, revision: job.revision + 1, ..job })?);
        }
    }
    Ok(ended)
}
