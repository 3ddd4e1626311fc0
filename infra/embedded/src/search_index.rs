//! Where a text may stand, and which values are frequent: the trigrams of the events' bodies in a full-text index, and
//! counts by the hour, beside the store.
//!
//! Owns `search.db`. It holds nothing that the store does not, is filled behind the writes, a part at a time, so that
//! nobody who posts waits for it, and may be deleted whenever nobody has it open. It only ever rules out: what it has not
//! read yet is a candidate too, and whoever asks looks at the bodies. Refuses to guess: where it does not agree with
//! the store, it begins anew.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::ports::StoreError;
use domain::query::dimension::Dimension;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::counts::{self, Counts};
use crate::erasure::fold_log;
use crate::fault::Fault;
use crate::open;

const FILE: &str = "search.db";

/// `detail=none` keeps no positions: a third of the size, and the bodies are read anyway. Its parts are larger
/// and merged later than by default: a third less work at a million events, at the same size and the same time to ask.
const SCHEMA: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216;
    CREATE VIRTUAL TABLE IF NOT EXISTS bodies
        USING fts5 (body, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram');
    INSERT INTO bodies (bodies, rank) VALUES ('automerge', 8), ('hashsize', 4194304);
    CREATE TABLE IF NOT EXISTS reached (id INTEGER PRIMARY KEY CHECK (id = 1), row INTEGER NOT NULL, pk BLOB NOT NULL);
    INSERT OR IGNORE INTO reached VALUES (1, 0, x'');
    CREATE TABLE IF NOT EXISTS counts (dimension INTEGER NOT NULL, hour INTEGER NOT NULL, value TEXT NOT NULL,
        count INTEGER NOT NULL, PRIMARY KEY (dimension, hour, value)) WITHOUT ROWID;";

const DROP: &str = "BEGIN; DROP TABLE bodies; DROP TABLE reached; DROP TABLE counts; COMMIT;";

/// Read into it at once: about a third of a second's work.
const BATCH: usize = 4000;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Looked at in one go for events that are no longer there.
const SWEPT: usize = 5000;

/// More of them rule out little that fewer do not.
const MOST_TRIGRAMS: usize = 48;

/// Bodies that are looked at, from all over the store, for which trigrams nearly all have: looking those up would take as
/// long as there are events, and rule out next to none.
const SAMPLED: i64 = 50;

/// The index.
#[derive(Debug)]
pub(crate) struct SearchIndex {
    file: PathBuf,
    filling: Mutex<Filling>,
    asking: Mutex<Option<Connection>>,
}

#[derive(Debug, Default)]
struct Filling {
    connection: Option<Connection>,
    /// Up to which row was looked for events that are gone.
    swept: i64,
}

impl Filling {
    fn index(&mut self, file: &Path) -> Result<&mut Connection, Fault> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            missing => Ok(missing.insert(create(file)?)),
        }
    }
}

impl SearchIndex {
    pub(crate) fn beside(store: &Path) -> Self {
        Self { file: store.with_file_name(FILE), filling: Mutex::default(), asking: Mutex::default() }
    }

    /// Reads the next events into the index, or, where all are, forgets some that are gone. Says how many are left.
    pub(crate) fn fill(&self, events: &Connection) -> Result<u64, Fault> {
        let mut filling = locked(&self.filling);
        let swept = filling.swept;
        let index = filling.index(&self.file)?;
        let newest = newest(events)?;
        let Some(reached) = reached(index, events)? else {
            empty(index)?;
            return Ok(newest.unsigned_abs());
        };
        let row = if reached < newest { extend(index, events, reached)? } else { reached };
        if reached == newest {
            let swept = forget(index, events, swept)?;
            if swept == 0 {
                counts::forget(index, events)?;
            }
            filling.swept = swept;
        }
        Ok(newest.saturating_sub(row).unsigned_abs())
    }

    /// Begins anew, so that nothing of what was erased stays.
    pub(crate) fn forget_all(&self) -> Result<(), Fault> {
        let mut filling = locked(&self.filling);
        filling.swept = 0;
        empty(filling.index(&self.file)?)
    }

