//! The groups of detections: one item each, written by compare-and-swap. The groups of one detection are spread over 16
//! partitions; the sparse index lists those whose absence of events is to be reported.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::Select;
use domain::Timestamp;
use domain::detection::{DetectionId, EXPIRED_KEPT, GroupId, GroupRecord};
use domain::ports::{DetectionGroups, FullestGroups, GroupPage, StoreError};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::describe::describe;
use crate::table::item::{self, Item, content, number, readable, record, string, text};
use crate::table::keys::{self, DUE_AT, DUE_INDEX, DUE_PARTITION, GROUPS_DUE, PK, SK, TTL};
use crate::table::{CONCURRENCY, Table};

/// How many groups of each of the 16 partitions [`DetectionGroups::fullest`] examines: 10,000 in all.
const MAX_EXAMINED: usize = 625;

/// The groups of detections in the table.
#[derive(Clone, Debug)]
pub struct DynamoGroups {
    table: Table,
}

impl DynamoGroups {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    fn item(id: GroupId, group: &GroupRecord) -> Result<Item, StoreError> {
        // DynamoDB keeps an item without a time to live for ever.
        let expires = (group.expires < Timestamp::MAX).then(|| domain::time::later(group.expires, EXPIRED_KEPT));
        let mut item = record(keys::group(id), group, expires)?;
        if let Some(due) = group.due {
            item.insert(DUE_PARTITION.to_owned(), text(GROUPS_DUE));
            item.insert(DUE_AT.to_owned(), text(domain::time::format(due)));
        }
        Ok(item)
    }

    /// How many items of the partition have not expired.
    async fn count_partition(&self, partition: String, now: Timestamp) -> Result<u64, StoreError> {
        let (mut count, mut start) = (0, None);
        loop {
            let request = self.table.client().query().table_name(self.table.name()).select(Select::Count);
            let answer = request
                .key_condition_expression("pk = :pk")
                .filter_expression("attribute_not_exists(#ttl) OR #ttl > :now")
                .expression_attribute_names("#ttl", TTL)
                .expression_attribute_values(":pk", text(partition.as_str()))
                .expression_attribute_values(":now", number(domain::time::later(now, EXPIRED_KEPT).as_second()))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| StoreError::store(describe(&error)))?;
            count += u64::from(answer.count.unsigned_abs());
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(count);
            }
        }
    }
}

#[async_trait]
impl DetectionGroups for DynamoGroups {
    async fn get_all(&self, ids: &[GroupId]) -> Result<Vec<Option<GroupRecord>>, StoreError> {
        let reads: Vec<_> = ids.iter().map(|id| self.table.get(keys::group(*id))).collect();
        let items: Vec<Option<Item>> = stream::iter(reads).buffered(CONCURRENCY).try_collect().await?;
        Ok(items.iter().map(|item| item.as_ref().and_then(|item| readable(item, content(item)))).collect())
    }

    async fn put_all(&self, records: &[(GroupId, GroupRecord)]) -> Result<Vec<bool>, StoreError> {
        let writes: Vec<_> = records
            .iter()
            .map(|(id, group)| Ok(self.table.compare_and_swap(Self::item(*id, group)?, group.revision)))
            .collect::<Result<_, StoreError>>()?;
        stream::iter(writes).buffered(CONCURRENCY).try_collect().await
    }

    async fn count(&self, detection: DetectionId, now: Timestamp) -> Result<u64, StoreError> {
        let counts: Vec<_> = keys::group_partitions(detection)
            .into_iter()
            .map(|partition| self.count_partition(partition, now))
            .collect();
        stream::iter(counts).buffer_unordered(CONCURRENCY).try_fold(0, async |sum, count| Ok(sum + count)).await
    }

    async fn fullest(&self, detection: DetectionId, now: Timestamp, limit: usize) -> Result<FullestGroups, StoreError> {
        let mut groups: Vec<(GroupId, GroupRecord)> = Vec::new();
        let mut searched = 0;
        for partition in keys::group_partitions(detection) {
            let (items, _) = self.table.slice(&partition, (keys::FIRST, keys::LAST), MAX_EXAMINED, None).await?;
            searched += items.len() as u64;
            for item in &items {
                let id = keys::group_id(&partition, string(item, SK)?);
                let group = readable(item, content::<GroupRecord>(item)).filter(|group| group.expires > now);
                groups.extend(id.zip(group));
            }
            groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.count));
            groups.truncate(limit);
        }
        Ok(FullestGroups { groups, searched })
    }

    async fn list(
        &self,
        detection: DetectionId,
        after: Option<GroupId>,
        limit: usize,
    ) -> Result<GroupPage, StoreError> {
        let after = after.map(keys::group);
        let partitions = keys::group_partitions(detection);
        let skipped = after.as_ref().and_then(|(after, _)| partitions.iter().position(|partition| partition == after));
        let mut start = after.map(item::keys);
        let (mut groups, mut left) = (Vec::new(), limit);
        for partition in partitions.iter().skip(skipped.unwrap_or_default()) {
            loop {
                let (items, next) = self.table.slice(partition, (keys::FIRST, keys::LAST), left, start.take()).await?;
                left = left.saturating_sub(items.len());
                let mut last = None;
                for item in &items {
                    last = keys::group_id(partition, string(item, SK)?);
                    groups.extend(last.zip(readable(item, content(item))));
                }
                if left == 0 {
                    return Ok(GroupPage { groups, next: last });
                }
                start = next;
                if start.is_none() {
                    break;
                }
            }
        }
        Ok(GroupPage { groups, next: None })
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<GroupId>, StoreError> {
        let answer = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .index_name(DUE_INDEX)
            .key_condition_expression("#partition = :partition AND #at <= :now")
            .expression_attribute_names("#partition", DUE_PARTITION)
            .expression_attribute_names("#at", DUE_AT)
            .expression_attribute_values(":partition", text(GROUPS_DUE))
            .expression_attribute_values(":now", text(domain::time::format(now)))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| StoreError::store(describe(&error)))?;
        let items = answer.items.unwrap_or_default();
        let ids: Vec<Option<GroupId>> = items
            .iter()
            .map(|item| Ok(keys::group_id(string(item, PK)?, string(item, SK)?)))
            .collect::<Result<_, StoreError>>()?;
        Ok(ids.into_iter().flatten().collect())
    }
}
