//! The ledger of deliveries: one item per entry, written by compare-and-swap. A sparse index lists the entries that
//! wait for another attempt or are dead.

use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::Timestamp;
use domain::delivery::{Delivery, DeliveryId, DeliveryState, retry};
use domain::ports::{self, DueDelivery, OpenOutcome, Page, StoreError};
use domain::query::{DeliveryQuery, PageBudget, escaped_len};
use futures_util::future::try_join_all;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::describe::describe;
use crate::events::MAX_EXAMINED;
use crate::table::item::{Item, content, keys, measured_content, readable, record, string, text};
use crate::table::keys::{self, DUE_AT, DUE_INDEX, DUE_PARTITION, RecordKind, SK};
use crate::table::{BATCH_READ, CONCURRENCY, DUE_PARTITIONS, DayShards, PutResult, Table, Walk, put, with_revision};

/// The most dead entries that are read at once.
const BATCH: usize = BATCH_READ;

/// The most entries per partition that one call of `due` checks for a misdated `due_at`.
const MAX_MISDATED: usize = 10;

/// The ledger in the table.
#[derive(Clone, Debug)]
pub struct DynamoLedger {
    table: Table,
}

/// The lists in the sparse index.
#[derive(Clone, Copy)]
enum DueList {
    /// Entries that wait for another attempt, by the time of the attempt.
    Retrying,
    /// The same in descending order.
    Misdated,
    /// Dead entries, by id.
    Dead,
}

impl DueList {
    fn partition(self, number: u16) -> String {
        match self {
            Self::Retrying | Self::Misdated => format!("R#{number}"),
            Self::Dead => format!("X#{number}"),
        }
    }
}

impl DynamoLedger {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    fn item(entry: &Delivery, key: (String, String)) -> Result<Item, StoreError> {
        let mut item = record(key, entry, Some(entry.expires))?;
        let listed = match entry.due_at() {
            Some(due) => Some((DueList::Retrying, domain::time::format(due))),
            None if entry.state == DeliveryState::Dead => Some((DueList::Dead, entry.id.to_string())),
            None => None,
        };
        if let Some((listed, at)) = listed {
            item.insert(DUE_PARTITION.to_owned(), text(listed.partition(keys::shard(entry.event(), DUE_PARTITIONS))));
            item.insert(DUE_AT.to_owned(), text(at));
        }
        Ok(item)
    }

    /// The days of these entries.
    async fn days_of(&self, ids: impl Iterator<Item = DeliveryId>) -> Result<DayShards, StoreError> {
        self.table.day_shards(RecordKind::Deliveries, ids.map(|id| id.event())).await
    }

