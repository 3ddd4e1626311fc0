//! The silences that were posted: one partition, read whole; and a memory before it, so that a busy dispatcher
//! does not ask the table at every message.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{self, StoreError};
use domain::rules_document::Silence;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::table::item::{content, record};
use crate::table::keys::SILENCES;
use crate::table::{Table, put};

/// The silences in the table.
#[derive(Clone, Debug)]
pub struct Silences {
    table: Table,
}

impl Silences {
    /// Over the table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

#[async_trait]
impl ports::Silences for Silences {
    async fn put(&self, silence: &Silence) -> Result<(), StoreError> {
        let place = (SILENCES.to_owned(), silence.id.clone());
        let request = self.table.client().put_item().table_name(self.table.name());
        put(request.set_item(Some(record(place, silence, Some(silence.expires()))?))).await.map(drop)
    }

    async fn get(&self, id: &str) -> Result<Option<Silence>, StoreError> {
        let item = self.table.get((SILENCES.to_owned(), id.to_owned())).await?;
        item.map(|item| content(&item)).transpose()
    }

    async fn all(&self) -> Result<Vec<Silence>, StoreError> {
        self.table.all(SILENCES, "").await?.iter().map(content).collect()
    }
}

/// For how long what was read is not asked for again: a silence comes into force, and ends, as much later.
const HELD: Duration = Duration::from_secs(10);

/// Silences with a memory of 10 seconds.
#[derive(Debug)]
pub struct HeldSilences<S> {
    silences: S,
    /// Locked while it is refreshed, so that one refresh serves all.
    held: Mutex<Option<(Instant, Vec<Silence>)>>,
}

impl<S> HeldSilences<S> {
    /// Before these.
    pub fn new(silences: S) -> Self {
        Self { silences, held: Mutex::default() }
    }
}

#[async_trait]
impl<S: ports::Silences> ports::Silences for HeldSilences<S> {
    async fn put(&self, silence: &Silence) -> Result<(), StoreError> {
        self.silences.put(silence).await?;
        *self.held.lock().await = None;
        Ok(())
    }

    async fn get(&self, id: &str) -> Result<Option<Silence>, StoreError> {
        self.silences.get(id).await
    }

    async fn all(&self) -> Result<Vec<Silence>, StoreError> {
        let mut held = self.held.lock().await;
        if let Some((at, silences)) = &*held
            && at.elapsed() < HELD
        {
            return Ok(silences.clone());
        }
        let silences = self.silences.all().await?;
        *held = Some((Instant::now(), silences.clone()));
        Ok(silences)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;
    use domain::ports::Silences as _;

    /// Holds what was put last.
    #[derive(Default)]
    struct One(Mutex<Option<Silence>>);

    #[async_trait]
    impl ports::Silences for One {
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
    async fn they_are_held_for_a_while_unless_changed_here() {
        let silence = Silence {
            id: "a".to_owned(),
            rules: Vec::new(),
            event_matcher: None,
            reason: "test".to_owned(),
            by: "ann".to_owned(),
            starts: Timestamp::UNIX_EPOCH,
            ends: Timestamp::MAX,
        };
        let silences = HeldSilences::new(One::default());
        assert_eq!(silences.all().await.unwrap(), []);
        *silences.silences.0.lock().await = Some(silence.clone());
        assert_eq!(silences.all().await.unwrap(), []);
        tokio::time::advance(HELD).await;
        assert_eq!(silences.all().await.unwrap(), std::slice::from_ref(&silence));
        let other = Silence { id: "b".to_owned(), ..silence };
        silences.put(&other).await.unwrap();
        assert_eq!(silences.all().await.unwrap(), [other]);
    }
}
