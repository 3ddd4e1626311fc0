//! What people were told, and word of it.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Page, StoreError};
use crate::notification::inbox::InboxItem;

/// Everybody's inbox.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Puts the item unless one of its pk is there.
    async fn put(&self, item: &InboxItem) -> Result<(), StoreError>;
    /// A page of somebody's inbox, newest first; `seen` filters; expired items are not in it.
    async fn list(
        &self,
        username: &str,
        seen: Option<bool>,
        before: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<InboxItem, String>, StoreError>;
    /// Marks one as seen or unseen; the item as it is then, or none if there is no such item.
    async fn mark(&self, username: &str, pk: &str, seen: bool) -> Result<Option<InboxItem>, StoreError>;
    /// Marks all of somebody's as seen; says how many were not.
    async fn mark_all_seen(&self, username: &str) -> Result<usize, StoreError>;
}

/// Tells of changes to inboxes as they happen. `()` tells of none.
pub trait InboxNews: Send + Sync {
    /// Those of somebody's inbox, from now on; none where that is not known at once, or too many listen already.
    fn of(&self, username: &str) -> Option<Box<dyn InboxChanges>>;
}

impl InboxNews for () {
    fn of(&self, _: &str) -> Option<Box<dyn InboxChanges>> {
        None
    }
}

/// Changes to one inbox.
#[async_trait]
pub trait InboxChanges: Send {
    /// Waits until there has been one since the last call; false when no more will be told of. Loses none when it is
    /// dropped half way.
    async fn next(&mut self) -> bool;
}
