//! Walking records from the newest back: day by day, a day's shards read side by side and merged.

use std::collections::VecDeque;

use domain::ports::StoreError;
use futures_util::future::try_join_all;

use super::Table;
use super::item::{Item, string};
use super::keys::{FIRST, Family, LAST, SK};

/// A page of one shard's query; more are fetched as they are needed.
const LARGEST_PAGE: usize = 250;

/// A walk under way.
pub(crate) struct Walk<'a> {
    table: &'a Table,
    family: Family,
    /// Days not yet begun; the next one is the last.
    days: Vec<String>,
    shards: Vec<Shard>,
    from: String,
    below: String,
    page: usize,
}

struct Shard {
    partition: String,
    waiting: VecDeque<Item>,
    start: Option<Item>,
    done: bool,
}

impl Shard {
    fn new(partition: String) -> Self {
        Self { partition, waiting: VecDeque::new(), start: None, done: false }
    }
}

impl<'a> Walk<'a> {
    /// Over the records whose id is at least `from` and less than `below`; about `expected` are wanted.
    pub(crate) async fn days(
        table: &'a Table,
        family: Family,
        from: Option<String>,
        below: Option<String>,
        expected: usize,
    ) -> Result<Self, StoreError> {
        let from = from.unwrap_or_else(|| FIRST.to_owned());
        let below = below.unwrap_or_else(|| LAST.to_owned());
        // BETWEEN refuses bounds in the wrong order, and there is nothing between them.
        let mut days = if from < below { table.days(family, &from, &below).await? } else { Vec::new() };
        days.reverse();
        Ok(Self { table, family, days, shards: Vec::new(), from, below, page: page(expected) })
    }

    /// Over these partitions only.
    pub(crate) fn partitions(
        table: &'a Table,
        family: Family,
        partitions: Vec<String>,
        from: String,
        below: String,
        expected: usize,
    ) -> Self {
        let shards = if from < below { partitions.into_iter().map(Shard::new).collect() } else { Vec::new() };
        Self { table, family, days: Vec::new(), shards, from, below, page: page(expected) }
    }

    /// The next item, older than all before it.
    pub(crate) async fn next(&mut self) -> Result<Option<Item>, StoreError> {
        loop {
            self.fill().await?;
            let newest = self
                .shards
                .iter_mut()
                .filter_map(|shard| {
                    let key = shard.waiting.front().and_then(|item| string(item, SK).ok())?.to_owned();
                    Some((key, shard))
                })
                .max_by(|(one, _), (other, _)| one.cmp(other));
            if let Some((_, shard)) = newest {
                return Ok(shard.waiting.pop_front());
            }
            let Some(day) = self.days.pop() else {
                return Ok(None);
            };
            let shards = 0..self.table.shards().await?;
            self.shards = shards.map(|shard| Shard::new(self.family.partition(&day, shard))).collect();
        }
    }

    /// Fetches the next page of every shard that has none waiting and may have more.
    async fn fill(&mut self) -> Result<(), StoreError> {
        let (table, from, below, page) = (self.table, self.from.as_str(), self.below.as_str(), self.page);
        let hungry = self.shards.iter_mut().filter(|shard| shard.waiting.is_empty() && !shard.done);
        try_join_all(hungry.map(|shard| async move {
            while shard.waiting.is_empty() && !shard.done {
                let (items, next) = table.slice(&shard.partition, (from, below), page, shard.start.take()).await?;
                shard.waiting.extend(items.into_iter().filter(|item| string(item, SK).is_ok_and(|key| key < below)));
                shard.done = next.is_none();
                shard.start = next;
            }
            Ok(())
        }))
        .await
        .map(drop)
    }
}

fn page(expected: usize) -> usize {
    expected.saturating_add(1).min(LARGEST_PAGE)
}
