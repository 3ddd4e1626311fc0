//! The ledger of deliveries: one item per entry, written by compare-and-swap. A sparse index lists the entries that
//! wait for another attempt or are dead.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use domain::Timestamp;
use domain::delivery::{Delivery, DeliveryId, State, retry};
use domain::ports::{self, Opened, Page, StoreError};
use domain::query::DeliveryQuery;
use futures_util::future::try_join_all;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::describe::describe;
use crate::events::MAX_EXAMINED;
use crate::table::item::{Item, content, keys, record, string, text};
use crate::table::keys::{self, DUE_AT, DUE_INDEX, DUE_PARTITION, RecordKind, SK};
use crate::table::{CONCURRENCY, PutResult, Table, Walk, put, with_revision};

/// The most keys in one batch read.
const BATCH: usize = 100;

/// The most entries per shard that one call of `due` checks for a misdated `due_at`.
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
    fn partition(self, shard: u16) -> String {
        match self {
            Self::Retrying | Self::Misdated => format!("R#{shard}"),
            Self::Dead => format!("X#{shard}"),
        }
    }
}

impl DynamoLedger {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    fn item(entry: &Delivery, shards: u16) -> Result<Item, StoreError> {
        let mut item = record(keys::delivery(entry.id, shards), entry, Some(entry.expires))?;
        let listed = match entry.due_at() {
            Some(due) => Some((DueList::Retrying, domain::time::format(due))),
            None if entry.state == State::Dead => Some((DueList::Dead, entry.id.to_string())),
            None => None,
        };
        if let Some((listed, at)) = listed {
            item.insert(DUE_PARTITION.to_owned(), text(listed.partition(keys::shard(entry.event(), shards))));
            item.insert(DUE_AT.to_owned(), text(at));
        }
        Ok(item)
    }

    /// Up to `limit` ids of a list in one shard, each with its sort key. `bound` limits the sort keys.
    async fn listed(
        &self,
        list: DueList,
        shard: u16,
        bound: &str,
        limit: usize,
    ) -> Result<Vec<(String, DeliveryId)>, StoreError> {
        let request = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .index_name(DUE_INDEX)
            .expression_attribute_values(":p", text(list.partition(shard)))
            .expression_attribute_values(":bound", text(bound))
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
        answer.items().iter().map(|item| Ok((string(item, DUE_AT)?.to_owned(), id(item)?))).collect()
    }

