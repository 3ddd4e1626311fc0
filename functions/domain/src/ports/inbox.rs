//! The ports of the inbox: its items, and notice of changes to it.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Page, StoreError};
use crate::notification::inbox::InboxItem;

/// The inboxes of all users, by username.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Stores the item unless its pk exists.
    async fn put(&self, item: &InboxItem) -> Result<(), StoreError>;
    /// A page of a user's inbox, newest first, without expired items. `seen` selects seen or unseen items; `None`
    /// selects both.
    async fn list(
        &self,
        username: &str,
        seen: Option<bool>,
        before: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<InboxItem, String>, StoreError>;
    /// Marks an item as seen or unseen and returns it; `None` if it does not exist.
    async fn mark(&self, username: &str, pk: &str, seen: bool) -> Result<Option<InboxItem>, StoreError>;
    /// Marks all items of a user as seen and returns how many were unseen.
    async fn mark_all_seen(&self, username: &str) -> Result<usize, StoreError>;
}

/// Notifies of changes to inboxes as they happen. `()` never does.
pub trait InboxUpdates: Send + Sync {
    /// Subscribes to changes of a user's inbox from now on. `None` if this store does not notify, or has too many
    /// subscribers.
    fn subscribe(&self, username: &str) -> Option<Box<dyn InboxSubscription>>;
}

impl InboxUpdates for () {
    fn subscribe(&self, _: &str) -> Option<Box<dyn InboxSubscription>> {
        None
    }
}

/// A subscription to the changes of one inbox.
#[async_trait]
pub trait InboxSubscription: Send {
    /// Waits until the inbox has changed since the last call; `false` if there will be no further notice. Safe to
    /// cancel: a dropped call loses no change.
    async fn changed(&mut self) -> bool;
}
