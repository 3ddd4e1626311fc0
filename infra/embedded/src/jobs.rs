//! The queue: a table whose rows are leased to the one process that serves.
//! Owns leases and delays. Refuses to let a row that cannot be read stop the others: it is kept,
//! never due again, and named in the log.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::message::{Message, Work};
use domain::ports::{DeadLetters, StoreError, WorkQueue};
use domain::retention::erasure::Subject;
use domain::{Event, EventPk, Timestamp};
use jiff::SignedDuration;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::fault::Fault;
use crate::fresh::Fresh;
use crate::{Store, ledger, operator_jobs, record};

/// How long a taken job stays away from others. Only a task that died within a living process lets
/// it run out: a process that starts ends all leases.
pub const LEASE: SignedDuration = SignedDuration::from_mins(10);

/// No message is delayed for longer: that of the port, and what clocks may differ by.
const LONGEST_DELAY: SignedDuration = SignedDuration::from_mins(16);

/// Due now and always.
pub(crate) const AT_ONCE: i64 = 0;

/// A job on one lease. Once the lease has ended and the job went to somebody else, or is done and
/// its row holds another, this name means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId {
    row: i64,
    until: i64,
}

/// A queue message on lease.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// To finish or release it by.
    pub id: JobId,
    /// What there is to do. Stored events have been read: they come as `Work::Events`.
    pub message: Message,
    /// How often it was taken, this time included.
    pub attempts: u32,
    /// What its events take in memory, in bytes.
    pub memory: usize,
}

/// What ending the leases of a dead process found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Released {
    /// Queue messages it had taken.
    pub jobs: usize,
    /// Deliveries it was making.
    pub deliveries: usize,
    /// Jobs of operators that it was advancing.
    pub operator_jobs: usize,
}

#[async_trait]
impl WorkQueue for Store {
    async fn send(&self, messages: &[Message], delay: SignedDuration) -> Result<(), StoreError> {
        if messages.is_empty() {
            return Ok(());
        }
        let messages = messages.to_vec();
        let insert_all = move |connection: &Connection| {
            let due = if delay > SignedDuration::ZERO { own_clock(connection, delay)? } else { AT_ONCE };
            messages.iter().try_for_each(|message| insert(connection, message, due))
        };
        let work = self.work.clone();
        self.writer.write_then(insert_all, move |()| work.notify_one()).await
    }
}

/// There are none: a job that failed comes again, always.
#[async_trait]
impl DeadLetters for Store {
    async fn give_back(&self, _: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}

impl Store {
    /// Takes up to `limit` jobs that are due: what waited out a delay first, then the oldest.
    pub async fn take(&self, now: Timestamp, limit: usize) -> Result<Vec<Job>, StoreError> {
        self.take_within(now, limit, usize::MAX).await
    }

    /// The same, but no more after those whose events take `memory` bytes. There is always one, if one is due.
    pub async fn take_within(&self, now: Timestamp, limit: usize, memory: usize) -> Result<Vec<Job>, StoreError> {
        self.fresh.consume();
        let taken = self.writer.write(move |connection| lease(connection, now, limit)).await?;
        if taken.is_empty() {
            return Ok(Vec::new());
        }
        let fresh = self.fresh.clone();
        let loaded = self.readers.read(move |connection| load_all(connection, &fresh, taken, memory)).await?;
        let Loaded { jobs, unreadable, left } = loaded;
        for id in left {
            self.set_due(id, Some(AT_ONCE)).await?;
        }
        for id in unreadable {
            tracing::error!(job = id.row, "a queue message cannot be read; it is kept but not tried again");
            self.set_due(id, None).await?;
        }
        Ok(jobs)
    }

    /// Removes a job that is done.
    pub async fn finish(&self, id: JobId) -> Result<(), StoreError> {
        let delete = move |connection: &Connection| {
            let mut delete = connection.prepare_cached("DELETE FROM jobs WHERE id = ?1 AND due = ?2 AND leased = 1")?;
            Ok(delete.execute([id.row, id.until]).map(drop)?)
        };
        self.writer.write(delete).await
    }

    /// Puts a job back, due at `at`.
    pub async fn release(&self, id: JobId, at: Timestamp) -> Result<(), StoreError> {
        self.set_due(id, Some(at.as_microsecond().max(AT_ONCE))).await
    }

    async fn set_due(&self, id: JobId, due: Option<i64>) -> Result<(), StoreError> {
        let update = move |connection: &Connection| {
            let mut update = connection
                .prepare_cached("UPDATE jobs SET due = ?3, leased = 0 WHERE id = ?1 AND due = ?2 AND leased = 1")?;
            Ok(update.execute(params![id.row, id.until, due]).map(drop)?)
        };
        let work = self.work.clone();
        self.writer.write_then(update, move |()| work.notify_one()).await
    }

