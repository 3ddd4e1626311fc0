//! How far the search index has read the store: the index's table `reached`.

use rusqlite::{Connection, OptionalExtension as _};

use crate::fault::Fault;

/// The row of the last event that was indexed, 0 for none. `None` if the index does not belong to this store: the row
/// holds another event than the one indexed, or lies beyond the newest row.
pub(crate) fn reached(index: &Connection, events: &Connection) -> Result<Option<i64>, Fault> {
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
