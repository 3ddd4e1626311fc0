//! The intake: stores and queues events in one transaction.
//! Owns the table `names`, which gives an event that is posted again without a time its first pk. The queue holds pks,
//! not bodies, which are in the same file already. An event that is stored already is neither changed nor queued again.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use domain::event::SerializedEvent;
use domain::message::{QueueMessage, QueuedWork};
use domain::ports::{Intake, StoreError};
use domain::retention::hold::{self, HOLD_EXPIRY, Hold};
use domain::retention::received_apart;
use domain::time::{CLOCK_SKEW, later};
use domain::{Event, EventPk, Timestamp};
use jiff::SignedDuration;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::fault::{self, Fault};
use crate::volume::Counters;
use crate::{Store, queue, record};

/// Does not change an event that is stored already, unless that one has expired and only awaits its deletion.
const INSERT_EVENT: &str = "INSERT INTO events (pk, expires, body, received) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (pk) DO UPDATE SET expires = excluded.expires, body = excluded.body, received = excluded.received
     WHERE expires <= unixepoch('subsec') * 1000000";

/// Few enough to be evaluated within a lease, many enough that the queue costs next to nothing.
const EVENTS_PER_MESSAGE: usize = 100;

/// Events ready to be written, their bodies concatenated.
struct Batch {
    bodies: Vec<u8>,
    rows: Vec<Row>,
    counters: Counters,
}

struct Row {
    pk: EventPk,
    expires: i64,
    created: Timestamp,
    /// The end of its body in `bodies`, in bytes; the body begins where the one before ends.
    end: usize,
    /// The memory that the event takes once parsed, in bytes.
    memory: usize,
    /// The index of its counter in `counters`.
    counter: usize,
}

impl Batch {
    fn encode(events: &[SerializedEvent]) -> Self {
        let mut batch = Self {
            bodies: Vec::with_capacity(events.len() * 1024),
            rows: Vec::with_capacity(events.len()),
            counters: Counters::default(),
        };
        for serialized in events {
            let (event, start) = (serialized.event(), batch.bodies.len());
            record::append_json(&mut batch.bodies, serialized.json());
            let (expires, end) = (event.expires.as_microsecond(), batch.bodies.len());
            let memory = domain::json::memory(&batch.bodies[start..]);
            let counter = batch.counters.index_of(event);
            batch.rows.push(Row { pk: event.pk, expires, created: event.created, end, memory, counter });
        }
        batch
    }
}

#[async_trait]
impl Intake for Store {
    async fn accept(&self, events: &[SerializedEvent]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        self.refuse_while_rebuilding()?;
        // Encoded here, where callers run in parallel: the single writer should only write.
        let batch = Arc::new(Batch::encode(events));
        let (work, recent, holds) = (self.work.clone(), self.recent_events.clone(), Arc::clone(&self.holds));
        let events: Arc<[Arc<Event>]> = events.iter().map(|one| Arc::clone(one.event())).collect();
        let stored = Arc::clone(&events);
        let cache_and_wake = move |new: &Vec<(usize, usize)>| {
            for (index, memory) in new {
                recent.insert(&events[*index], *memory);
            }
            if !new.is_empty() {
                work.notify_one();
            }
        };
        // The holds are read on the writer's thread: an event stored after a hold gets it here, and one stored before
        // is found by the hold's job. Read earlier, an event could miss both.
        let insert = move |connection: &Connection| insert(connection, &batch, &stored, &holds.all());
        match self.writer.write_then(insert.clone(), cache_and_wake.clone()).await {
            // The writer has merged the write-ahead log into the store since, which may have made enough room.
            Err(error) if fault::says_full_disk(&error) => {
                self.writer.write_then(insert, cache_and_wake).await.map(drop)
            }
            written => written.map(drop),
        }
    }

    async fn remember(
        &self,
        names: &[([u8; 32], EventPk)],
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<EventPk>, StoreError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let names = names.to_vec();
        let remember = move |connection: &Connection| {
            names.iter().map(|(hash, proposed)| remember_one(connection, hash, *proposed, now, until)).collect()
        };
        self.writer.write(remember).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.refuse_while_rebuilding()?;
        self.health.check()?;
        let probe = |connection: &Connection| {
            Ok(connection.prepare_cached("UPDATE probe SET writes = writes + 1")?.execute([]).map(drop)?)
        };
        self.writer.write(probe).await
    }
}

impl Store {
    /// Refuses events while the file is rebuilt. A caller that waited for minutes instead would time out and post the
    /// same events again, although they are stored in the end.
    fn refuse_while_rebuilding(&self) -> Result<(), StoreError> {
        if self.rebuilding.load(Ordering::Relaxed) {
            return Err(StoreError::store("the file is being rebuilt after an erasure; try again in a minute"));
        }
        Ok(())
    }
}

/// Returns the events that were new: the index of each, and the memory that it takes in bytes.
fn insert(
    connection: &Connection,
    Batch { bodies, rows, counters }: &Batch,
    events: &[Arc<Event>],
    holds: &[Hold],
) -> Result<Vec<(usize, usize)>, Fault> {
    let mut insert = connection.prepare_cached(INSERT_EVENT)?;
    let mut new = Vec::with_capacity(rows.len());
    let (mut start, now) = (0, queue::file_clock(connection, SignedDuration::ZERO)?);
    let now = Timestamp::from_microsecond(now).unwrap_or(Timestamp::UNIX_EPOCH);
    for (index, Row { pk, expires, created, end, memory, .. }) in rows.iter().enumerate() {
        // Borrowed as text without a copy: JSON is UTF-8.
        let body = ToSqlOutput::Borrowed(ValueRef::Text(&bodies[start..*end]));
        let expires = if hold::is_held(holds, &events[index]) { HOLD_EXPIRY.as_microsecond() } else { *expires };
        let received = received_apart(*created, now).map(Timestamp::as_microsecond);
        if insert.execute(params![pk.as_bytes(), expires, body, received])? > 0 {
            new.push((index, *memory));
        }
        start = *end;
    }
    counters.add(connection, new.iter().map(|(index, _)| rows[*index].counter))?;
    for message in new.chunks(EVENTS_PER_MESSAGE) {
        let pks = message.iter().map(|(index, _)| rows[*index].pk).collect();
        queue::insert(connection, &QueueMessage::new(QueuedWork::Stored(pks)), queue::DUE_NOW)?;
    }
    Ok(new)
}

fn remember_one(
    connection: &Connection,
    hash: &[u8; 32],
    proposed: EventPk,
    now: Timestamp,
    until: Timestamp,
) -> Result<EventPk, Fault> {
    let known: Option<[u8; 16]> = connection
        // A name that expires later than any name may was written under a clock that ran ahead: ignore it.
        .prepare_cached("SELECT pk FROM names WHERE hash = ?1 AND expires > ?2 AND expires <= ?3")?
        .query_row(params![hash, now.as_microsecond(), later(until, CLOCK_SKEW).as_microsecond()], |row| row.get(0))
        .optional()?;
    if let Some(bytes) = known {
        return Ok(EventPk::from_bytes(bytes));
    }
    connection
        .prepare_cached("INSERT OR REPLACE INTO names (hash, pk, expires) VALUES (?1, ?2, ?3)")?
        .execute(params![hash, proposed.as_bytes(), until.as_microsecond()])?;
    Ok(proposed)
}
