//! The search index beside the store: a full-text index of the trigrams in event bodies, and hourly counts of values.
//!
//! Owns `search.db`. The file holds nothing that the store does not, and may be deleted while no process has it open. A
//! background task fills it in batches, so that posting events never waits for it. The index only rules out: an event
//! that is not indexed yet counts as a candidate, and callers check the bodies. Refuses to guess: an index that does
//! not agree with the store is rebuilt.

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
use crate::files;
use crate::index_position::{mark_version, newest, reached};
use crate::open;

const FILE: &str = "search.db";

/// `detail=none` stores no positions: a third of the size, and callers read the bodies anyway. Segments are larger and
/// merged later than by default: a third less work at a million events, with the same size and query time.
const SCHEMA: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216;
    CREATE VIRTUAL TABLE IF NOT EXISTS bodies
        USING fts5 (body, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram');
    INSERT INTO bodies (bodies, rank) VALUES ('automerge', 8), ('hashsize', 4194304);
    CREATE TABLE IF NOT EXISTS reached (id INTEGER PRIMARY KEY CHECK (id = 1), row INTEGER NOT NULL, pk BLOB NOT NULL);
    INSERT OR IGNORE INTO reached VALUES (1, 0, x'');
    CREATE TABLE IF NOT EXISTS counts (dimension INTEGER NOT NULL, hour INTEGER NOT NULL, value TEXT NOT NULL,
        count INTEGER NOT NULL, PRIMARY KEY (dimension, hour, value)) WITHOUT ROWID;";

const DROP: &str = "BEGIN; DROP TABLE bodies; DROP TABLE reached; DROP TABLE counts; COMMIT;";

/// The most events and bytes indexed in one transaction: about a third of a second of work.
const BATCH: usize = 4000;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// The number of indexed rows that one sweep checks for deleted events.
const SWEEP_BATCH: usize = 5000;

/// The most trigrams in one query: further ones rule out little more.
const MAX_TRIGRAMS: usize = 48;

/// The number of bodies sampled from the whole store to find the trigrams that nearly all of them contain. Such a
/// trigram's posting list is as long as the store and rules out next to nothing.
const SAMPLES: i64 = 50;

/// The index: one connection that fills it, one that answers queries.
#[derive(Debug)]
pub(crate) struct SearchIndex {
    file: PathBuf,
    filler: Mutex<Filler>,
    reader: Mutex<Option<Connection>>,
}

#[derive(Debug, Default)]
struct Filler {
    connection: Option<Connection>,
    /// The last row that the current sweep for deleted events has checked.
    swept: i64,
}

impl Filler {
    /// The connection, opened on first use.
    fn index(&mut self, file: &Path) -> Result<&mut Connection, Fault> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            missing => Ok(missing.insert(create(file)?)),
        }
    }
}

impl SearchIndex {
    pub(crate) fn in_folder_of(store: &Path) -> Self {
        Self { file: store.with_file_name(FILE), filler: Mutex::default(), reader: Mutex::default() }
    }

    /// Indexes the next batch of events, or removes some deleted ones if all are indexed. Returns how many rows are
    /// left to index.
    pub(crate) fn fill(&self, events: &Connection) -> Result<u64, Fault> {
        let mut filler = locked(&self.filler);
        let swept = filler.swept;
        let index = filler.index(&self.file)?;
        let newest = newest(events)?;
        let Some(reached) = reached(index, events)? else {
            empty(index)?;
            return Ok(newest.unsigned_abs());
        };
        let row = if reached < newest { extend(index, events, reached)? } else { reached };
        if reached == newest {
            let swept = remove_deleted(index, events, swept)?;
            if swept == 0 {
                counts::forget(index, events)?;
            }
            filler.swept = swept;
        }
        Ok(newest.saturating_sub(row).unsigned_abs())
    }

    /// Empties the index, so that nothing of an erased event stays in its files.
    pub(crate) fn forget_all(&self) -> Result<(), Fault> {
        let mut filler = locked(&self.filler);
        filler.swept = 0;
        empty(filler.index(&self.file)?)
    }

    /// Checkpoints the index's write-ahead log into its file, and closes the reading connection.
    pub(crate) fn fold(&self) -> Result<(), Fault> {
        *locked(&self.reader) = None;
        // Without a connection, this process has written nothing to the index.
        locked(&self.filler).connection.as_ref().map_or(Ok(()), fold_log)
    }

    /// The rows of the events that may contain all of these texts, which must be in lower case; in any order. `None` if
    /// there are more than `max`, or the index cannot tell: all texts are shorter than three characters, or it is
    /// empty.
    pub(crate) fn candidates(&self, events: &Connection, texts: &[String], max: usize) -> Option<Vec<i64>> {
        let trigrams = trigrams(texts);
        if trigrams.is_empty() {
            return None;
        }
        self.query(|index| matching_rows(index, events, &expression(selective_trigrams(events, trigrams)?), max))
    }

    /// The number of events for each value of a dimension, in the hours that begin within `range` (microseconds since
    /// the epoch). `None` if the index cannot tell.
    pub(crate) fn counted(&self, events: &Connection, by: Dimension, range: Range<i64>) -> Option<Vec<(String, u64)>> {
        self.query(|index| counts::read(index, events, by, &range))
    }

    fn query<T>(&self, query: impl FnOnce(&mut Connection) -> Result<Option<T>, Fault>) -> Option<T> {
        let mut reader = locked(&self.reader);
        if reader.is_none() {
            // The file does not exist before the index is filled for the first time.
            *reader = open::reader(&self.file).ok();
        }
        match query(reader.as_mut()?) {
            Ok(found) => found,
            Err(fault) => {
                let error = StoreError::from(fault);
                tracing::warn!(%error, "the search index cannot be read; searching the events themselves instead");
                *reader = None;
                None
            }
        }
    }
}

