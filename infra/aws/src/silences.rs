//! The silences that were posted: one partition, which is always read as a whole; and a cache, so that a busy
//! dispatcher does not query the table for every message.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{self, StoreError};
use domain::rules_document::Silence;

use crate::cached::Cached;
use crate::table::Table;
use crate::table::item::{content, readable_contents, record};
use crate::table::keys::SILENCES;

/// The silences in the table.
#[derive(Clone, Debug)]
pub struct DynamoSilences {
    table: Table,
}

impl DynamoSilences {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

#[async_trait]
impl ports::Silences for DynamoSilences {
    async fn put(&self, silence: &Silence) -> Result<(), StoreError> {
        let key = (SILENCES.to_owned(), silence.id.clone());
        self.table.overwrite(record(key, silence, Some(silence.expires()))?).await
    }

    async fn get(&self, id: &str) -> Result<Option<Silence>, StoreError> {
        let item = self.table.get((SILENCES.to_owned(), id.to_owned())).await?;
        item.map(|item| content(&item)).transpose()
    }

    async fn all(&self) -> Result<Vec<Silence>, StoreError> {
        Ok(readable_contents(&self.table.all(SILENCES, "").await?))
    }
}

/// How long the silences are cached. A silence that is put elsewhere takes effect up to this much later.
const TTL: Duration = Duration::from_secs(10);

/// Silences, cached for 10 seconds.
#[derive(Debug)]
pub struct CachedSilences<S> {
    silences: S,
    cache: Cached<Vec<Silence>>,
}

impl<S> CachedSilences<S> {
    /// A cache in front of `silences`.
    pub fn new(silences: S) -> Self {
        Self { silences, cache: Cached::default() }
    }
}

#[async_trait]
impl<S: ports::Silences> ports::Silences for CachedSilences<S> {
    async fn put(&self, silence: &Silence) -> Result<(), StoreError> {
        self.silences.put(silence).await?;
        self.cache.invalidate().await;
        Ok(())
    }

    async fn get(&self, id: &str) -> Result<Option<Silence>, StoreError> {
        self.silences.get(id).await
    }

    async fn all(&self) -> Result<Vec<Silence>, StoreError> {
        self.cache.get_or_refresh(async |_| Ok((self.silences.all().await?, TTL))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;
    use domain::ports::Silences as _;
    use tokio::sync::Mutex;

    /// Stores the last silence only.
    #[derive(Default)]
    struct OneSilence(Mutex<Option<Silence>>);

    #[async_trait]
    impl ports::Silences for OneSilence {
        async fn put(&self, silence: &Silence) -> Result<(), StoreError> {
            *self.0.lock().await = Some(silence.clone());
            Ok(())
        }
        async fn get(&self, _: &str) -> Result<Option<Silence>, StoreError> {
            Ok(self.0.lock().await.clone())
        }
        async fn all(&self) -> Result<Vec<Silence>, StoreError> {
            Ok(self.0.lock().await.iter().cloned().collect())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn they_are_cached_for_a_while_unless_changed_here() {
        let silence = Silence {
            id: "a".to_owned(),
            rules: Vec::new(),
            event_matcher: None,
            reason: "test".to_owned(),
            by: "ann".to_owned(),
            starts: Timestamp::UNIX_EPOCH,
            ends: Timestamp::MAX,
        };
        let silences = CachedSilences::new(OneSilence::default());
        assert_eq!(silences.all().await.unwrap(), []);
        *silences.silences.0.lock().await = Some(silence.clone());
        assert_eq!(silences.all().await.unwrap(), []);
        tokio::time::advance(TTL).await;
        assert_eq!(silences.all().await.unwrap(), std::slice::from_ref(&silence));
        let other = Silence { id: "b".to_owned(), ..silence };
        silences.put(&other).await.unwrap();
        assert_eq!(silences.all().await.unwrap(), [other]);
    }
}
