//! The inboxes on one machine, with notifications of changes: every change passes through this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use domain::Timestamp;
use domain::notification::inbox::InboxItem;
use domain::person::fold;
use domain::ports::{Inbox, InboxChanges, InboxNews, Page, StoreError};
use embedded::Store;
use tokio::sync::watch;

use super::shutdown::Shutdown;

/// The most subscribers. Each holds a connection, and most connections are for posting events.
const MAX_SUBSCRIBERS: usize = 1000;

/// The store's inboxes, with notifications of their changes.
#[derive(Clone)]
pub(super) struct LiveInbox {
    store: Store,
    subscribers_by_user: Arc<Mutex<HashMap<String, watch::Sender<()>>>>,
    shutdown: Shutdown,
}

impl LiveInbox {
    pub(super) fn new(store: Store, shutdown: Shutdown) -> Self {
        Self { store, subscribers_by_user: Arc::default(), shutdown }
    }

    fn notify(&self, username: &str) {
        let subscribers_by_user = self.subscribers_by_user.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(subscribers) = subscribers_by_user.get(&fold(username)) {
            // An error means that the last subscriber has gone; the next subscription removes the entry.
            let _ = subscribers.send(());
        }
    }
}

#[async_trait]
impl Inbox for LiveInbox {
    async fn put(&self, item: &InboxItem) -> Result<(), StoreError> {
        Inbox::put(&self.store, item).await?;
        self.notify(&item.username);
        Ok(())
    }

    async fn list(
        &self,
        username: &str,
        seen: Option<bool>,
        before: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<InboxItem, String>, StoreError> {
        Inbox::list(&self.store, username, seen, before, limit, now).await
    }

    async fn mark(&self, username: &str, pk: &str, seen: bool) -> Result<Option<InboxItem>, StoreError> {
        let item = self.store.mark(username, pk, seen).await?;
        self.notify(username);
        Ok(item)
    }

    async fn mark_all_seen(&self, username: &str) -> Result<usize, StoreError> {
        let marked = self.store.mark_all_seen(username).await?;
        self.notify(username);
        Ok(marked)
    }
}

impl InboxNews for LiveInbox {
    fn of(&self, username: &str) -> Option<Box<dyn InboxChanges>> {
        let mut subscribers_by_user = self.subscribers_by_user.lock().unwrap_or_else(PoisonError::into_inner);
        subscribers_by_user.retain(|_, subscribers| subscribers.receiver_count() > 0);
        if subscribers_by_user.values().map(watch::Sender::receiver_count).sum::<usize>() >= MAX_SUBSCRIBERS {
            return None;
        }
        let changed = subscribers_by_user.entry(fold(username)).or_insert_with(|| watch::channel(()).0).subscribe();
        Some(Box::new(Subscription { changed, shutdown: self.shutdown.clone() }))
    }
}

/// A subscription to the changes of one inbox.
struct Subscription {
    changed: watch::Receiver<()>,
    shutdown: Shutdown,
}

#[async_trait]
impl InboxChanges for Subscription {
    async fn next(&mut self) -> bool {
        tokio::select! {
            changed = self.changed.changed() => changed.is_ok(),
            () = self.shutdown.clone().requested() => false,
        }
    }
}