/// Empties the index. Its old content is no longer in the files afterwards.
fn empty(index: &Connection) -> Result<(), Fault> {
    index.execute_batch(DROP)?;
    // Without tables, VACUUM has nothing to copy and is fast however large the file is.
    index.execute_batch("VACUUM")?;
    index.execute_batch(SCHEMA)?;
    mark_version(index)?;
    fold_log(index)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens the index for writing. A file that is not such an index is replaced.
fn create(file: &Path) -> Result<Connection, Fault> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open(file)?;
        let is_new = !connection.table_exists(None, "reached")?;
        connection.execute_batch(SCHEMA)?;
        if is_new {
            mark_version(&connection)?;
        }
        Ok(connection)
    };
    let unusable = |error: std::io::Error| StoreError::store(error);
    files::private_file(file).map_err(unusable)?;
    open().or_else(|error| {
        tracing::warn!(%error, "the search index cannot be used and is rebuilt");
        std::fs::remove_file(file).and_then(|()| files::private_file(file)).map_err(unusable)?;
        Ok(open()?)
    })
}

/// Indexes a batch of events that follow the row `after`, and returns the last row indexed.
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

/// Removes deleted events among a batch of indexed rows that follow the row `after`. Returns the last row checked, or
/// 0 at the end, so that the next sweep begins again.
fn remove_deleted(index: &mut Connection, events: &Connection, after: i64) -> Result<i64, Fault> {
    let rows: Vec<i64> = {
        let mut select = index.prepare_cached("SELECT rowid FROM bodies WHERE rowid > ?1 ORDER BY rowid LIMIT ?2")?;
        let rows =
            select.query_map(params![after, i64::try_from(SWEEP_BATCH).unwrap_or(i64::MAX)], |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    let mut exists = events.prepare_cached("SELECT 1 FROM events WHERE rowid = ?1")?;
    let transaction = index.transaction()?;
    for row in &rows {
        if !exists.exists([row])? {
            transaction.prepare_cached("DELETE FROM bodies WHERE rowid = ?1")?.execute([row])?;
        }
    }
    transaction.commit()?;
    Ok(rows.last().copied().unwrap_or_default())
}

fn matching_rows(
    index: &mut Connection,
    events: &Connection,
    expression: &str,
    max: usize,
) -> Result<Option<Vec<i64>>, Fault> {
    let limit = i64::try_from(max).unwrap_or(i64::MAX).saturating_add(1);
    // One snapshot of the index: events that are indexed meanwhile count as not indexed.
    let snapshot = index.transaction()?;
    let Some(reached) = reached(&snapshot, events)? else { return Ok(None) };
    let all = |connection: &Connection, sql: &str, value: &dyn rusqlite::ToSql| -> rusqlite::Result<Vec<i64>> {
        let mut select = connection.prepare_cached(sql)?;
        select.query_map(params![value, limit], |row| row.get(0))?.collect()
    };
    let mut rows = all(events, "SELECT rowid FROM events WHERE rowid > ?1 LIMIT ?2", &reached)?;
    if rows.len() <= max {
        rows.extend(all(&snapshot, "SELECT rowid FROM bodies WHERE bodies MATCH ?1 LIMIT ?2", &expression)?);
    }
    Ok(Some(rows).filter(|rows| rows.len() <= max))
}

/// All trigrams of the texts; empty if every text is shorter than three characters.
fn trigrams(texts: &[String]) -> BTreeSet<String> {
    let mut trigrams = BTreeSet::new();
    for text in texts {
        let characters: Vec<char> = text.chars().collect();
        trigrams.extend(characters.windows(3).map(String::from_iter));
    }
    trigrams
}

/// The trigrams that fewer than nine of ten sampled events contain. Returns all of them if none is selective.
fn selective_trigrams(events: &Connection, trigrams: BTreeSet<String>) -> Result<Vec<String>, Fault> {
    let oldest: i64 = events.query_row("SELECT ifnull(min(rowid), 0) FROM events", [], |row| row.get(0))?;
    let span = newest(events)? - oldest;
    let mut select = events.prepare_cached("SELECT body FROM events WHERE rowid >= ?1 ORDER BY rowid LIMIT 1")?;
    let mut bodies: Vec<String> = Vec::new();
    for sample in 0..SAMPLES {
        let body: Option<String> = select.query_row([oldest + span / SAMPLES * sample], |row| row.get(0)).optional()?;
        bodies.extend(body.map(|body| body.to_lowercase()));
    }
    let containing = |trigram: &str| bodies.iter().filter(|body| body.contains(trigram)).count();
    let (common, selective): (Vec<_>, Vec<_>) =
        trigrams.into_iter().partition(|trigram| containing(trigram) * 10 >= bodies.len() * 9);
    Ok(if selective.is_empty() { common } else { selective })
}

/// The FTS5 expression that all trigrams occur: `"abc" AND "bcd"`.
fn expression(trigrams: Vec<String>) -> String {
    let quoted = |trigram: &String| format!("\"{}\"", trigram.replace('"', "\"\""));
    let phrases: Vec<_> = trigrams.iter().take(MAX_TRIGRAMS).map(quoted).collect();
    phrases.join(" AND ")
}

#[cfg(test)]
#[path = "search_index_tests.rs"]
mod tests;