    /// Puts what is in its write-ahead log into its file.
    pub(crate) fn fold(&self) -> Result<(), Fault> {
        *locked(&self.asking) = None;
        // Not opened for filling: then this process has written nothing to it.
        locked(&self.filling).connection.as_ref().map_or(Ok(()), fold_log)
    }

    /// The rows of the events that may hold all of these texts, which are in lower case; in any order. None if there
    /// are more than `most`, or the index cannot tell.
    pub(crate) fn candidates(&self, events: &Connection, texts: &[String], most: usize) -> Option<Vec<i64>> {
        let trigrams = trigrams(texts);
        if trigrams.is_empty() {
            return None;
        }
        self.ask(|index| ask(index, events, &expression(telling(events, trigrams)?), most))
    }

    /// How many events have each value of a dimension. None if the index cannot tell.
    pub(crate) fn counted(&self, events: &Connection, by: Dimension, span: Range<i64>) -> Option<Vec<(String, u64)>> {
        self.ask(|index| counts::read(index, events, by, &span))
    }

    fn ask<T>(&self, ask: impl FnOnce(&mut Connection) -> Result<Option<T>, Fault>) -> Option<T> {
        let mut asking = locked(&self.asking);
        if asking.is_none() {
            // Not there before it was filled for the first time.
            *asking = open::reader(&self.file).ok();
        }
        match ask(asking.as_mut()?) {
            Ok(found) => found,
            Err(fault) => {
                let error = StoreError::from(fault);
                tracing::warn!(%error, "the search index cannot be read; the events themselves are looked at");
                *asking = None;
                None
            }
        }
    }
}

/// What was in it is no longer in its files.
fn empty(index: &Connection) -> Result<(), Fault> {
    index.execute_batch(DROP)?;
    // Without its tables the file is rebuilt at once, however large it was.
    index.execute_batch("VACUUM")?;
    index.execute_batch(SCHEMA)?;
    fold_log(index)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opened for filling; a file that is no index of this kind is replaced.
fn create(file: &Path) -> Result<Connection, Fault> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open(file)?;
        connection.execute_batch(SCHEMA)?;
        Ok(connection)
    };
    let made = |error: std::io::Error| StoreError::store(error);
    open::private_file(file).map_err(made)?;
    open().or_else(|error| {
        tracing::warn!(%error, "the search index cannot be used; it is made anew");
        std::fs::remove_file(file).and_then(|()| open::private_file(file)).map_err(made)?;
        Ok(open()?)
    })
}

