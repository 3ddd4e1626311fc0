//! How far the search index has read the store: the index's table `reached`.

use rusqlite::{Connection, OptionalExtension as _};

use crate::fault::Fault;

/// The version of the index's contents. An index of another version is rebuilt.
const VERSION: i64 = 1;

/// Marks an empty index as one of this version.
pub(crate) fn mark_version(index: &Connection) -> rusqlite::Result<()> {
    index.pragma_update(None, "user_version", VERSION)
}

/// The row of the last event that was indexed, 0 for none. `None` if the index has another version, or does not
/// belong to this store: the row holds another event than the one indexed, or lies beyond the newest row.
pub(crate) fn reached(index: &Connection, events: &Connection) -> Result<Option<i64>, Fault> {
    let version: i64 = index.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version != VERSION {
        return Ok(None);
    }
    let (row, pk): (i64, Vec<u8>) =
        index.query_row("SELECT row, pk FROM reached", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut select = events.prepare_cached("SELECT pk FROM events WHERE rowid = ?1")?;
    let found: Option<Vec<u8>> = select.query_row([row], |row| row.get(0)).optional()?;
    let agrees = match found {
        Some(found) => found == pk,
        // The event was deleted since. Its row may only be reused once it was the newest.
        None => row <= newest(events)?,
    };
    Ok(agrees.then_some(row))
}

/// The newest event's row; 0 if the store is empty.
pub(crate) fn newest(events: &Connection) -> Result<i64, Fault> {
    Ok(events.query_row("SELECT ifnull(max(rowid), 0) FROM events", [], |row| row.get(0))?)
}
