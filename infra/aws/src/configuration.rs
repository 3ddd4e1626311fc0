//! The rules document in force: the newest stored one, held in memory; the built-in one where none
//! was ever stored. Refuses to stop the work because a refresh failed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::ports::{self, Active, StoreError};
use domain::rules_document::RulesDocument;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// For how long it is held.
const HELD: Duration = Duration::from_secs(30);
/// For how long after a refresh that failed.
const HELD_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The newest document of a store.
#[derive(Debug)]
pub struct Configuration<D> {
    documents: D,
    /// The sender of mail where the document names none.
    mail_from: Option<String>,
    /// Until when it is held; locked while it is refreshed, so that one refresh serves all.
    held: Mutex<Option<(Instant, Arc<Active>)>>,
    hold: Duration,
    hold_after_failure: Duration,
}

impl<D> Configuration<D> {
    /// Of this store; mail is from `mail_from` where the document does not say.
    pub fn new(documents: D, mail_from: Option<String>) -> Self {
        Self { documents, mail_from, held: Mutex::default(), hold: HELD, hold_after_failure: HELD_AFTER_FAILURE }
    }

    /// The same, asking the store every time: whoever has changed the document sees the change at once.
    pub fn unheld(documents: D, mail_from: Option<String>) -> Self {
        Self { hold: Duration::ZERO, hold_after_failure: Duration::ZERO, ..Self::new(documents, mail_from) }
    }
}

fn built_in() -> Active {
    Active {
        version: 0,
        document: RulesDocument::built_in(),
        source: String::new(),
        at: Timestamp::UNIX_EPOCH,
        by: String::new(),
    }
}

#[async_trait]
impl<D: ports::Documents> ports::Configuration for Configuration<D> {
    async fn current(&self) -> Result<Arc<Active>, StoreError> {
        let mut held = self.held.lock().await;
        if let Some((until, active)) = &*held
            && Instant::now() < *until
        {
            return Ok(Arc::clone(active));
        }
        let (active, patience) = match (self.documents.newest().await, held.take()) {
            (Ok(newest), old) => {
                let mut newest = newest.unwrap_or_else(built_in);
                if newest.document.email.from.is_none() {
                    newest.document.email.from.clone_from(&self.mail_from);
                }
                // The same document stays the same object: what was compiled from it stays good.
                let same = old.map(|(_, old)| old).filter(|old| old.version == newest.version);
                (same.unwrap_or_else(|| Arc::new(newest)), self.hold)
            }
            (Err(error), Some((_, old))) => {
                let version = old.version;
                tracing::warn!(%error, version, "the rules document could not be refreshed; the old one stays in force");
                (old, self.hold_after_failure)
            }
            (Err(error), None) => return Err(error),
        };
        *held = Some((Instant::now() + patience, Arc::clone(&active)));
        Ok(active)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ports::{Configuration as _, Documents, Saved};
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Serves version `n`; fails at [`FAIL`].
    struct Numbered(AtomicU64);
    const FAIL: u64 = u64::MAX;

    #[async_trait]
    impl Documents for Numbered {
        async fn newest(&self) -> Result<Option<Active>, StoreError> {
            match self.0.load(Ordering::SeqCst) {
                FAIL => Err(StoreError::store("down")),
                0 => Ok(None),
                version => Ok(Some(Active { version, ..built_in() })),
            }
        }
        async fn get(&self, _: u64) -> Result<Option<Active>, StoreError> {
            Err(StoreError::store("keeps no history"))
        }
        async fn save(&self, active: &Active) -> Result<Saved, StoreError> {
            self.0.store(active.version, Ordering::SeqCst);
            Ok(Saved::Saved)
        }
    }

    async fn version(configuration: &Configuration<Numbered>) -> u64 {
        configuration.current().await.unwrap().version
    }

    #[tokio::test]
    async fn a_document_is_held_for_a_while_and_kept_through_a_failure() {
        let held = Configuration::new(Numbered(AtomicU64::new(0)), None);
        assert_eq!(version(&held).await, 0);
        held.documents.0.store(7, Ordering::SeqCst);
        assert_eq!(version(&held).await, 0);

        let configuration = Configuration::unheld(held.documents, None);
        assert_eq!(version(&configuration).await, 7);
        configuration.documents.0.store(FAIL, Ordering::SeqCst);
        assert_eq!(version(&configuration).await, 7);
        configuration.documents.0.store(8, Ordering::SeqCst);
        assert_eq!(version(&configuration).await, 8);
        let (one, other) = (configuration.current().await.unwrap(), configuration.current().await.unwrap());
        assert!(Arc::ptr_eq(&one, &other));
    }

    #[tokio::test]
    async fn without_any_document_a_failure_is_an_error() {
        assert!(Configuration::new(Numbered(AtomicU64::new(FAIL)), None).current().await.is_err());
    }

    #[tokio::test]
    async fn mail_has_a_sender_where_the_document_names_none() {
        let sender = "nuncio@example.org".to_owned();
        let configuration = Configuration::new(Numbered(AtomicU64::new(0)), Some(sender.clone()));
        assert_eq!(configuration.current().await.unwrap().document.email.from, Some(sender));
    }
}
