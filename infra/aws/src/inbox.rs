//! Inboxes: one partition for each folded username.
//!
//! 0.1.0 wrote to the partition of the username as it was spelt. What is there expires with its event; until then it is
//! read, marked and erased wherever somebody asks with that spelling.

use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::Timestamp;
use domain::notification::inbox::InboxItem;
use domain::person::fold;
use domain::ports::{self, Page, StoreError};

use crate::describe::describe;
use crate::table::item::{Item, content, keys, record};
use crate::table::keys::{FIRST, Family, LAST, inbox, inboxes};
use crate::table::{Put, Table, Walk, put};

/// Outside the body, so that marking writes one attribute and cannot lose another change.
const SEEN: &str = "seen";

/// The inboxes in the table.
#[derive(Clone, Debug)]
pub struct Inbox {
    table: Table,
}

impl Inbox {
    /// Over the table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    fn walk(&self, username: &str, before: Option<&str>, limit: usize) -> Walk<'_> {
        let below = before.unwrap_or(LAST).to_owned();
        Walk::partitions(&self.table, Family::Events, inboxes(username), FIRST.to_owned(), below, limit)
    }

    /// The item as it is afterwards; `None` if it is not in the partition.
    async fn mark_in(&self, partition: String, pk: &str, seen: bool) -> Result<Option<InboxItem>, StoreError> {
        let request = self
            .table
            .client()
            .update_item()
            .table_name(self.table.name())
            .set_key(Some(keys((partition, pk.to_owned()))))
            .update_expression("SET seen = :seen")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":seen", AttributeValue::Bool(seen))
            .return_values(ReturnValue::AllNew);
        match request.send().await {
            Ok(answer) => answer.attributes.as_ref().map(read).transpose(),
            Err(SdkError::ServiceError(context)) if context.err().is_conditional_check_failed_exception() => Ok(None),
            Err(error) => Err(StoreError::store(describe(&error))),
        }
    }
}

fn read(item: &Item) -> Result<InboxItem, StoreError> {
    let mut read: InboxItem = content(item)?;
    read.seen = matches!(item.get(SEEN), Some(AttributeValue::Bool(true)));
    Ok(read)
}

#[async_trait]
impl ports::Inbox for Inbox {
    async fn put(&self, item: &InboxItem) -> Result<(), StoreError> {
        let mut stored = record((inbox(&fold(&item.username)), item.pk.clone()), item, Some(item.expires))?;
        stored.insert(SEEN.to_owned(), AttributeValue::Bool(item.seen));
        match put(self.table.put_new(stored)).await? {
            Put::Done | Put::Refused(_) => Ok(()),
        }
    }

    async fn list(
        &self,
        username: &str,
        seen: Option<bool>,
        before: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<InboxItem, String>, StoreError> {
        let mut walk = self.walk(username, before, limit);
        let mut results: Vec<InboxItem> = Vec::new();
        while let Some(item) = walk.next().await? {
            let item = read(&item)?;
            // A delivery repeated after an update may have put it into both partitions.
            if results.last().is_some_and(|last| last.pk == item.pk) {
                continue;
            }
            if item.expires > now && seen.is_none_or(|seen| item.seen == seen) {
                if results.len() == limit {
                    return Ok(Page { next: results.last().map(|item| item.pk.clone()), results });
                }
                results.push(item);
            }
        }
        Ok(Page { results, next: None })
    }

    async fn mark(&self, username: &str, pk: &str, seen: bool) -> Result<Option<InboxItem>, StoreError> {
        for partition in inboxes(username) {
            if let marked @ Some(_) = self.mark_in(partition, pk, seen).await? {
                return Ok(marked);
            }
        }
        Ok(None)
    }

    async fn mark_all_seen(&self, username: &str) -> Result<usize, StoreError> {
        let mut walk = self.walk(username, None, usize::MAX);
        let mut marked = 0;
        while let Some(item) = walk.next().await? {
            let item = read(&item)?;
            if !item.seen && self.mark(username, &item.pk, true).await?.is_some() {
                marked += 1;
            }
        }
        Ok(marked)
    }
}
