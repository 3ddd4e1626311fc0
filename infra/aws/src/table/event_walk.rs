//! Reads the events for a query from the newest backwards: by an index as far as it helps, and all others.

use std::collections::{BTreeMap, VecDeque};

use domain::EventPk;
use domain::ports::StoreError;
use domain::query::EventQuery;

use super::event_index::month;
use super::item::{Item, keys, string};
use super::keys::{FIRST, LAST, RecordKind, SK};
use super::shards::DayShards;
use super::{BATCH_READ, Table, Walk};

/// An iteration over events, newest first. Some may not match the query.
pub(crate) struct EventWalk<'a> {
    table: &'a Table,
    indexed: Option<IndexedPart<'a>>,
    /// The bounds of the events that are read without an index: from the first (inclusive) to the second (exclusive).
    rest: Option<(String, String)>,
    walk: Option<Walk<'a>>,
    expected: usize,
}

struct IndexedPart<'a> {
    entries: Walk<'a>,
    days: DayShards,
    events: VecDeque<Item>,
    /// How many events the next request reads.
    page: usize,
}

impl<'a> EventWalk<'a> {
    /// The events whose id is at least `from` and less than `below`, and that may match the query.
    pub(crate) async fn for_query(
        table: &'a Table,
        query: &EventQuery,
        from: Option<String>,
        below: Option<String>,
    ) -> Result<Self, StoreError> {
        let from = from.unwrap_or_else(|| FIRST.to_owned());
        let below = below.unwrap_or_else(|| LAST.to_owned());
        let (mut indexed, mut rest) = (None, Some((from.clone(), below.clone())));
        if let Some((value, since)) = table.indexes().await?.find(query) {
            let start = EventPk::first_at(since).to_string().max(from.clone());
            if start < below {
                let days = table.days(RecordKind::Events, &start, &below).await?;
                let mut shards: BTreeMap<&str, u16> = BTreeMap::new();
                for (day, number) in &days {
                    let most = shards.entry(month(day)).or_default();
                    *most = (*most).max(*number);
                }
                let partitions =
                    |(month, shards): (&str, u16)| (0..shards).map(|shard| value.partition(month, shard)).collect();
                let groups = shards.into_iter().map(partitions).collect();
                rest = (from < start).then(|| (from, start.clone()));
                let entries = Walk::groups(table, groups, start, below, query.limit);
                let days = DayShards::from_days(RecordKind::Events, days);
                let page = query.limit.saturating_add(1).min(BATCH_READ);
                indexed = Some(IndexedPart { entries, days, events: VecDeque::new(), page });
            }
        }
        Ok(Self { table, indexed, rest, walk: None, expected: query.limit })
    }

    /// The next event, which is older than all before it; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Item>, StoreError> {
        if let Some(indexed) = &mut self.indexed {
            if let Some(event) = indexed.next(self.table).await? {
                return Ok(Some(event));
            }
            self.indexed = None;
        }
        if let Some((from, below)) = self.rest.take() {
            let walk = Walk::days(self.table, RecordKind::Events, Some(from), Some(below), self.expected).await?;
            self.walk = Some(walk);
        }
        match &mut self.walk {
            Some(walk) => walk.next().await,
            None => Ok(None),
        }
    }
}

impl IndexedPart<'_> {
    async fn next(&mut self, table: &Table) -> Result<Option<Item>, StoreError> {
        while self.events.is_empty() {
            let mut places = Vec::with_capacity(self.page);
            while places.len() < self.page {
                let Some(entry) = self.entries.next().await? else { break };
                let event = string(&entry, SK)?.parse();
                let event: EventPk = event.map_err(|_| StoreError::Corrupt("an index entry has no pk".to_owned()))?;
                places.extend(self.days.event(event).map(keys));
            }
            if places.is_empty() {
                return Ok(None);
            }
            // An entry whose event was deleted has none.
            let mut found = table.read_batch(places).await?;
            found.sort_by(|one, other| string(other, SK).ok().cmp(&string(one, SK).ok()));
            self.events.extend(found);
            self.page = (self.page * 2).min(BATCH_READ);
        }
        Ok(self.events.pop_front())
    }
}

impl DayShards {
    fn from_days(kind: RecordKind, days: Vec<(String, u16)>) -> Self {
        let mut shards = Self::new(kind);
        for (day, number) in days {
            shards.insert(&day, number);
        }
        shards
    }
}
