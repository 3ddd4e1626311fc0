//! Deletion whatever the expiry, a batch in one transaction.

use async_trait::async_trait;
use domain::EventPk;
use domain::delivery::DeliveryId;
use domain::ports::{Erasure, StoreError};
use rusqlite::{Connection, Params};

use crate::Store;

#[async_trait]
impl Erasure for Store {
    async fn erase_events(&self, pks: &[EventPk]) -> Result<usize, StoreError> {
        let keys = pks.iter().map(|pk| [*pk.as_bytes()]).collect();
        let erased = self.erase("DELETE FROM events WHERE pk = ?1", keys).await?;
        if erased > 0 {
            self.search.forget_all()?;
        }
        Ok(erased)
    }

    async fn erase_deliveries(&self, ids: &[DeliveryId]) -> Result<usize, StoreError> {
        let keys = ids.iter().map(|id| [id.to_bytes()]).collect();
        self.erase("DELETE FROM deliveries WHERE id = ?1", keys).await
    }

    async fn erase_inbox(&self, username: &str, pks: &[String]) -> Result<usize, StoreError> {
        let keys = pks.iter().map(|pk| [username.to_owned(), pk.clone()]).collect();
        self.erase("DELETE FROM inbox WHERE username = ?1 AND pk = ?2", keys).await
    }
}

impl Store {
    async fn erase<K: Params + Send + 'static>(&self, sql: &'static str, keys: Vec<K>) -> Result<usize, StoreError> {
        if keys.is_empty() {
            return Ok(0);
        }
        let erase = move |connection: &Connection| {
            let mut delete = connection.prepare_cached(sql)?;
            let mut erased = 0;
            for key in keys {
                erased += delete.execute(key)?;
            }
            Ok(erased)
        };
        self.writer.write(erase).await
    }
}
