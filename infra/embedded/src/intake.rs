//! Where events come in: stored and queued in one transaction.
//! Owns the names of events that came without a time. The queue holds pks, not bodies: those are
//! in the same file already. An event that is stored is left alone and not queued again.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use domain::message::{Message, Work};
use domain::ports::{Intake, StoreError};
use domain::retention::hold::{self, HELD, Hold};
use domain::retention::received_apart;
use domain::time::{CLOCK_SKEW, later};
use domain::{Event, EventPk, Timestamp};
use jiff::SignedDuration;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::fault::Fault;
use crate::volume::Counters;
use crate::{Store, jobs, record};

/// An event that is stored is left alone, unless it has expired and only awaits its deletion.
const INSERT_EVENT: &str = "INSERT INTO events (pk, expires, body, received) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (pk) DO UPDATE SET expires = excluded.expires, body = excluded.body, received = excluded.received
     WHERE expires <= unixepoch('subsec') * 1000000";

/// Few enough to be evaluated within a lease, many enough that the queue costs next to nothing.
const EVENTS_PER_JOB: usize = 100;

/// Events as they will be written, the bodies in one text.
struct Batch {
    bodies: Vec<u8>,
    rows: Vec<Row>,
    counters: Counters,
}

struct Row {
    pk: EventPk,
    expires: i64,
    created: Timestamp,
    /// Where its body ends.
    end: usize,
    /// What it takes in memory, in bytes.
    memory: usize,
    /// Where it is counted.
    counter: usize,
}

impl Batch {
    fn of(events: &[Arc<Event>]) -> Result<Self, Fault> {
        let mut made = Self {
            bodies: Vec::with_capacity(events.len() * 1024),
            rows: Vec::with_capacity(events.len()),
            counters: Counters::default(),
        };
        for event in events {
            let start = made.bodies.len();
            record::write_to(&mut made.bodies, &**event)?;
            let (expires, end) = (event.expires.as_microsecond(), made.bodies.len());
            let memory = domain::json::memory(&made.bodies[start..]);
            let counter = made.counters.of(event);
            made.rows.push(Row { pk: event.pk, expires, created: event.created, end, memory, counter });
        }
        Ok(made)
    }
}

#[async_trait]
impl Intake for Store {
    async fn accept(&self, events: &[Arc<Event>]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        self.refuse_while_rebuilding()?;
        // The callers make their bodies side by side; the one writer only writes.
        let batch = Batch::of(events)?;
        let (work, fresh, known) = (self.work.clone(), self.fresh.clone(), Arc::clone(&self.holds));
        let events: Arc<[Arc<Event>]> = events.into();
        let stored = Arc::clone(&events);
        let queued = move |new: &Vec<(usize, usize)>| {
            for (place, memory) in new {
                fresh.hold(&events[*place], *memory);
            }
            if !new.is_empty() {
                work.notify_one();
            }
        };
        // Asked in the writer's turn: what is stored after a hold is held, and what was stored before is there for its job.
        let insert = move |connection: &Connection| insert(connection, &batch, &stored, &known.all());
        self.writer.write_then(insert, queued).await.map(drop)
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
    /// A caller that waited for minutes would give up and post again what is stored all the same.
    fn refuse_while_rebuilding(&self) -> Result<(), StoreError> {
        if self.rebuilding.load(Ordering::Relaxed) {
            return Err(StoreError::store("the file is being rebuilt after an erasure; try again in a minute"));
        }
        Ok(())
    }
}

/// Says which of them were new: their places, and the memory that they take.
fn insert(
    connection: &Connection,
    Batch { bodies, rows, counters }: &Batch,
    events: &[Arc<Event>],
    holds: &[Hold],
) -> Result<Vec<(usize, usize)>, Fault> {
    let mut insert = connection.prepare_cached(INSERT_EVENT)?;
    let mut new = Vec::with_capacity(rows.len());
    let (mut start, now) = (0, jobs::own_clock(connection, SignedDuration::ZERO)?);
    let now = Timestamp::from_microsecond(now).unwrap_or(Timestamp::UNIX_EPOCH);
    for (place, Row { pk, expires, created, end, memory, .. }) in rows.iter().enumerate() {
        // As text, without a copy: JSON is UTF-8.
        let body = ToSqlOutput::Borrowed(ValueRef::Text(&bodies[start..*end]));
        let expires = if hold::holds(holds, &events[place]) { HELD.as_microsecond() } else { *expires };
        let received = received_apart(*created, now).map(Timestamp::as_microsecond);
        if insert.execute(params![pk.as_bytes(), expires, body, received])? > 0 {
            new.push((place, *memory));
        }
        start = *end;
    }
    counters.add(connection, new.iter().map(|(place, _)| rows[*place].counter))?;
    for job in new.chunks(EVENTS_PER_JOB) {
        let pks = job.iter().map(|(place, _)| rows[*place].pk).collect();
        jobs::insert(connection, &Message::new(Work::Stored(pks)), jobs::AT_ONCE)?;
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
        // What is remembered for longer than a name ever is was remembered by a clock that was wrong.
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
