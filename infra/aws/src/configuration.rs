//! The rules document in force: the newest stored one, cached; the built-in one if none was ever stored.
//! If a refresh fails, the cached document stays in force.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::ports::{self, ActiveRules, StoreError};
use domain::rules_document::RulesDocument;

use crate::cached::Cached;

/// How long the document is cached.
const TTL: Duration = Duration::from_secs(30);
/// How long after a failed refresh the next one is tried.
const RETRY_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The newest document of a store, cached.
#[derive(Debug)]
pub struct CachedConfiguration<D> {
    documents: D,
    /// The sender of mail if the document names none.
    mail_from: Option<String>,
    cache: Cached<Arc<ActiveRules>>,
    ttl: Duration,
    retry_after_failure: Duration,
}

impl<D> CachedConfiguration<D> {
    /// Caches the newest of `documents` for 30 seconds. `mail_from` is the sender of mail if the document names none.
    pub fn new(documents: D, mail_from: Option<String>) -> Self {
        Self { documents, mail_from, cache: Cached::default(), ttl: TTL, retry_after_failure: RETRY_AFTER_FAILURE }
    }

    /// Reads the document every time, so that a change takes effect at once. Falls back on the last one if that fails.
    pub fn uncached(documents: D, mail_from: Option<String>) -> Self {
        Self { ttl: Duration::ZERO, retry_after_failure: Duration::ZERO, ..Self::new(documents, mail_from) }
    }

    /// The rules with a sender of mail, if one is configured where the document names none.
    fn with_sender(&self, mut rules: ActiveRules) -> Arc<ActiveRules> {
        if rules.document.email.from.is_none() {
            rules.document.email.from.clone_from(&self.mail_from);
        }
        Arc::new(rules)
    }
}

fn built_in() -> ActiveRules {
    ActiveRules {
        version: 0,
        document: RulesDocument::built_in(),
        source: String::new(),
        at: Timestamp::UNIX_EPOCH,
        by: String::new(),
    }
}

#[async_trait]
impl<D: ports::Documents> ports::Configuration for CachedConfiguration<D> {
    async fn current(&self) -> Result<Arc<ActiveRules>, StoreError> {
        let refresh = async |old: Option<Arc<ActiveRules>>| {
            let Some(old) = old else {
                let first = self.documents.newest().await?.unwrap_or_else(built_in);
                return Ok((self.with_sender(first), self.ttl));
            };
            match self.documents.newest_after(old.version).await {
                Ok(Some(newer)) => Ok((self.with_sender(newer), self.ttl)),
                // The same version stays the same object: callers keep what they compiled from it.
                Ok(None) => Ok((old, self.ttl)),
                Err(error) => {
                    let version = old.version;
                    tracing::warn!(%error, version, "the rules document could not be refreshed; the cached one stays in force");
                    Ok((old, self.retry_after_failure))
                }
            }
        };
        self.cache.get_or_refresh(refresh).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ports::{Configuration as _, Documents, SaveOutcome};
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Serves version `n`; fails at [`FAIL`].
    struct Numbered(AtomicU64);
    const FAIL: u64 = u64::MAX;

    #[async_trait]
    impl Documents for Numbered {
        async fn newest(&self) -> Result<Option<ActiveRules>, StoreError> {
            match self.0.load(Ordering::SeqCst) {
                FAIL => Err(StoreError::store("down")),
                0 => Ok(None),
                version => Ok(Some(ActiveRules { version, ..built_in() })),
            }
        }
        async fn get(&self, _: u64) -> Result<Option<ActiveRules>, StoreError> {
            Err(StoreError::store("keeps no history"))
        }
        async fn save(&self, active: &ActiveRules) -> Result<SaveOutcome, StoreError> {
            self.0.store(active.version, Ordering::SeqCst);
            Ok(SaveOutcome::Saved)
        }
    }

    async fn version(configuration: &CachedConfiguration<Numbered>) -> u64 {
        configuration.current().await.unwrap().version
    }

    #[tokio::test]
    async fn a_document_is_cached_for_a_while_and_kept_through_a_failure() {
        let cached = CachedConfiguration::new(Numbered(AtomicU64::new(0)), None);
        assert_eq!(version(&cached).await, 0);
        cached.documents.0.store(7, Ordering::SeqCst);
        assert_eq!(version(&cached).await, 0);

        let configuration = CachedConfiguration::uncached(cached.documents, None);
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
        assert!(CachedConfiguration::new(Numbered(AtomicU64::new(FAIL)), None).current().await.is_err());
    }

    #[tokio::test]
    async fn mail_has_a_sender_where_the_document_names_none() {
        let sender = "nuncio@example.org".to_owned();
        let configuration = CachedConfiguration::new(Numbered(AtomicU64::new(0)), Some(sender.clone()));
        assert_eq!(configuration.current().await.unwrap().document.email.from, Some(sender));
    }
}
