//! The work queue: the table `jobs`, whose rows are leased to the one process that serves.
//! Owns leases and delays. An unreadable row does not stop the others: it stays in the table, is never due again,
//! and an error in the log names it. (What operators ask for is in another table: see `operator_jobs`.)

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::message::{QueueMessage, QueuedWork};
use domain::ports::{Backlog, StoreError, WorkQueue};
use domain::retention::erasure::ErasureSubject;
use domain::{Event, EventPk, Timestamp};
use jiff::SignedDuration;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::fault::Fault;
use crate::recent_events::RecentEvents;
use crate::{Store, backlog, ledger, operator_jobs, record};

/// How long a message stays invisible after it was taken. A lease expires only if a task dies within a living
/// process: a process that starts releases the leases of its predecessor.
pub const LEASE: SignedDuration = SignedDuration::from_mins(10);

/// The longest delay of a message: the port's 15 minutes and a minute for the difference between clocks.
const MAX_DELAY: SignedDuration = SignedDuration::from_mins(16);

/// The value of the column `due` for a message without a delay. It sorts before every real time.
pub(crate) const DUE_NOW: i64 = 0;

/// Identifies one lease of a message, as an SQS receipt handle does. It becomes invalid when the lease expires and the
/// message is taken again, or when the message is finished, even if another message gets the same row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReceiptHandle {
    row: i64,
    until: i64,
}

/// A message from the queue, leased to this process for [`LEASE`].
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedMessage {
    /// The lease: pass it to [`Store::finish`] or [`Store::release`].
    pub receipt: ReceiptHandle,
    /// The work. The events of a `QueuedWork::Stored` have been read: they come as `QueuedWork::Events`.
    pub message: QueueMessage,
    /// How often the message was taken, including this time: 1 at first.
    pub attempts: u32,
    /// The memory that the message's events take, in bytes.
    pub memory: usize,
}

/// The number of leases of a dead process that were released, by what was leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleasedLeases {
    /// Queue messages that the process had taken.
    pub messages: usize,
    /// Deliveries that it was sending.
    pub deliveries: usize,
    /// Operators' jobs that it was advancing.
    pub operator_jobs: usize,
}

#[async_trait]
impl WorkQueue for Store {
    async fn send(&self, messages: &[QueueMessage], delay: SignedDuration) -> Result<(), StoreError> {
        if messages.is_empty() {
            return Ok(());
        }
        let messages = messages.to_vec();
        let insert_all = move |connection: &Connection| {
            let due = if delay > SignedDuration::ZERO { file_clock(connection, delay)? } else { DUE_NOW };
            messages.iter().try_for_each(|message| insert(connection, message, due))
        };
        let work = self.work.clone();
        self.writer.write_then(insert_all, move |()| work.notify_one()).await
    }

    async fn backlog(&self, _: Timestamp) -> Result<Backlog, StoreError> {
        self.readers.read(backlog::count).await
    }
}

