//! The holds: one partition, read whole; and what the way in remembers of them for ten seconds.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{self, StoreError};
use domain::retention::hold::Hold;
use jiff::SignedDuration;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::table::item::{content, record};
use crate::table::keys::HOLDS;
use crate::table::{Table, put};

/// For how long what was read is not asked for again.
const REMEMBERED: Duration = Duration::from_secs(10);

/// Longer than that, and than a request takes that asked just before.
const KNOWN_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// The holds in the table.
#[derive(Clone, Debug)]
pub struct Holds {
    table: Table,
}

impl Holds {
    /// Over the table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

#[async_trait]
impl ports::Holds for Holds {
    async fn all(&self) -> Result<Vec<Hold>, StoreError> {
        self.table.all(HOLDS, "").await?.iter().map(content).collect()
    }

    async fn put(&self, hold: &Hold) -> Result<(), StoreError> {
        let request = self.table.client().put_item().table_name(self.table.name());
        put(request.set_item(Some(record((HOLDS.to_owned(), hold.id.clone()), hold, None)?))).await.map(drop)
    }

    fn known_within(&self) -> SignedDuration {
        KNOWN_WITHIN
    }
}

/// What was read, and when.
type Remembered = (Instant, Arc<Vec<Hold>>);

/// The holds as they were up to ten seconds ago.
#[derive(Clone, Debug)]
pub(crate) struct RememberedHolds {
    holds: Holds,
    /// Locked while it is refreshed, so that one refresh serves all.
    remembered: Arc<Mutex<Option<Remembered>>>,
}

impl RememberedHolds {
    pub(crate) fn new(table: Table) -> Self {
        Self { holds: Holds::new(table), remembered: Arc::default() }
    }

    pub(crate) async fn all(&self) -> Result<Arc<Vec<Hold>>, StoreError> {
        let mut remembered = self.remembered.lock().await;
        if let Some((at, holds)) = &*remembered
            && at.elapsed() < REMEMBERED
        {
            return Ok(Arc::clone(holds));
        }
        let holds = Arc::new(ports::Holds::all(&self.holds).await?);
        *remembered = Some((Instant::now(), Arc::clone(&holds)));
        Ok(holds)
    }
}
