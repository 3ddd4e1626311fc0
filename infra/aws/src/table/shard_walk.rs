//! Reads all events for jobs, which need no order within a day: one shard after the other, so that a page reads exactly
//! what it returns. Merging the shards would read ahead in each of them, and throw that away at the end of the page.

use domain::ports::StoreError;
use domain::retention::job::EventCursor;

use super::Table;
use super::item::{Item, keys, string};
use super::keys::{DAYS, FIRST, LAST, RecordKind, SK, day};

/// A position in the list of all events: the newest day first, in a day the first shard, in a shard the newest event.
pub(crate) struct ShardWalk<'a> {
    table: &'a Table,
    /// The current day (`yyyymmdd`) with its number of shards; `None` at the end.
    day: Option<(String, u16)>,
    shard: u16,
    /// The id of the last event of the shard that was read; `None` if none was read.
    last: Option<String>,
}

impl<'a> ShardWalk<'a> {
    /// Begins after that event. A cursor without a shard is of 0.1.0, which merged the shards: the event's day is read
    /// from its beginning. A job that has visited an event finds nothing to do when it comes again.
    pub(crate) async fn after(table: &'a Table, cursor: Option<EventCursor>) -> Result<Self, StoreError> {
        let Some(cursor) = cursor else {
            let day = table.day_before(RecordKind::Events, None).await?;
            return Ok(Self { table, day, shard: 0, last: None });
        };
        let day = day(cursor.before.instant());
        if let Some(shards) = table.shards_of_day(RecordKind::Events, &day).await? {
            let (shard, last) = cursor.shard.map_or((0, None), |shard| (shard, Some(cursor.before.to_string())));
            return Ok(Self { table, day: Some((day, shards)), shard, last });
        }
        // The day's events have been deleted meanwhile.
        let day = table.day_before(RecordKind::Events, Some(&day)).await?;
        Ok(Self { table, day, shard: 0, last: None })
    }

    /// Up to `limit` further events, all of one shard, and the shard; `None` if there are no more.
    pub(crate) async fn next(&mut self, limit: usize) -> Result<Option<(Vec<Item>, u16)>, StoreError> {
        while let Some((day, shards)) = &self.day {
            while self.shard < *shards {
                let partition = RecordKind::Events.partition(day, self.shard);
                let start = self.last.clone().map(|last| keys((partition.clone(), last)));
                let (items, next) = self.table.slice(&partition, (FIRST, LAST), limit, start).await?;
                let shard = self.shard;
                self.last = match items.last() {
                    Some(last) if next.is_some() => Some(string(last, SK)?.to_owned()),
                    _ => None,
                };
                self.shard += u16::from(self.last.is_none());
                if !items.is_empty() {
                    return Ok(Some((items, shard)));
                }
            }
            self.day = self.table.day_before(RecordKind::Events, Some(day)).await?;
            (self.shard, self.last) = (0, None);
        }
        Ok(None)
    }
}

impl Table {
    /// The newest day (`yyyymmdd`) with records before that day, or of all, with its number of shards; `None` if there is
    /// none.
    async fn day_before(&self, kind: RecordKind, day: Option<&str>) -> Result<Option<(String, u16)>, StoreError> {
        let (from, to) = (kind.marker(FIRST), kind.marker(day.unwrap_or(LAST)));
        let mut start = None;
        loop {
            // The range includes the day itself. A page may end early.
            let (items, next) = self.slice(DAYS, (&from, &to), 2, start).await?;
            for item in &items {
                let marker = string(item, SK)?;
                if marker != to {
                    return self.remember_day(marker, item).await.map(Some);
                }
            }
            if next.is_none() {
                return Ok(None);
            }
            start = next;
        }
    }
}