impl Store {
    /// Takes up to `limit` messages that are due at `now`: those with a delay first, then the oldest.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn take(&self, now: Timestamp, limit: usize) -> Result<Vec<QueuedMessage>, StoreError> {
        self.take_within(now, limit, usize::MAX).await
    }

    /// As [`take`](Self::take), but stops once the messages' events take `memory` bytes. Takes at least one message if
    /// one is due, however large it is.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn take_within(
        &self,
        now: Timestamp,
        limit: usize,
        memory: usize,
    ) -> Result<Vec<QueuedMessage>, StoreError> {
        self.recent_events.enable();
        // With the reserve: on a full disk, events can be deleted only after they are evaluated.
        let lease = move |connection: &Connection| lease(connection, now, limit);
        let taken = self.writer.write_with_reserve(lease).await?;
        if taken.is_empty() {
            return Ok(Vec::new());
        }
        let recent = self.recent_events.clone();
        let loaded = self.readers.read(move |connection| load_all(connection, &recent, taken, memory)).await?;
        let Loaded { messages, unreadable, over_limit } = loaded;
        for receipt in over_limit {
            self.set_due(receipt, Some(DUE_NOW)).await?;
        }
        for receipt in unreadable {
            tracing::error!(message = receipt.row, "a queue message cannot be read; it is kept but not retried");
            self.set_due(receipt, None).await?;
        }
        Ok(messages)
    }

    /// Removes a message whose work is done. Does nothing if the lease has expired and the message was taken again.
    ///
    /// # Errors
    /// When the store cannot be written; the message then comes again after its lease.
    pub async fn finish(&self, receipt: ReceiptHandle) -> Result<(), StoreError> {
        let delete = move |connection: &Connection| {
            let mut delete = connection.prepare_cached("DELETE FROM jobs WHERE id = ?1 AND due = ?2 AND leased = 1")?;
            Ok(delete.execute([receipt.row, receipt.until]).map(drop)?)
        };
        self.writer.write_with_reserve(delete).await
    }

    /// Puts a message back into the queue, due at `at`. Does nothing if the lease has expired and the message was taken
    /// again.
    ///
    /// # Errors
    /// When the store cannot be written; the message then comes again after its lease.
    pub async fn release(&self, receipt: ReceiptHandle, at: Timestamp) -> Result<(), StoreError> {
        self.set_due(receipt, Some(at.as_microsecond().max(DUE_NOW))).await
    }

    async fn set_due(&self, receipt: ReceiptHandle, due: Option<i64>) -> Result<(), StoreError> {
        let update = move |connection: &Connection| {
            let mut update = connection
                .prepare_cached("UPDATE jobs SET due = ?3, leased = 0 WHERE id = ?1 AND due = ?2 AND leased = 1")?;
            Ok(update.execute(params![receipt.row, receipt.until, due]).map(drop)?)
        };
        let work = self.work.clone();
        self.writer.write_then(update, move |()| work.notify_one()).await
    }

    /// Releases the leases that a dead process held on messages, deliveries and operators' jobs. Call it only while
    /// holding the [`FolderLock`](crate::FolderLock), and before taking anything: it also ends the leases of a living
    /// process.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn release_leases(&self) -> Result<ReleasedLeases, StoreError> {
        let release = |connection: &Connection| {
            let messages = connection.execute("UPDATE jobs SET due = ?1, leased = 0 WHERE leased = 1", [DUE_NOW])?;
            let deliveries = ledger::release_leases(connection)?;
            Ok(ReleasedLeases { messages, deliveries, operator_jobs: operator_jobs::release_leases(connection)? })
        };
        self.writer.write_with_reserve(release).await
    }

    /// When the next message is due or its lease expires: the Unix epoch if one is due now, `None` if the queue is
    /// empty.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let next = |connection: &Connection| {
            let due: Option<i64> =
                connection.prepare_cached("SELECT min(due) FROM jobs")?.query_row([], |row| row.get(0))?;
            Ok(due.map(|micros| Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)))
        };
        self.readers.read(next).await
    }

    /// Waits until this process has queued a message since the last wait, but for `max_wait` at most. For a single
    /// poller: of several that wait, only one wakes up.
    pub async fn work_arrived(&self, max_wait: Duration) {
        let _ = tokio::time::timeout(max_wait, self.work.notified()).await;
    }
}

/// Appends one message, due at `due` microseconds since the epoch, or [`DUE_NOW`].
pub(crate) fn insert(connection: &Connection, message: &QueueMessage, due: i64) -> Result<(), Fault> {
    let body = serde_json::to_string(message)?;
    let sql = "INSERT INTO jobs (due, body, queued) VALUES (?1, ?2, CAST(unixepoch('subsec') * 1000000 AS INTEGER))";
    connection.prepare_cached(sql)?.execute(params![due, body])?;
    Ok(())
}

/// Selects the messages that name stored events, which dispatch has not evaluated yet.
const UNEVALUATED: &str =
    "SELECT id, body FROM jobs WHERE due IS NOT NULL AND body LIKE '{\"v1\":{\"stored\"%' ORDER BY id";