    /// Ends the leases of a process that is no more, on jobs, deliveries and what operators asked for. Only for a process
    /// that holds the [`FolderLock`](crate::FolderLock), before it takes anything.
    pub async fn release_all(&self) -> Result<Released, StoreError> {
        let release = |connection: &Connection| {
            let jobs = connection.execute("UPDATE jobs SET due = ?1, leased = 0 WHERE leased = 1", [AT_ONCE])?;
            let deliveries = ledger::end_leases(connection)?;
            Ok(Released { jobs, deliveries, operator_jobs: operator_jobs::end_leases(connection)? })
        };
        self.writer.write(release).await
    }

    /// When the next job is due; the epoch if one is at once.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let next = |connection: &Connection| {
            let due: Option<i64> =
                connection.prepare_cached("SELECT min(due) FROM jobs")?.query_row([], |row| row.get(0))?;
            Ok(due.map(|micros| Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)))
        };
        self.readers.read(next).await
    }

    /// Waits until this process has queued something since the last wait, or until `at_most` has
    /// passed. For one poller: of several that wait, one is woken.
    pub async fn work_arrived(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.work.notified()).await;
    }
}

/// Queues one message.
pub(crate) fn insert(connection: &Connection, message: &Message, due: i64) -> Result<(), Fault> {
    let body = serde_json::to_string(message)?;
    connection.prepare_cached("INSERT INTO jobs (due, body) VALUES (?1, ?2)")?.execute(params![due, body])?;
    Ok(())
}

/// Messages of events that are not evaluated yet.
const UNEVALUATED: &str =
    "SELECT id, body FROM jobs WHERE due IS NOT NULL AND body LIKE '{\"v1\":{\"stored\"%' ORDER BY id";

/// Before expired events are deleted: has the queued messages that name some of them carry their events instead, so that
/// every accepted event is evaluated, however short its retention.
pub(crate) fn take_along(connection: &Connection, now: Timestamp) -> Result<(), Fault> {
    let mut select = connection.prepare_cached(UNEVALUATED)?;
    let mut event = connection.prepare_cached("SELECT rowid, body, expires FROM events WHERE pk = ?1")?;
    let mut newer = connection.prepare_cached("SELECT 1 FROM events WHERE expires <= ?1 AND rowid >= ?2")?;
    let mut update = connection.prepare_cached("UPDATE jobs SET body = ?2 WHERE id = ?1")?;
    let mut rows = select.query([])?;
    let mut is_first = true;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let message = serde_json::from_str::<Message>(row.get_ref(1)?.as_str().unwrap_or_default());
        let Ok(Work::Stored(pks)) = message.map(Message::into_work) else { continue };
        let (mut events, mut first, mut any_gone) = (Vec::with_capacity(pks.len()), i64::MAX, false);
        for pk in pks {
            let found = event
                .query_row([pk.as_bytes()], |row| {
                    let body = record::event(row.get_ref(1)?.as_str().unwrap_or_default(), row.get(2)?);
                    Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(2)?, body.ok()))
                })
                .optional()?;
            let Some((place, expires, body)) = found else { continue };
            first = first.min(place);
            any_gone |= expires <= now.as_microsecond();
            events.extend(body.map(Arc::new));
        }
        // Events come in, and are queued, in the order of their rows: mostly all that has expired is older.
        if std::mem::take(&mut is_first) && !newer.exists(params![now.as_microsecond(), first])? {
            return Ok(());
        }
        if any_gone {
            update.execute(params![id, serde_json::to_string(&Message::new(Work::Events(events)))?])?;
        }
    }
    Ok(())
}

/// Takes a person's events out of the messages that carry events; returns how many. There are few such messages: those
/// whose events expired while they waited.
pub(crate) fn erase(connection: &Connection, subject: &Subject) -> Result<usize, Fault> {
    let mut select = connection.prepare_cached("SELECT id, body FROM jobs WHERE body LIKE '{\"v1\":{\"events\"%'")?;
    let mut update = connection.prepare_cached("UPDATE jobs SET body = ?2 WHERE id = ?1")?;
    let mut rows = select.query([])?;
    let mut erased = 0;
    while let Some(row) = rows.next()? {
        let message = serde_json::from_str::<Message>(row.get_ref(1)?.as_str().unwrap_or_default());
        let Ok(Work::Events(mut events)) = message.map(Message::into_work) else { continue };
        let before = events.len();
        events.retain(|event| !subject.is_of(event));
        if events.len() < before {
            erased += before - events.len();
            let message = serde_json::to_string(&Message::new(Work::Events(events)))?;
            update.execute(params![row.get::<_, i64>(0)?, message])?;
        }
    }
    Ok(erased)
}