    /// The same for all shards, with up to `limit` ids from each.
    async fn listed_everywhere(
        &self,
        list: DueList,
        bound: &str,
        limit: usize,
    ) -> Result<Vec<(String, DeliveryId)>, StoreError> {
        let shards = 0..self.table.shards().await?;
        let found = try_join_all(shards.map(|shard| self.listed(list, shard, bound, limit))).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Entries whose next attempt lies further ahead than any wait can: written under a clock that ran ahead. The body
    /// tells them from digests, which may wait longer.
    async fn misdated(&self, now: Timestamp) -> Result<Vec<DeliveryId>, StoreError> {
        let after = domain::time::format(domain::time::later(now, retry::LONGEST_POSTPONEMENT));
        let found = self.listed_everywhere(DueList::Misdated, &after, MAX_MISDATED).await?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<DeliveryId> = found.into_iter().map(|(_, id)| id).collect();
        let entries = ports::Ledger::get_all(self, &ids).await?;
        Ok(entries.into_iter().filter(|entry| entry.waits_until(now).is_none()).map(|entry| entry.id).collect())
    }

    /// Lists dead entries, newest event first. The index is eventually consistent.
    async fn dead(&self, query: &DeliveryQuery) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        let mut bound = below(query).unwrap_or_else(|| keys::LAST.to_owned());
        let first = query.first();
        let mut results: Vec<Delivery> = Vec::new();
        let mut examined = None;
        for _ in 0..MAX_EXAMINED / BATCH {
            let mut found = self.listed_everywhere(DueList::Dead, &bound, BATCH).await?;
            found.sort_by(|one, other| other.0.cmp(&one.0));
            // Each shard was asked for this many, so no entry that was not returned is newer than these.
            found.truncate(BATCH);
            let ids: Vec<_> = found.iter().map(|(_, id)| *id).collect();
            let mut entries = ports::Ledger::get_all(self, &ids).await?;
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.id));
            for entry in entries.into_iter().filter(|entry| query.admits(entry)) {
                if results.len() == query.limit {
                    return Ok(Page { next: results.last().map(|entry| entry.id), results });
                }
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
    async fn open(&self, entries: &[Delivery]) -> Result<Vec<Opened>, StoreError> {
        let marks = entries.iter().map(|entry| (entry.event(), entry.expires));
        self.table.mark(RecordKind::Deliveries, marks).await?;
        let shards = self.table.shards().await?;
        let puts: Vec<_> = entries
            .iter()
            .map(|entry| Ok(put(self.table.put_new(with_revision(Self::item(entry, shards)?, entry.revision)))))
            .collect::<Result<_, StoreError>>()?;
        let done: Vec<PutResult> = stream::iter(puts).buffered(CONCURRENCY).try_collect().await?;
        done.into_iter()
            .map(|done| match done {
                PutResult::Done => Ok(Opened::New),
                PutResult::Refused(Some(there)) => Ok(Opened::Existing(Box::new(content(&there)?))),
                PutResult::Refused(None) => {
                    Err(StoreError::store("DynamoDB refused a put without returning the stored item"))
                }
            })
            .collect()
    }

    async fn replace(&self, entries: &[Delivery]) -> Result<Vec<bool>, StoreError> {
        let shards = self.table.shards().await?;
        let puts: Vec<_> = entries
            .iter()
            .map(|entry| Ok(self.table.replace(Self::item(entry, shards)?, entry.revision)))
            .collect::<Result<_, StoreError>>()?;
        stream::iter(puts).buffered(CONCURRENCY).try_collect().await
    }

    async fn get(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.table.get(keys::delivery(id, self.table.shards().await?)).await?.map(|item| content(&item)).transpose()
    }

    async fn get_all(&self, ids: &[DeliveryId]) -> Result<Vec<Delivery>, StoreError> {
        let mut entries = Vec::with_capacity(ids.len());
        let shards = self.table.shards().await?;
        // DynamoDB rejects a batch read that contains a key twice.
        let ids: Vec<DeliveryId> = ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        for ids in ids.chunks(BATCH) {
            let all = ids.iter().map(|id| keys(keys::delivery(*id, shards))).collect();
            let mut wanted = Some(
                KeysAndAttributes::builder()
                    .set_keys(Some(all))
                    .consistent_read(true)
                    .build()
                    .map_err(StoreError::store)?,
            );
            while let Some(request) = wanted {
                let answer =
                    self.table.client().batch_get_item().request_items(self.table.name(), request).send().await;
                let answer = answer.map_err(|error| StoreError::store(describe(&error)))?;
                for item in
                    answer.responses.into_iter().filter_map(|mut tables| tables.remove(self.table.name())).flatten()
                {
                    entries.push(content(&item)?);
                }
                wanted = answer.unprocessed_keys.and_then(|mut left| left.remove(self.table.name()));
            }
        }
        Ok(entries)
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DeliveryId>, StoreError> {
        let mut found = self.listed_everywhere(DueList::Retrying, &domain::time::format(now), limit).await?;
        found.sort();
        found.truncate(limit);
        let mut due: Vec<DeliveryId> = found.into_iter().map(|(_, id)| id).collect();
        if due.len() < limit {
            due.extend(self.misdated(now).await?);
        }
        Ok(due)
    }

    async fn list(&self, query: &DeliveryQuery) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        let below = below(query);
        let mut walk = match query.event {
            None if query.state == Some(State::Dead) => return self.dead(query).await,
            None => {
                let from = query.first().map(|first| first.to_string());
                Walk::days(&self.table, RecordKind::Deliveries, from, below, query.limit).await?
            }
            Some(event) => {
                let partition = RecordKind::Deliveries.partition_of(event, self.table.shards().await?);
                let (first, last) = (event.to_string(), format!("{event}{}", keys::LAST));
                let below = below.map_or_else(|| last.clone(), |below| below.min(last.clone()));
                Walk::partitions(&self.table, RecordKind::Deliveries, vec![partition], first, below, query.limit)
            }
        };
        let mut results: Vec<Delivery> = Vec::new();
        let mut examined = None;
        for _ in 0..MAX_EXAMINED {
            let Some(item) = walk.next().await? else {
                return Ok(Page { results, next: None });
            };
            let entry: Delivery = content(&item)?;
            let id = entry.id;
            if query.admits(&entry) {
                if results.len() == query.limit {
                    return Ok(Page { next: results.last().map(|entry| entry.id), results });
                }
                results.push(entry);
            }
            examined = Some(id);
        }
        Ok(Page { results, next: examined })
    }
}