/// Replaces the pks in queued messages by the events themselves where one of them has expired. Call it before expired
/// events are deleted: dispatch must evaluate every accepted event, however short its retention.
pub(crate) fn embed_expiring_events(connection: &Connection, now: Timestamp) -> Result<(), Fault> {
    let mut select = connection.prepare_cached(UNEVALUATED)?;
    let mut event = connection.prepare_cached("SELECT rowid, body, expires FROM events WHERE pk = ?1")?;
    let mut newer = connection.prepare_cached("SELECT 1 FROM events WHERE expires <= ?1 AND rowid >= ?2")?;
    let mut update = connection.prepare_cached("UPDATE jobs SET body = ?2 WHERE id = ?1")?;
    let mut rows = select.query([])?;
    let mut is_first = true;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let message = serde_json::from_str::<QueueMessage>(row.get_ref(1)?.as_str().unwrap_or_default());
        let Ok(QueuedWork::Stored(pks)) = message.map(QueueMessage::into_work) else { continue };
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
        // Events are stored and queued in the order of their rows. If all expired rows are older than the first queued
        // event, no message needs a change: the usual case, so only the first message is read.
        if std::mem::take(&mut is_first) && !newer.exists(params![now.as_microsecond(), first])? {
            return Ok(());
        }
        if any_gone {
            update.execute(params![id, serde_json::to_string(&QueueMessage::new(QueuedWork::Events(events)))?])?;
        }
    }
    Ok(())
}

/// The row of the first event that dispatch has not evaluated yet, or more than every row if there is none.
///
/// On a full disk only events before it can be deleted: the messages have no room for the events themselves.
pub(crate) fn first_unevaluated(connection: &Connection) -> Result<i64, Fault> {
    let body: Option<String> = connection.prepare_cached(UNEVALUATED)?.query_row([], |row| row.get(1)).optional()?;
    let message = body.and_then(|body| serde_json::from_str::<QueueMessage>(&body).ok()).map(QueueMessage::into_work);
    let Some(QueuedWork::Stored(pks)) = message else { return Ok(i64::MAX) };
    let mut select = connection.prepare_cached("SELECT rowid FROM events WHERE pk = ?1")?;
    let mut first = i64::MAX;
    for pk in pks {
        let row: Option<i64> = select.query_row([pk.as_bytes()], |row| row.get(0)).optional()?;
        first = first.min(row.unwrap_or(i64::MAX));
    }
    Ok(first)
}

/// Removes a person's events from the messages that carry events, and returns how many. Few messages do: only those
/// whose events expired while they were queued.
pub(crate) fn erase(connection: &Connection, subject: &ErasureSubject) -> Result<usize, Fault> {
    let mut select = connection.prepare_cached("SELECT id, body FROM jobs WHERE body LIKE '{\"v1\":{\"events\"%'")?;
    let mut update = connection.prepare_cached("UPDATE jobs SET body = ?2 WHERE id = ?1")?;
    let mut rows = select.query([])?;
    let mut erased = 0;
    while let Some(row) = rows.next()? {
        let message = serde_json::from_str::<QueueMessage>(row.get_ref(1)?.as_str().unwrap_or_default());
        let Ok(QueuedWork::Events(mut events)) = message.map(QueueMessage::into_work) else { continue };
        let before = events.len();
        events.retain(|event| !subject.is_party_to(event));
        if events.len() < before {
            erased += before - events.len();
            let message = serde_json::to_string(&QueueMessage::new(QueuedWork::Events(events)))?;
            update.execute(params![row.get::<_, i64>(0)?, message])?;
        }
    }
    Ok(erased)
}

/// The time by SQLite's clock plus `later`, in microseconds since the epoch: delays must not depend on the caller's
/// clock. SQLite counts milliseconds; this rounds up, so that no message comes early.
pub(crate) fn file_clock(connection: &Connection, later: SignedDuration) -> Result<i64, Fault> {
    let now: i64 = connection
        .prepare_cached("SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER)")?
        .query_row([], |row| row.get(0))?;
    let later = i64::try_from(later.as_micros()).unwrap_or(i64::MAX);
    Ok(now.saturating_add(1000).saturating_add(later))
}

/// A row that was leased; its body is not parsed yet.
struct LeasedRow {
    receipt: ReceiptHandle,
    attempts: u32,
    body: String,
}

