//! Counts of events by hour and action, updated in the transaction that stores the events.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::event::Action;
use domain::ports::{RollUp, StoreError, Volume, VolumeCounts};
use domain::query::volume::{HourCount, hour_of};
use domain::{Event, Timestamp};
use rusqlite::{Connection, params};

use crate::Store;
use crate::fault::Fault;

const COUNT: &str = "INSERT INTO volume (hour, action, count) VALUES (?1, ?2, ?3)
     ON CONFLICT (hour, action) DO UPDATE SET count = count + excluded.count";

/// The counters of a batch of events, one for each hour and action.
#[derive(Default)]
pub(crate) struct Counters {
    indexes: HashMap<(i64, Action), usize>,
    counters: Vec<(i64, Action)>,
}

impl Counters {
    /// The index of the event's counter, which is added if it is the first of its hour and action.
    pub(crate) fn index_of(&mut self, event: &Event) -> usize {
        let hour = hour_of(event.pk).as_microsecond();
        // Most batches have one hour and few actions: comparing is cheaper than hashing, and clones no action.
        if let Some(index) =
            self.counters.iter().take(8).position(|(at, action)| *at == hour && *action == event.action)
        {
            return index;
        }
        let counters = &mut self.counters;
        *self.indexes.entry((hour, event.action.clone())).or_insert_with_key(|key| {
            counters.push(key.clone());
            counters.len() - 1
        })
    }

    /// Adds one event to the counter at each of these indexes, and writes the counters.
    pub(crate) fn add(&self, connection: &Connection, indexes: impl Iterator<Item = usize>) -> Result<(), Fault> {
        let mut counts = vec![0_i64; self.counters.len()];
        indexes.for_each(|index| counts[index] += 1);
        let mut add = connection.prepare_cached(COUNT)?;
        for ((hour, action), count) in self.counters.iter().zip(counts).filter(|(_, count)| *count > 0) {
            add.execute(params![hour, action.as_str(), count])?;
        }
        Ok(())
    }
}

#[async_trait]
impl Volume for Store {
    async fn hours(&self, since: Timestamp, until: Timestamp) -> Result<VolumeCounts, StoreError> {
        let hours = move |connection: &Connection| {
            let mut select =
                connection.prepare_cached("SELECT hour, action, count FROM volume WHERE hour >= ?1 AND hour < ?2")?;
            let mut rows = select.query([since.as_microsecond(), until.as_microsecond()])?;
            let mut counts = Vec::new();
            while let Some(row) = rows.next()? {
                let hour = Timestamp::from_microsecond(row.get(0)?);
                let action = Action::parse(row.get_ref(1)?.as_str().unwrap_or_default());
                if let (Ok(hour), Ok(action)) = (hour, action) {
                    counts.push(HourCount { hour, action, count: row.get::<_, i64>(2)?.unsigned_abs() });
                }
            }
            Ok(VolumeCounts { hours: counts, complete_since: None })
        };
        self.readers.read(hours).await
    }

    async fn roll_up(&self, _: Timestamp) -> Result<RollUp, StoreError> {
        Ok(RollUp::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{open, schema};

    #[test]
    fn an_older_file_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let file = open::make_file(folder.path()).unwrap();
        let mut connection = open::writer(&file).unwrap();
        schema::migrate(&mut connection, &file).unwrap();
        let older =
            "DROP TABLE volume; DROP TABLE collected; DROP TABLE operator_jobs; DROP TABLE holds; DROP TABLE sessions;
            DROP TABLE detection_groups; ALTER TABLE jobs DROP COLUMN queued;
            ALTER TABLE events DROP COLUMN received; PRAGMA user_version = 4;
            INSERT INTO events VALUES
            (x'01', 0, '{\"v1\":{\"action\":\"login\",\"created\":\"2026-01-02T03:04:05.000006Z\"}}'),
            (x'02', 0, '{\"v1\":{\"action\":\"login\",\"created\":\"2026-01-02T03:59:59.999999Z\"}}'),
            (x'03', 0, '{\"v1\":{\"action\":\"logout\",\"created\":\"1969-01-02T03:59:59.999999Z\"}}'),
            (x'04', 0, '?')";
        connection.execute_batch(older).unwrap();
        schema::migrate(&mut connection, &file).unwrap();
        let mut select = connection.prepare("SELECT hour, action, count FROM volume ORDER BY hour").unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        let found: Vec<(i64, String, i64)> = rows.collect::<Result<_, _>>().unwrap();
        let hour = "2026-01-02T03:00:00Z".parse::<Timestamp>().unwrap().as_microsecond();
        assert_eq!(found, [(0, "logout".to_owned(), 1), (hour, "login".to_owned(), 2)]);
    }
}
