//! Deletes records before they expire, a batch per transaction, and removes their remains from the files.
//!
//! SQLite does not overwrite the bytes of a deleted record, and moving records between pages leaves copies that even
//! `secure_delete` does not reach. [`Erasure::scrub`] therefore rebuilds the file (`VACUUM`) and empties the
//! write-ahead log. Nothing is written meanwhile. New events are refused at once, with an error that invites a retry.
//! All other writes wait: a delivery whose outcome were not recorded would be sent twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use domain::EventPk;
use domain::delivery::DeliveryId;
use domain::detection::GroupId;
use domain::person::fold;
use domain::ports::{Erasure, StoreError};
use domain::retention::erasure::ErasureSubject;
use rusqlite::{Connection, Params};

use crate::detection_groups::to_bytes;
use crate::fault::Fault;
use crate::{Store, queue};

#[async_trait]
impl Erasure for Store {
    async fn erase_events(&self, pks: &[EventPk]) -> Result<usize, StoreError> {
        let keys = pks.iter().map(|pk| [*pk.as_bytes()]).collect();
        self.erase("DELETE FROM events WHERE pk = ?1", keys).await
    }

    async fn erase_deliveries(&self, ids: &[DeliveryId]) -> Result<usize, StoreError> {
        let keys = ids.iter().map(|id| [id.to_bytes()]).collect();
        self.erase("DELETE FROM deliveries WHERE id = ?1", keys).await
    }

    async fn erase_inbox(&self, username: &str, pks: &[String]) -> Result<usize, StoreError> {
        let keys = pks.iter().map(|pk| [fold(username), pk.clone()]).collect();
        self.erase("DELETE FROM inbox WHERE username = ?1 AND pk = ?2", keys).await
    }

    async fn erase_groups(&self, ids: &[GroupId]) -> Result<usize, StoreError> {
        let keys = ids.iter().map(|id| [to_bytes(*id)]).collect();
        self.erase("DELETE FROM detection_groups WHERE id = ?1", keys).await
    }

    async fn erase_queued(&self, subject: &ErasureSubject) -> Result<usize, StoreError> {
        let subject = subject.clone();
        self.writer.write(move |connection| queue::erase(connection, &subject)).await
    }

    async fn scrub(&self) -> Result<(), StoreError> {
        let search = self.search.clone();
        self.readers.read(move |_| search.forget_all()).await?;
        let rebuilding = Rebuilding::begin(&self.rebuilding);
        let rebuild = move |connection: &Connection| {
            connection.execute_batch("VACUUM")?;
            let folded = fold_log(connection);
            drop(rebuilding);
            folded
        };
        self.writer.exclusively(rebuild).await
    }
}

/// Checkpoints the write-ahead log into the file, and empties the log.
///
/// # Errors
/// When a reader still uses an older state of the file, which needs the log; try again later.
pub(crate) fn fold_log(connection: &Connection) -> Result<(), Fault> {
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        Err(StoreError::store("another connection still reads an older state; try again").into())
    } else {
        Ok(())
    }
}

/// Refuses new events until it is dropped.
struct Rebuilding(Arc<AtomicBool>);

impl Rebuilding {
    fn begin(flag: &Arc<AtomicBool>) -> Self {
        flag.store(true, Ordering::Relaxed);
        Self(Arc::clone(flag))
    }
}

impl Drop for Rebuilding {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Store {
    async fn erase<K: Params + Clone + Send + 'static>(
        &self,
        sql: &'static str,
        keys: Vec<K>,
    ) -> Result<usize, StoreError> {
        if keys.is_empty() {
            return Ok(0);
        }
        let erase = move |connection: &Connection| {
            let mut delete = connection.prepare_cached(sql)?;
            Ok(keys.into_iter().map(|key| delete.execute(key)).sum::<Result<usize, _>>()?)
        };
        self.writer.write_with_reserve(erase).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::message::{QueueMessage, QueuedWork};
    use domain::ports::{Intake as _, WorkQueue as _};
    use domain::{Event, Timestamp};
    use jiff::SignedDuration;

    use super::*;

    use domain::testing::serialized;

    #[tokio::test]
    async fn an_event_that_its_queue_message_carries_goes_too() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let by = |name: &str| {
            let event = serde_json::json!({
                "pk": "018655ab-7777-8000-8000-2779b173eb2a", "user": { "username": name }, "action": "login", "app": "",
                "context": {}, "client_ip": null, "created": "2023-02-15T15:32:55Z", "expires": "2024-02-15T15:32:55Z", "brand": {},
            });
            Arc::new(serde_json::from_value::<Event>(event).unwrap())
        };
        let carrying =
            |names: &[&str]| QueueMessage::new(QueuedWork::Events(names.iter().map(|name| by(name)).collect()));
        store.send(&[carrying(&["ann", "bob"]), carrying(&["bob"])], SignedDuration::ZERO).await.unwrap();
        assert_eq!(store.erase_queued(&ErasureSubject::new(Some("ANN"), None).unwrap()).await.unwrap(), 1);
        let taken = store.take(Timestamp::UNIX_EPOCH, 10).await.unwrap();
        let left: Vec<_> = taken.into_iter().map(|job| job.message).collect();
        assert_eq!(left, [carrying(&["bob"]), carrying(&["bob"])]);
    }

    #[tokio::test]
    async fn nothing_of_it_is_left_in_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let event = |number: u128, app: &str| {
            domain::testing::event("login")
                .created(Timestamp::UNIX_EPOCH)
                .random(number)
                .expires(Timestamp::MAX)
                .app(&app.repeat(100))
                .build()
        };
        let (gone, staying) = (event(1, "somebody"), event(2, "nobody"));
        store.accept(&serialized(&[Arc::new(gone.clone()), Arc::new(staying)])).await.unwrap();
        while store.fill_search_index().await.unwrap() > 0 {}
        let has = |name: &str, text: &str| {
            let file = std::fs::read(folder.path().join(name)).unwrap_or_default();
            file.windows(text.len()).any(|window| window == text.as_bytes())
        };
        let anywhere = |text| ["nuncio.db", "search.db", "search.db-wal", "nuncio.db-wal"].map(|name| has(name, text));
        let [_, index, changes, _] = anywhere("somebody");
        assert!(index || changes, "the index has counted it");
        assert_eq!(store.erase_events(&[gone.pk]).await.unwrap(), 1);
        store.scrub().await.unwrap();
        assert_eq!(anywhere("somebody"), [false; 4], "while it is open");
        while store.fill_search_index().await.unwrap() > 0 {}
        drop(store);
        assert_eq!(anywhere("somebody"), [false; 4], "and afterwards");
        assert_eq!(anywhere("nobodynobody")[..2], [true; 2], "the test looks at the right files");
    }
}