fn lease(connection: &Connection, now: Timestamp, limit: usize) -> Result<Vec<LeasedRow>, Fault> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let waited = "SELECT id FROM jobs WHERE due > 0 AND due <= ?2 ORDER BY due, id LIMIT ?1";
    let mut rows = select_ids(connection, waited, [most, now.as_microsecond()])?;
    // A message that is due later than the longest delay was queued under a clock that ran ahead: take it now. The
    // column `leased` excludes leases, whose `due` such a clock may have set too.
    let misdated = "SELECT id FROM jobs WHERE due > ?2 AND leased = 0 ORDER BY due, id LIMIT ?1";
    let longest = domain::time::later(now, MAX_DELAY).as_microsecond();
    rows.extend(select_ids(connection, misdated, [most - i64::try_from(rows.len()).unwrap_or(most), longest])?);
    let new = "SELECT id FROM jobs WHERE due = 0 ORDER BY id LIMIT ?1";
    rows.extend(select_ids(connection, new, [most - i64::try_from(rows.len()).unwrap_or(most)])?);

    let until = domain::time::later(now, LEASE).as_microsecond();
    let mut update = connection.prepare_cached(
        "UPDATE jobs SET due = ?2, leased = 1, attempts = attempts + 1 WHERE id = ?1 RETURNING attempts, body",
    )?;
    let take = |row| {
        let receipt = ReceiptHandle { row, until };
        update
            .query_row([row, until], |row| Ok(LeasedRow { receipt, attempts: row.get(0)?, body: row.get(1)? }))
            .map_err(Fault::from)
    };
    rows.into_iter().map(take).collect()
}

fn select_ids(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<i64>, Fault> {
    let mut select = connection.prepare_cached(sql)?;
    Ok(select.query_map(params, |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// Leased rows, by the result of reading them.
#[derive(Default)]
struct Loaded {
    /// Parsed, with their events.
    messages: Vec<QueuedMessage>,
    unreadable: Vec<ReceiptHandle>,
    /// Not read, as the memory limit was reached before them.
    over_limit: Vec<ReceiptHandle>,
}

fn load_all(
    connection: &Connection,
    recent: &RecentEvents,
    taken: Vec<LeasedRow>,
    memory: usize,
) -> Result<Loaded, Fault> {
    let (mut loaded, mut used) = (Loaded::default(), 0);
    for LeasedRow { receipt, attempts, body } in taken {
        if used >= memory {
            loaded.over_limit.push(receipt);
            continue;
        }
        match serde_json::from_str::<QueueMessage>(&body) {
            Err(_) => loaded.unreadable.push(receipt),
            Ok(message) => {
                let (message, memory) = with_events(connection, recent, receipt, message)?;
                used += memory;
                loaded.messages.push(QueuedMessage { receipt, message, attempts, memory });
            }
        }
    }
    Ok(loaded)
}

/// Replaces pks in a message by their events. Also returns the memory that the events take, in bytes.
fn with_events(
    connection: &Connection,
    recent: &RecentEvents,
    receipt: ReceiptHandle,
    message: QueueMessage,
) -> Result<(QueueMessage, usize), Fault> {
    let pks = match message.into_work() {
        QueuedWork::Stored(pks) => pks,
        work => return Ok((QueueMessage::new(work), 0)),
    };
    let (mut events, mut memory) = (Vec::with_capacity(pks.len()), 0);
    for pk in pks {
        let found = match recent.remove(pk) {
            Some(cached) => Some(cached),
            None => load(connection, receipt, pk)?.map(|(event, bytes)| (Arc::new(event), bytes)),
        };
        if let Some((event, bytes)) = found {
            memory += bytes;
            events.push(event);
        }
    }
    Ok((QueueMessage::new(QueuedWork::Events(events)), memory))
}

/// Reads a stored event, and returns the memory that it takes in bytes; `None` if it was deleted or cannot be read.
fn load(connection: &Connection, receipt: ReceiptHandle, pk: EventPk) -> Result<Option<(Event, usize)>, Fault> {
    let mut select = connection.prepare_cached("SELECT body, expires FROM events WHERE pk = ?1")?;
    let read = |row: &rusqlite::Row<'_>| {
        let expires = row.get(1)?;
        let body = row.get_ref(0)?.as_str().unwrap_or_default();
        Ok(record::event(body, expires).ok().map(|event| (event, domain::json::memory(body.as_bytes()))))
    };
    let found: Option<Option<(Event, usize)>> = select.query_row([pk.as_bytes()], read).optional()?;
    if matches!(found, Some(None)) {
        tracing::error!(event = %pk, message = receipt.row, "a stored event cannot be read; it is kept but not evaluated");
    }
    Ok(found.flatten())
}