/// The row that was read last. None if its event is not the one that was read: then rows were given to other events,
/// or the store is another. Once the newest event is gone, its row may be.
pub(crate) fn reached(index: &Connection, events: &Connection) -> Result<Option<i64>, Fault> {
    let (row, pk): (i64, Vec<u8>) =
        index.query_row("SELECT row, pk FROM reached", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut select = events.prepare_cached("SELECT pk FROM events WHERE rowid = ?1")?;
    let found: Option<Vec<u8>> = select.query_row([row], |row| row.get(0)).optional()?;
    let agrees = match found {
        Some(found) => found == pk,
        None => row <= newest(events)?,
    };
    Ok(agrees.then_some(row))
}

fn newest(events: &Connection) -> Result<i64, Fault> {
    Ok(events.query_row("SELECT ifnull(max(rowid), 0) FROM events", [], |row| row.get(0))?)
}

/// Says which row it has reached.
fn extend(index: &mut Connection, events: &Connection, after: i64) -> Result<i64, Fault> {
    let transaction = index.transaction()?;
    let mut reached = (after, Vec::new());
    let mut counts = Counts::default();
    {
        let mut insert = transaction.prepare_cached("INSERT OR REPLACE INTO bodies (rowid, body) VALUES (?1, ?2)")?;
        let mut select =
            events.prepare_cached("SELECT rowid, pk, body FROM events WHERE rowid > ?1 ORDER BY rowid LIMIT ?2")?;
        let mut rows = select.query(params![after, i64::try_from(BATCH).unwrap_or(i64::MAX)])?;
        let mut bytes = 0;
        while bytes < BATCH_BYTES
            && let Some(row) = rows.next()?
        {
            let body = row.get_ref(2)?.as_str().unwrap_or_default();
            bytes += body.len();
            reached = (row.get(0)?, row.get(1)?);
            insert.execute(params![reached.0, body.to_lowercase()])?;
            counts.add(body);
        }
    }
    counts.write(&transaction)?;
    transaction.execute("UPDATE reached SET row = ?1, pk = ?2", params![reached.0, reached.1])?;
    transaction.commit()?;
    Ok(reached.0)
}

/// Says up to which row it has looked; 0 at the end, to begin again.
fn forget(index: &mut Connection, events: &Connection, after: i64) -> Result<i64, Fault> {
    let rows: Vec<i64> = {
        let mut select = index.prepare_cached("SELECT rowid FROM bodies WHERE rowid > ?1 ORDER BY rowid LIMIT ?2")?;
        let rows = select.query_map(params![after, i64::try_from(SWEPT).unwrap_or(i64::MAX)], |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    let mut there = events.prepare_cached("SELECT 1 FROM events WHERE rowid = ?1")?;
    let transaction = index.transaction()?;
    for row in &rows {
        if !there.exists([row])? {
            transaction.prepare_cached("DELETE FROM bodies WHERE rowid = ?1")?.execute([row])?;
        }
    }
    transaction.commit()?;
    Ok(rows.last().copied().unwrap_or_default())
}

fn ask(index: &mut Connection, events: &Connection, wanted: &str, most: usize) -> Result<Option<Vec<i64>>, Fault> {
    let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    // One state of the index: what is read into it meanwhile counts as not read.
    let state = index.transaction()?;
    let Some(reached) = reached(&state, events)? else { return Ok(None) };
    let all = |connection: &Connection, sql: &str, value: &dyn rusqlite::ToSql| -> rusqlite::Result<Vec<i64>> {
        let mut select = connection.prepare_cached(sql)?;
        select.query_map(params![value, limit], |row| row.get(0))?.collect()
    };
    let mut rows = all(events, "SELECT rowid FROM events WHERE rowid > ?1 LIMIT ?2", &reached)?;
    if rows.len() <= most {
        rows.extend(all(&state, "SELECT rowid FROM bodies WHERE bodies MATCH ?1 LIMIT ?2", &wanted)?);
    }
    Ok(Some(rows).filter(|rows| rows.len() <= most))
}

/// None if the texts are too short to have any.
fn trigrams(texts: &[String]) -> BTreeSet<String> {
    let mut trigrams = BTreeSet::new();
    for text in texts {
        let characters: Vec<char> = text.chars().collect();
        trigrams.extend(characters.windows(3).map(String::from_iter));
    }
    trigrams
}

/// Those that not nearly every event has; all, if every event has each of them.
fn telling(events: &Connection, trigrams: BTreeSet<String>) -> Result<Vec<String>, Fault> {
    let oldest: i64 = events.query_row("SELECT ifnull(min(rowid), 0) FROM events", [], |row| row.get(0))?;
    let span = newest(events)? - oldest;
    let mut select = events.prepare_cached("SELECT body FROM events WHERE rowid >= ?1 ORDER BY rowid LIMIT 1")?;
    let mut bodies: Vec<String> = Vec::new();
    for place in 0..SAMPLED {
        let body: Option<String> = select.query_row([oldest + span / SAMPLED * place], |row| row.get(0)).optional()?;
        bodies.extend(body.map(|body| body.to_lowercase()));
    }
    let have = |trigram: &str| bodies.iter().filter(|body| body.contains(trigram)).count();
    let (common, telling): (Vec<_>, Vec<_>) =
        trigrams.into_iter().partition(|trigram| have(trigram) * 10 >= bodies.len() * 9);
    Ok(if telling.is_empty() { common } else { telling })
}

/// Each trigram a phrase of one token.
fn expression(trigrams: Vec<String>) -> String {
    let quoted = |trigram: &String| format!("\"{}\"", trigram.replace('"', "\"\""));
    let phrases: Vec<_> = trigrams.iter().take(MOST_TRIGRAMS).map(quoted).collect();
    phrases.join(" AND ")
}

#[cfg(test)]
#[path = "search_index_tests.rs"]
mod tests;