    /// Up to `limit` ids of a list in one partition, each with its sort key. `bound` limits the sort keys.
    async fn listed(
        &self,
        list: DueList,
        partition: u16,
        bound: &str,
        limit: usize,
    ) -> Result<Vec<(String, DeliveryId)>, StoreError> {
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let (items, next) = self.listed_page(list, partition, bound, limit - found.len(), start).await?;
            for item in &items {
                found.push((string(item, DUE_AT)?.to_owned(), id(item)?));
            }
            start = next;
            if start.is_none() || found.len() >= limit {
                return Ok(found);
            }
        }
    }

    /// One page of [`listed`](Self::listed), and where the next one starts; `None` at the end.
    async fn listed_page(
        &self,
        list: DueList,
        partition: u16,
        bound: &str,
        limit: usize,
        start: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let request = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .index_name(DUE_INDEX)
            .expression_attribute_values(":p", text(list.partition(partition)))
            .expression_attribute_values(":bound", text(bound))
            .set_exclusive_start_key(start)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let request = match list {
            DueList::Retrying => request.key_condition_expression("due_p = :p AND due_at <= :bound"),
            DueList::Misdated => {
                request.key_condition_expression("due_p = :p AND due_at > :bound").scan_index_forward(false)
            }
            DueList::Dead => {
                request.key_condition_expression("due_p = :p AND due_at < :bound").scan_index_forward(false)
            }
        };
        let answer = request.send().await.map_err(|error| StoreError::store(describe(&error)))?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// The same for all partitions of the list, with up to `limit` ids from each.
    async fn listed_everywhere(
        &self,
        list: DueList,
        bound: &str,
        limit: usize,
    ) -> Result<Vec<(String, DeliveryId)>, StoreError> {
        let partitions = 0..self.table.due_partitions().await?;
        let found = try_join_all(partitions.map(|partition| self.listed(list, partition, bound, limit))).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Entries whose next attempt lies further ahead than any wait can: written under a clock that ran ahead. The body
    /// tells them from digests, which may wait longer.
    async fn misdated(&self, now: Timestamp) -> Result<Vec<DueDelivery>, StoreError> {
        let after = domain::time::format(domain::time::later(now, retry::LONGEST_POSTPONEMENT));
        let found = self.listed_everywhere(DueList::Misdated, &after, MAX_MISDATED).await?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<DeliveryId> = found.into_iter().map(|(_, id)| id).collect();
        let entries = ports::Ledger::get_all(self, &ids).await?;
        let due = entries.into_iter().filter(|entry| entry.waits_until(now).is_none());
        Ok(due.filter_map(|entry| Some(DueDelivery { at: entry.due_at()?, id: entry.id })).collect())
    }

    /// Lists dead entries, newest event first. The index is eventually consistent.
    async fn dead(&self, query: &DeliveryQuery) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        let mut bound = below(query).unwrap_or_else(|| keys::LAST.to_owned());
        let first = query.first();
        let (mut results, mut bytes): (Vec<Delivery>, _) = (Vec::new(), PageBudget::default());
        let mut examined = None;
        for _ in 0..MAX_EXAMINED / BATCH {
            let mut found = self.listed_everywhere(DueList::Dead, &bound, BATCH).await?;
            found.sort_by(|one, other| other.0.cmp(&one.0));
            // Each partition was asked for this many, so no entry that was not returned is newer than these.
            found.truncate(BATCH);
            let ids: Vec<_> = found.iter().map(|(_, id)| *id).collect();
            let mut entries = ports::Ledger::get_all(self, &ids).await?;
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.id));
            for entry in entries.into_iter().filter(|entry| query.matches(entry)) {
                if results.len() == query.limit || bytes.is_used_up() {
                    return Ok(Page { next: results.last().map(|entry| entry.id), results });
                }
                bytes.add(serde_json::to_string(&entry).map_or(0, |json| escaped_len(&json)));
                results.push(entry);
            }
            match found.pop() {
                Some((_, id)) if first.is_some_and(|first| id.event() < first) => {
                    return Ok(Page { results, next: None });
                }
                Some((at, id)) if found.len() + 1 == BATCH => (bound, examined) = (at, Some(id)),
                _ => return Ok(Page { results, next: None }),
            }
        }
        Ok(Page { results, next: examined })
    }
}

/// The exclusive upper bound of the results' ids; `None` if there is none.
fn below(query: &DeliveryQuery) -> Option<String> {
    let before = query.before.map(|before| before.to_string());
    let end = query.end().map(|end| end.to_string());
    [before, end].into_iter().flatten().min()
}

fn id(item: &Item) -> Result<DeliveryId, StoreError> {
    string(item, SK)?.parse().map_err(|_| StoreError::Corrupt("a ledger entry's key is not a delivery id".to_owned()))
}

#[async_trait]
impl ports::Ledger for DynamoLedger {
    async fn open(&self, entries: &[Delivery]) -> Result<Vec<OpenOutcome>, StoreError> {
        let marks = entries.iter().map(|entry| (entry.event(), entry.expires));
        let days = self.table.mark(RecordKind::Deliveries, marks).await?;
        let mut puts = Vec::with_capacity(entries.len());
        for entry in entries {
            let key = days.delivery(entry.id).ok_or_else(|| StoreError::store("a marked day has no marker"))?;
            puts.push(put(self.table.put_new(with_revision(Self::item(entry, key)?, entry.revision))));
        }
        let done: Vec<PutResult> = stream::iter(puts).buffered(CONCURRENCY).try_collect().await?;
        done.into_iter()
            .map(|done| match done {
                PutResult::Done => Ok(OpenOutcome::New),
                PutResult::Refused(Some(there)) => {
                    let existing = readable(&there, content(&there));
                    Ok(existing.map_or(OpenOutcome::Unreadable, |existing| OpenOutcome::Existing(Box::new(existing))))
                }
                PutResult::Refused(None) => {
                    Err(StoreError::store("DynamoDB refused a put without returning the stored item"))
                }
            })
            .collect()
    }

