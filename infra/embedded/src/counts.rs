//! The number of events for each value of a dimension and hour, counted as the search index reads the events.
//! Owns the index's table `counts`. A query counts the events that are not indexed yet itself.

use std::collections::HashMap;
use std::ops::Range;

use domain::query::dimension::Dimension;
use domain::query::volume::hour_of;
use domain::{Event, EventPk};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::fault::Fault;
use crate::{index_position, record};

const COUNT: &str = "INSERT INTO counts (dimension, hour, value, count) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (dimension, hour, value) DO UPDATE SET count = count + excluded.count";

/// With more events than this not indexed yet, counting them would be too slow.
const MAX_UNCOUNTED: usize = 5000;

/// Counts to be written, by dimension, hour and value.
#[derive(Default)]
pub(crate) struct Counts(HashMap<(i64, i64, String), i64>);

impl Counts {
    /// Counts an event, given its body. Ignores an unreadable body.
    pub(crate) fn add(&mut self, body: &str) {
        // The event log reports unreadable events when it lists them.
        let Ok(event) = record::read::<Event>(body) else { return };
        let hour = hour_of(event.pk).as_microsecond();
        for by in Dimension::COUNTED {
            for value in by.values_in(&event) {
                *self.0.entry((number(by), hour, value)).or_default() += 1;
            }
        }
    }

    pub(crate) fn write(self, index: &Connection) -> Result<(), Fault> {
        let mut count = index.prepare_cached(COUNT)?;
        for ((dimension, hour, value), number) in self.0 {
            count.execute(params![dimension, hour, value, number])?;
        }
        Ok(())
    }
}

/// The dimension's number in the table. Stored: never change one.
fn number(by: Dimension) -> i64 {
    match by {
        Dimension::Username => 1,
        Dimension::ClientIp => 2,
        Dimension::App => 3,
        Dimension::Place => 4,
        Dimension::Action => 5,
    }
}

/// The number of events for each value of a dimension, in the hours that begin within `range` (microseconds since the
/// epoch). `None` if too many events are not indexed yet.
pub(crate) fn read(
    index: &mut Connection,
    events: &Connection,
    by: Dimension,
    range: &Range<i64>,
) -> Result<Option<Vec<(String, u64)>>, Fault> {
    let snapshot = index.transaction()?;
    let Some(reached) = index_position::reached(&snapshot, events)? else { return Ok(None) };
    let mut found = HashMap::<String, u64>::new();
    let mut bodies = events.prepare_cached("SELECT body FROM events WHERE rowid > ?1")?;
    let mut rows = bodies.query([reached])?;
    let mut uncounted = 0;
    while let Some(row) = rows.next()? {
        uncounted += 1;
        if uncounted > MAX_UNCOUNTED {
            return Ok(None);
        }
        let Ok(event) = record::read::<Event>(row.get_ref(0)?.as_str().unwrap_or_default()) else { continue };
        if range.contains(&hour_of(event.pk).as_microsecond()) {
            for value in by.values_in(&event) {
                *found.entry(value).or_default() += 1;
            }
        }
    }
    let mut sums = snapshot.prepare_cached(
        "SELECT value, sum(count) FROM counts WHERE dimension = ?1 AND hour >= ?2 AND hour < ?3 GROUP BY value",
    )?;
    let mut rows = sums.query(params![number(by), range.start, range.end])?;
    while let Some(row) = rows.next()? {
        *found.entry(row.get(0)?).or_default() += row.get::<_, i64>(1)?.unsigned_abs();
    }
    Ok(Some(found.into_iter().collect()))
}

/// Deletes the counts of the hours before the oldest stored event: their values may name people.
pub(crate) fn forget(index: &Connection, events: &Connection) -> Result<(), Fault> {
    let oldest: Option<[u8; 16]> =
        events.query_row("SELECT pk FROM events ORDER BY pk LIMIT 1", [], |row| row.get(0)).optional()?;
    let hour = oldest.map_or(i64::MAX, |pk| hour_of(EventPk::from_bytes(pk)).as_microsecond());
    index.prepare_cached("DELETE FROM counts WHERE hour < ?1")?.execute([hour])?;
    Ok(())
}
