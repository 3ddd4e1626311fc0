//! The holds. There are few: all are in memory, so that what arrives is compared with them at no cost.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use domain::ports::{Holds, StoreError};
use domain::retention::hold::Hold;
use jiff::SignedDuration;
use rusqlite::{Connection, params};

use crate::fault::Fault;
use crate::{Store, record};

/// What is in the file, as this process has read and written it.
#[derive(Debug, Default)]
pub(crate) struct Known(RwLock<Arc<Vec<Hold>>>);

impl Known {
    pub(crate) fn read(connection: &Connection) -> Result<Self, Fault> {
        let mut select = connection.prepare("SELECT body FROM holds ORDER BY id")?;
        let bodies = select.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        let holds = bodies.iter().map(|body| record::read(body)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self(RwLock::new(Arc::new(holds))))
    }

    pub(crate) fn all(&self) -> Arc<Vec<Hold>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, hold: &Hold) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut holds = known.as_ref().clone();
        holds.retain(|other| other.id != hold.id);
        holds.push(hold.clone());
        *known = Arc::new(holds);
    }
}

#[async_trait]
impl Holds for Store {
    async fn all(&self) -> Result<Vec<Hold>, StoreError> {
        Ok(self.holds.all().as_ref().clone())
    }

    async fn put(&self, hold: &Hold) -> Result<(), StoreError> {
        let (id, body, hold, known) = (hold.id.clone(), record::write(hold)?, hold.clone(), Arc::clone(&self.holds));
        let put = move |connection: &Connection| {
            let sql = "INSERT OR REPLACE INTO holds (id, body) VALUES (?1, ?2)";
            Ok(connection.prepare_cached(sql)?.execute(params![id, body]).map(drop)?)
        };
        self.writer.write_then(put, move |()| known.put(&hold)).await
    }

    fn known_within(&self) -> SignedDuration {
        SignedDuration::ZERO
    }
}