/// The file's clock, so that a delay passes without a caller's idea of now. It counts milliseconds;
/// rounded up, a message never comes early.
pub(crate) fn own_clock(connection: &Connection, later: SignedDuration) -> Result<i64, Fault> {
    let now: i64 = connection
        .prepare_cached("SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER)")?
        .query_row([], |row| row.get(0))?;
    let later = i64::try_from(later.as_micros()).unwrap_or(i64::MAX);
    Ok(now.saturating_add(1000).saturating_add(later))
}

struct Taken {
    id: JobId,
    attempts: u32,
    body: String,
}

fn lease(connection: &Connection, now: Timestamp, limit: usize) -> Result<Vec<Taken>, Fault> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let waited = "SELECT id FROM jobs WHERE due > 0 AND due <= ?2 ORDER BY due, id LIMIT ?1";
    let mut rows = select_rows(connection, waited, [most, now.as_microsecond()])?;
    // What is due later than any delay was queued by a clock that was wrong. A lease says who has it, right or wrong.
    let misdated = "SELECT id FROM jobs WHERE due > ?2 AND leased = 0 ORDER BY due, id LIMIT ?1";
    let longest = domain::time::later(now, LONGEST_DELAY).as_microsecond();
    rows.extend(select_rows(connection, misdated, [most - i64::try_from(rows.len()).unwrap_or(most), longest])?);
    let new = "SELECT id FROM jobs WHERE due = 0 ORDER BY id LIMIT ?1";
    rows.extend(select_rows(connection, new, [most - i64::try_from(rows.len()).unwrap_or(most)])?);

    let until = domain::time::later(now, LEASE).as_microsecond();
    let mut update = connection.prepare_cached(
        "UPDATE jobs SET due = ?2, leased = 1, attempts = attempts + 1 WHERE id = ?1 RETURNING attempts, body",
    )?;
    let take = |row| {
        let id = JobId { row, until };
        update
            .query_row([row, until], |row| Ok(Taken { id, attempts: row.get(0)?, body: row.get(1)? }))
            .map_err(Fault::from)
    };
    rows.into_iter().map(take).collect()
}

fn select_rows(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<i64>, Fault> {
    let mut select = connection.prepare_cached(sql)?;
    Ok(select.query_map(params, |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// What became of jobs that were taken.
#[derive(Default)]
struct Loaded {
    /// With their events.
    jobs: Vec<Job>,
    unreadable: Vec<JobId>,
    /// Those for which there was no memory.
    left: Vec<JobId>,
}

fn load_all(connection: &Connection, fresh: &Fresh, taken: Vec<Taken>, memory: usize) -> Result<Loaded, Fault> {
    let (mut loaded, mut used) = (Loaded::default(), 0);
    for Taken { id, attempts, body } in taken {
        if used >= memory {
            loaded.left.push(id);
            continue;
        }
        match serde_json::from_str::<Message>(&body) {
            Err(_) => loaded.unreadable.push(id),
            Ok(message) => {
                let (message, memory) = with_events(connection, fresh, id, message)?;
                used += memory;
                loaded.jobs.push(Job { id, message, attempts, memory });
            }
        }
    }
    Ok(loaded)
}

/// The message with its events, and what they take in memory.
fn with_events(connection: &Connection, fresh: &Fresh, id: JobId, message: Message) -> Result<(Message, usize), Fault> {
    let pks = match message.into_work() {
        Work::Stored(pks) => pks,
        work => return Ok((Message::new(work), 0)),
    };
    let (mut events, mut memory) = (Vec::with_capacity(pks.len()), 0);
    for pk in pks {
        let found = match fresh.release(pk) {
            Some(held) => Some(held),
            None => load(connection, id, pk)?.map(|(event, bytes)| (Arc::new(event), bytes)),
        };
        if let Some((event, bytes)) = found {
            memory += bytes;
            events.push(event);
        }
    }
    Ok((Message::new(Work::Events(events)), memory))
}

/// The event and what it takes in memory; none where it is gone, or cannot be read.
fn load(connection: &Connection, id: JobId, pk: EventPk) -> Result<Option<(Event, usize)>, Fault> {
    let mut select = connection.prepare_cached("SELECT body, expires FROM events WHERE pk = ?1")?;
    let read = |row: &rusqlite::Row<'_>| {
        let expires = row.get(1)?;
        let body = row.get_ref(0)?.as_str().unwrap_or_default();
        Ok(record::event(body, expires).ok().map(|event| (event, domain::json::memory(body.as_bytes()))))
    };
    let found: Option<Option<(Event, usize)>> = select.query_row([pk.as_bytes()], read).optional()?;
    if matches!(found, Some(None)) {
        tracing::error!(event = %pk, job = id.row, "a stored event cannot be read; it is kept but not evaluated");
    }
    Ok(found.flatten())
}