    async fn replace(&self, entries: &[Delivery]) -> Result<Vec<bool>, StoreError> {
        let days = self.days_of(entries.iter().map(|entry| entry.id)).await?;
        let mut items = Vec::with_capacity(entries.len());
        for entry in entries {
            // An entry whose day has no records does not exist.
            items.push(days.delivery(entry.id).map(|key| Ok((Self::item(entry, key)?, entry.revision))).transpose()?);
        }
        let puts = items.into_iter().map(|item| async {
            match item {
                Some((item, revision)) => self.table.replace(item, revision).await,
                None => Ok(false),
            }
        });
        stream::iter(puts.collect::<Vec<_>>()).buffered(CONCURRENCY).try_collect().await
    }

    async fn get(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        let Some(key) = self.days_of(std::iter::once(id)).await?.delivery(id) else { return Ok(None) };
        self.table.get(key).await?.map(|item| content(&item)).transpose()
    }

    async fn get_all(&self, ids: &[DeliveryId]) -> Result<Vec<Delivery>, StoreError> {
        let mut entries = Vec::with_capacity(ids.len());
        let days = self.days_of(ids.iter().copied()).await?;
        // DynamoDB rejects a batch read that contains a key twice.
        let ids: BTreeSet<DeliveryId> = ids.iter().copied().collect();
        let places: Vec<Item> = ids.into_iter().filter_map(|id| days.delivery(id)).map(keys).collect();
        for some in places.chunks(BATCH) {
            let items = self.table.read_batch(some.to_vec()).await?;
            entries.extend(items.iter().filter_map(|item| readable(item, content::<Delivery>(item))));
        }
        Ok(entries)
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DueDelivery>, StoreError> {
        let mut found = self.listed_everywhere(DueList::Retrying, &domain::time::format(now), limit).await?;
        found.sort();
        found.truncate(limit);
        let at = |at: &str| at.parse().unwrap_or(now);
        let mut due: Vec<DueDelivery> = found.iter().map(|(key, id)| DueDelivery { at: at(key), id: *id }).collect();
        if due.len() < limit {
            due.extend(self.misdated(now).await?);
        }
        Ok(due)
    }

    async fn list(&self, query: &DeliveryQuery) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        let below = below(query);
        let mut walk = match query.event {
            None if query.state == Some(DeliveryState::Dead) => return self.dead(query).await,
            None => {
                let from = query.first().map(|first| first.to_string());
                Walk::days(&self.table, RecordKind::Deliveries, from, below, query.limit).await?
            }
            Some(event) => {
                let partition = self.table.partition_of(RecordKind::Deliveries, event).await?;
                let (first, last) = (event.to_string(), format!("{event}{}", keys::LAST));
                let below = below.map_or_else(|| last.clone(), |below| below.min(last.clone()));
                Walk::partitions(&self.table, partition.into_iter().collect(), first, below, query.limit)
            }
        };
        let (mut results, mut bytes): (Vec<Delivery>, _) = (Vec::new(), PageBudget::default());
        let mut examined = None;
        for _ in 0..MAX_EXAMINED {
            let Some(item) = walk.next().await? else {
                return Ok(Page { results, next: None });
            };
            let found: Option<(Delivery, usize)> = readable(&item, measured_content(&item));
            if let Some((entry, size)) = found.filter(|(entry, _)| query.matches(entry)) {
                if results.len() == query.limit || bytes.is_used_up() {
                    return Ok(Page { next: results.last().map(|entry| entry.id), results });
                }
                bytes.add(size);
                results.push(entry);
            }
            examined = Some(id(&item)?);
        }
        Ok(Page { results, next: examined })
    }
}
