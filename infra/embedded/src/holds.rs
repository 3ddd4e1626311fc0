//! The holds. There are few: all are cached in memory, so that comparing each new event with them is cheap.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use domain::ports::{Holds, StoreError};
use domain::retention::hold::Hold;
use jiff::SignedDuration;
use rusqlite::{Connection, params};

use crate::fault::Fault;
use crate::{Store, record};

/// All holds, as this process has read and written them.
#[derive(Debug, Default)]
pub(crate) struct HoldCache(RwLock<Arc<Vec<Hold>>>);

impl HoldCache {
    pub(crate) fn read(connection: &Connection) -> Result<Self, Fault> {
        let holds = record::select_all(connection, "SELECT body FROM holds ORDER BY id", [])?;
        Ok(Self(RwLock::new(Arc::new(holds))))
    }

    pub(crate) fn all(&self) -> Arc<Vec<Hold>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, hold: &Hold) {
        let mut cached = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut holds = cached.as_ref().clone();
        holds.retain(|other| other.id != hold.id);
        holds.push(hold.clone());
        *cached = Arc::new(holds);
    }
}

#[async_trait]
impl Holds for Store {
    async fn all(&self) -> Result<Vec<Hold>, StoreError> {
        Ok(self.holds.all().as_ref().clone())
    }

    async fn put(&self, hold: &Hold) -> Result<(), StoreError> {
        let (id, body, hold, cache) = (hold.id.clone(), record::write(hold)?, hold.clone(), Arc::clone(&self.holds));
        let put = move |connection: &Connection| {
            let sql = "INSERT OR REPLACE INTO holds (id, body) VALUES (?1, ?2)";
            Ok(connection.prepare_cached(sql)?.execute(params![id, body]).map(drop)?)
        };
        self.writer.write_then(put, move |()| cache.put(&hold)).await
    }

    fn known_within(&self) -> SignedDuration {
        SignedDuration::ZERO
    }
}
