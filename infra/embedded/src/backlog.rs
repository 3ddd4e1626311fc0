//! Counts the events in the queue that have not been evaluated.

use domain::Timestamp;
use domain::ports::Backlog;
use rusqlite::Connection;

use crate::fault::Fault;

/// The most messages that are counted.
const MAX_COUNTED: i64 = 10_000;

const COUNT: &str = "SELECT coalesce(sum(events), 0), min(queued) FROM (
    SELECT queued,
        coalesce(json_array_length(body, '$.v1.stored'), json_array_length(body, '$.v1.events')) AS events
    FROM jobs
    WHERE due IS NOT NULL AND (body LIKE '{\"v1\":{\"stored\"%' OR body LIKE '{\"v1\":{\"events\"%')
    ORDER BY id LIMIT ?1)";

/// The events of the oldest messages, and when the first of these was queued.
pub(crate) fn count(connection: &Connection) -> Result<Backlog, Fault> {
    let mut select = connection.prepare_cached(COUNT)?;
    let (events, oldest): (i64, Option<i64>) = select.query_row([MAX_COUNTED], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let oldest = oldest.and_then(|micros| Timestamp::from_microsecond(micros).ok());
    Ok(Backlog { events: events.unsigned_abs(), oldest })
}
