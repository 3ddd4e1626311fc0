//! The state of storm control, one item per throttle, mute or digest, written by compare-and-swap; and the events that
//! digests collect, one item per batch.
//!
//! The log of a large throttle is stored in parts: a write would otherwise cost a unit for each 60 of its entries, lost
//! or won. The item that is compared and swapped has the first and the last part, and names the others, which never
//! change: each is written once, before the first item that names it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::access::token::TokenHash;
use domain::delivery::DeliveryId;
use domain::ports::{self, StoreError};
use domain::suppression::{SuppressionKey, SuppressionRecord, SuppressionState, ThrottleLog};
use domain::{EventPk, Timestamp};
use sha2::{Digest, Sha256};

use crate::codec;
use crate::table::item::{Item, content, readable_contents, record, record_of_body, string};
use crate::table::{Table, keys, put};

/// The most parts that this process remembers as stored. With more, it forgets them all, and writes some again.
const MAX_STORED: usize = 10_000;

/// The attributes of a log in parts: the first part, and the sort keys of those between the first and the last.
const FIRST_PART: &str = "first";
const PARTS: &str = "parts";

/// The state of storm control in the table.
#[derive(Clone, Debug)]
pub struct DynamoSuppression {
    table: Table,
    /// The partitions and sort keys of parts that are stored.
    stored: Arc<Mutex<HashSet<(String, String)>>>,
}

impl DynamoSuppression {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table, stored: Arc::default() }
    }

    fn stored(&self) -> MutexGuard<'_, HashSet<(String, String)>> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, part: (String, String)) {
        let mut stored = self.stored();
        if stored.len() >= MAX_STORED {
            stored.clear();
        }
        stored.insert(part);
    }

    /// The log whose first part and further parts the item names; `last` is its last part.
    async fn join(&self, id: SuppressionKey, item: &Item, last: ThrottleLog) -> Result<ThrottleLog, StoreError> {
        let (Some(AttributeValue::B(first)), Some(AttributeValue::L(names))) = (item.get(FIRST_PART), item.get(PARTS))
        else {
            return Ok(last);
        };
        let (partition, _) = keys::suppression(id);
        let items = self.table.all(&partition, "").await?;
        let items: HashMap<_, _> = items.iter().filter_map(|item| Some((string(item, keys::SK).ok()?, item))).collect();
        let mut parts = vec![codec::from_stored(first.as_ref())?];
        for name in names.iter().filter_map(|name| name.as_s().ok()) {
            // One that is missing was deleted by its time to live: none of its entries counts any more.
            let Some(part) = items.get(name.as_str()) else { continue };
            parts.push(content(part)?);
            self.remember((partition.clone(), name.clone()));
        }
        parts.push(last);
        Ok(ThrottleLog::from_parts(parts))
    }

    /// The item of a log in so many parts, after storing those that are not stored yet.
    async fn split(
        &self,
        id: SuppressionKey,
        record: &SuppressionRecord,
        mut parts: Vec<ThrottleLog>,
    ) -> Result<Item, StoreError> {
        let (first, last) = (parts.remove(0), parts.pop().unwrap_or_default());
        let (partition, _) = keys::suppression(id);
        let (mut names, mut writes) = (Vec::with_capacity(parts.len()), Vec::new());
        for part in parts {
            let body = codec::to_stored(&part)?;
            let mut name = TokenHash(Sha256::digest(&body).into()).to_hex();
            name.truncate(16);
            names.push(AttributeValue::S(name.clone()));
            let place = (partition.clone(), name);
            if !self.stored().contains(&place) {
                writes.push((place.clone(), record_of_body(place, body, Some(record.expires))));
            }
        }
        for (place, item) in writes {
            self.table.overwrite(item).await?;
            self.remember(place);
        }
        let state = SuppressionState::Throttle(last);
        let mut item = item(id, &SuppressionRecord { state, ..record.clone() })?;
        item.insert(FIRST_PART.to_owned(), AttributeValue::B(Blob::new(codec::to_stored(&first)?)));
        item.insert(PARTS.to_owned(), AttributeValue::L(names));
        Ok(item)
    }
}

fn item(id: SuppressionKey, suppression: &SuppressionRecord) -> Result<Item, StoreError> {
    record(keys::suppression(id), suppression, Some(suppression.expires))
}

#[async_trait]
impl ports::Suppression for DynamoSuppression {
    async fn get(&self, id: SuppressionKey) -> Result<Option<SuppressionRecord>, StoreError> {
        let Some(item) = self.table.get(keys::suppression(id)).await? else { return Ok(None) };
        let record: SuppressionRecord = content(&item)?;
        let state = match record.state {
            SuppressionState::Throttle(last) => SuppressionState::Throttle(self.join(id, &item, last).await?),
            state @ SuppressionState::Digest(_) => state,
        };
        Ok(Some(SuppressionRecord { state, ..record }))
    }

    async fn put(&self, id: SuppressionKey, suppression: &SuppressionRecord) -> Result<bool, StoreError> {
        let parts = match &suppression.state {
            SuppressionState::Throttle(log) => log.parts(),
            SuppressionState::Digest(_) => Vec::new(),
        };
        // Two parts, and the names of none, are as small as the log itself.
        let item = if parts.len() > 2 { self.split(id, suppression, parts).await? } else { item(id, suppression)? };
        self.table.compare_and_swap(item, suppression.revision).await
    }

    async fn collect(&self, carrier: DeliveryId, events: &[EventPk], expires: Timestamp) -> Result<bool, StoreError> {
        // A batch's key is a hash of its content, so that collecting it again changes nothing.
        for batch in events.chunks(BATCH) {
            let mut hash = Sha256::new();
            for event in batch {
                hash.update(event.as_bytes());
            }
            let key = keys::collected(carrier, &hash.finalize().into());
            put(self.table.put_new(record(key, batch, Some(expires))?)).await?;
        }
        // Closing a digest first writes the mark and then reads the batches: without a mark now, it will read these.
        Ok(self.table.get(keys::closed(carrier)).await?.is_none())
    }

    async fn close(&self, carrier: DeliveryId, expires: Timestamp) -> Result<Vec<EventPk>, StoreError> {
        let (partition, mark) = keys::closed(carrier);
        put(self.table.put_new(record((partition.clone(), mark), NOTHING, Some(expires))?)).await?;
        let batches = self.table.all(&partition, "").await?;
        // Batches may overlap.
        Ok(readable_contents::<Vec<EventPk>>(&batches)
            .into_iter()
            .flatten()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect())
    }
}

/// Events per item: less than one write unit holds.
const BATCH: usize = 40;

/// The body of the mark of a closed digest.
const NOTHING: &[EventPk] = &[];
