//! The inboxes on one machine, where every change passes through this process: whoever looks at one hears of it.

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

/// Who listens holds a connection; most are for those who post.
const LISTENERS: usize = 1000;

/// The store's inboxes, with word of their changes.
#[derive(Clone)]
pub(super) struct LiveInbox {
    store: Store,
    listened_to: Arc<Mutex<HashMap<String, watch::Sender<()>>>>,
    shutdown: Shutdown,
}

impl LiveInbox {
    pub(super) fn new(store: Store, shutdown: Shutdown) -> Self {
        Self { store, listened_to: Arc::default(), shutdown }
    }

    fn tell(&self, username: &str) {
        let listened_to = self.listened_to.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listeners) = listened_to.get(&fold(username)) {
            // Nobody listens any more: the next one who does clears it away.
            let _ = listeners.send(());
        }
    }
}

#[async_trait]
impl Inbox for LiveInbox {
    async fn put(&self, item: &InboxItem) -> Result<(), StoreError> {
        Inbox::put(&self.store, item).await?;
        self.tell(&item.username);
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
        self.tell(username);
        Ok(item)
    }

    async fn mark_all_seen(&self, username: &str) -> Result<usize, StoreError> {
        let marked = self.store.mark_all_seen(username).await?;
        self.tell(username);
        Ok(marked)
    }
}

impl InboxNews for LiveInbox {
    fn of(&self, username: &str) -> Option<Box<dyn InboxChanges>> {
        let mut listened_to = self.listened_to.lock().unwrap_or_else(PoisonError::into_inner);
        listened_to.retain(|_, listeners| listeners.receiver_count() > 0);
        if listened_to.values().map(watch::Sender::receiver_count).sum::<usize>() >= LISTENERS {
            return None;
        }
        let changed = listened_to.entry(fold(username)).or_insert_with(|| watch::channel(()).0).subscribe();
        Some(Box::new(Changes { changed, shutdown: self.shutdown.clone() }))
    }
}

struct Changes {
    changed: watch::Receiver<()>,
    shutdown: Shutdown,
}

#[async_trait]
impl InboxChanges for Changes {
    async fn next(&mut self) -> bool {
        tokio::select! {
            told = self.changed.changed() => told.is_ok(),
            () = self.shutdown.clone().requested() => false,
        }
    }
}
