//! Inboxes: one partition per folded username.
//!
//! Version 0.1.0 wrote to the partition of the username as it was spelt. Until those items expire, requests with the
//! same spelling read, mark and erase them too.

use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::Timestamp;
use domain::notification::inbox::InboxItem;
use domain::person::fold;
use domain::ports::{self, Page, StoreError};
use domain::query::PageBudget;

use crate::describe::describe;
use crate::table::item::{Item, keys, measured_content, readable, record};
use crate::table::keys::{FIRST, LAST, inbox, inboxes, is_possible};
use crate::table::{Table, Walk, put};

/// An attribute beside the body, so that marking an item cannot overwrite another change.
const SEEN: &str = "seen";

/// The inboxes in the table.
#[derive(Clone, Debug)]
pub struct DynamoInbox {
    table: Table,
}

impl DynamoInbox {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    fn walk(&self, username: &str, before: Option<&str>, limit: usize) -> Walk<'_> {
        let below = before.unwrap_or(LAST).to_owned();
        Walk::partitions(&self.table, inboxes(username), FIRST.to_owned(), below, limit)
    }

    /// Marks an item and returns it; `None` if it is not in this partition.
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
    measured(item).map(|(read, _)| read)
}

/// The item, with the [escaped size](domain::query::escaped_len) of its JSON.
fn measured(item: &Item) -> Result<(InboxItem, usize), StoreError> {
    let (mut read, bytes): (InboxItem, usize) = measured_content(item)?;
    read.seen = matches!(item.get(SEEN), Some(AttributeValue::Bool(true)));
    Ok((read, bytes))
}

#[async_trait]
impl ports::Inbox for DynamoInbox {
    async fn put(&self, item: &InboxItem) -> Result<(), StoreError> {
        let mut stored = record((inbox(&fold(&item.username)), item.pk.clone()), item, Some(item.expires))?;
        stored.insert(SEEN.to_owned(), AttributeValue::Bool(item.seen));
        // Refused if the item exists: a repeated delivery must not reset its mark.
        put(self.table.put_new(stored)).await.map(drop)
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
        let (mut results, mut bytes): (Vec<InboxItem>, _) = (Vec::new(), PageBudget::default());
        while let Some(item) = walk.next().await? {
            let Some((item, size)) = readable(&item, measured(&item)) else { continue };
            // A delivery that was repeated after an update of Nuncio may be in both partitions.
            if results.last().is_some_and(|last| last.pk == item.pk) {
                continue;
            }
            if item.expires > now && seen.is_none_or(|seen| item.seen == seen) {
                if results.len() == limit || bytes.is_used_up() {
                    return Ok(Page { next: results.last().map(|item| item.pk.clone()), results });
                }
                bytes.add(size);
                results.push(item);
            }
        }
        Ok(Page { results, next: None })
    }

    async fn mark(&self, username: &str, pk: &str, seen: bool) -> Result<Option<InboxItem>, StoreError> {
        for partition in inboxes(username) {
            if !is_possible(&(partition.clone(), pk.to_owned())) {
                continue;
            }
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
            let Some(item) = readable(&item, read(&item)) else { continue };
            if !item.seen && self.mark(username, &item.pk, true).await?.is_some() {
                marked += 1;
            }
        }
        Ok(marked)
    }
}
