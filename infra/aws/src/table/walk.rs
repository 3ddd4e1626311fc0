//! Reads records from the newest backwards: day by day, merging the shards of a day, which are queried concurrently.

use std::collections::VecDeque;

use domain::ports::StoreError;
use futures_util::future::try_join_all;

use super::Table;
use super::item::{Item, string};
use super::keys::{FIRST, LAST, RecordKind, SK};

/// The most items of one shard's query; further pages are fetched when needed.
const MAX_PAGE: usize = 250;

/// An iteration over records, newest first.
pub(crate) struct Walk<'a> {
    table: &'a Table,
    /// The partitions of the days, or months, not begun yet, oldest first: the next is at the end.
    groups: Vec<Vec<String>>,
    shards: Vec<Shard>,
    from: String,
    below: String,
    /// How many items the next group is asked for at first.
    expected: usize,
}

struct Shard {
    partition: String,
    fetched: VecDeque<Item>,
    start: Option<Item>,
    done: bool,
    /// How many items the next request asks for. Doubles with each, because the reader then leaves many out.
    page: usize,
}

impl Shard {
    fn new(partition: String, page: usize) -> Self {
        Self { partition, fetched: VecDeque::new(), start: None, done: false, page }
    }
}

fn doubled(page: usize) -> usize {
    (page * 2).min(MAX_PAGE)
}

impl<'a> Walk<'a> {
    /// The records whose id is at least `from` and less than `below`. `expected`, the number of records that the caller
    /// is likely to read, sets the page size.
    pub(crate) async fn days(
        table: &'a Table,
        kind: RecordKind,
        from: Option<String>,
        below: Option<String>,
        expected: usize,
    ) -> Result<Self, StoreError> {
        let from = from.unwrap_or_else(|| FIRST.to_owned());
        let below = below.unwrap_or_else(|| LAST.to_owned());
        // DynamoDB rejects a BETWEEN with bounds in the wrong order; nothing lies between them anyway.
        let mut days = if from < below { table.days(kind, &from, &below).await? } else { Vec::new() };
        days.reverse();
        let partitions = |(day, shards): (String, u16)| (0..shards).map(|shard| kind.partition(&day, shard)).collect();
        Ok(Self::groups(table, days.into_iter().map(partitions).collect(), from, below, expected))
    }

    /// The records of these groups of partitions, oldest first: each group has only older records than the next.
    pub(crate) fn groups(
        table: &'a Table,
        groups: Vec<Vec<String>>,
        from: String,
        below: String,
        expected: usize,
    ) -> Self {
        Self { table, groups, shards: Vec::new(), from, below, expected }
    }

    /// The records of these partitions only.
    pub(crate) fn partitions(
        table: &'a Table,
        partitions: Vec<String>,
        from: String,
        below: String,
        expected: usize,
    ) -> Self {
        // These may be filled unevenly: each is asked for all.
        let page = page(expected, 1);
        let new = |partition| Shard::new(partition, page);
        let shards = if from < below { partitions.into_iter().map(new).collect() } else { Vec::new() };
        Self { table, groups: Vec::new(), shards, from, below, expected }
    }

    /// The next item, which is older than all before it; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Item>, StoreError> {
        loop {
            self.fill().await?;
            let newest = self
                .shards
                .iter_mut()
                .filter_map(|shard| {
                    let key = shard.fetched.front().and_then(|item| string(item, SK).ok())?.to_owned();
                    Some((key, shard))
                })
                .max_by(|(one, _), (other, _)| one.cmp(other));
            if let Some((_, shard)) = newest {
                return Ok(shard.fetched.pop_front());
            }
            let Some(partitions) = self.groups.pop() else {
                return Ok(None);
            };
            let page = page(self.expected, partitions.len());
            self.shards = partitions.into_iter().map(|partition| Shard::new(partition, page)).collect();
            self.expected = self.expected.saturating_mul(2);
        }
    }

    /// Fetches the next page of every shard whose fetched items are used up.
    async fn fill(&mut self) -> Result<(), StoreError> {
        let (table, from, below) = (self.table, self.from.as_str(), self.below.as_str());
        let empty = self.shards.iter_mut().filter(|shard| shard.fetched.is_empty() && !shard.done);
        try_join_all(empty.map(|shard| async move {
            while shard.fetched.is_empty() && !shard.done {
                let start = shard.start.take();
                let (items, next) = table.slice(&shard.partition, (from, below), shard.page, start).await?;
                shard.page = doubled(shard.page);
                shard.fetched.extend(items.into_iter().filter(|item| string(item, SK).is_ok_and(|key| key < below)));
                shard.done = next.is_none();
                shard.start = next;
            }
            Ok(())
        }))
        .await
        .map(drop)
    }
}

/// How many items each of the shards is asked for, so that together they probably have the expected ones and the one
/// that tells that more follow. Shards fill by a hash: that they differ by more than twice the root of their mean is
/// rare, and costs one request more.
fn page(expected: usize, shards: usize) -> usize {
    let wanted = expected.saturating_add(1).min(MAX_PAGE.saturating_mul(shards));
    let mean = wanted.div_ceil(shards.max(1));
    (mean + 2 * mean.isqrt() + 1).min(wanted).min(MAX_PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_little_more_than_what_is_expected() {
        for (expected, shards, each) in
            [(50, 1, 51), (50, 4, 20), (50, 64, 4), (200, 4, 66), (200, 64, 9), (1, 4, 2), (0, 4, 1)]
        {
            assert_eq!(page(expected, shards), each, "{expected} of {shards}");
        }
        for shards in [1, 4, 64] {
            assert_eq!(page(usize::MAX, shards), MAX_PAGE);
            assert_eq!(page(1000 * shards, shards), MAX_PAGE);
        }
    }
}
