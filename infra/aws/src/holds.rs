//! The holds: one partition, which is always read as a whole; and a cache for the intake.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{self, StoreError};
use domain::retention::hold::Hold;
use jiff::SignedDuration;

use crate::cached::Cached;
use crate::table::Table;
use crate::table::item::{content, readable_contents, record};
use crate::table::keys::HOLDS;

/// How long the intake caches the holds.
const TTL: Duration = Duration::from_secs(10);

/// Every intake knows a new hold after this time: longer than the cache lives and a request takes that read it just
/// before it expired.
const KNOWN_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// The holds in the table.
#[derive(Clone, Debug)]
pub struct DynamoHolds {
    table: Table,
}

impl DynamoHolds {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

#[async_trait]
impl ports::Holds for DynamoHolds {
    async fn all(&self) -> Result<Vec<Hold>, StoreError> {
        self.table.all(HOLDS, "").await?.iter().map(content).collect()
    }

    async fn put(&self, hold: &Hold) -> Result<(), StoreError> {
        self.table.overwrite(record((HOLDS.to_owned(), hold.id.clone()), hold, None)?).await
    }

    fn known_within(&self) -> SignedDuration {
        KNOWN_WITHIN
    }
}

/// The holds, cached for 10 seconds. Clones share the cache.
#[derive(Clone, Debug)]
pub(crate) struct CachedHolds {
    holds: DynamoHolds,
    cache: Arc<Cached<Arc<Vec<Hold>>>>,
}

impl CachedHolds {
    pub(crate) fn new(table: Table) -> Self {
        Self { holds: DynamoHolds::new(table), cache: Arc::default() }
    }

    /// All holds that can be read. An unreadable one must not stop the intake: once it is readable, a job stamps what
    /// has arrived meanwhile. (A job, which deletes, fails instead.)
    pub(crate) async fn all(&self) -> Result<Arc<Vec<Hold>>, StoreError> {
        let read = async |_| Ok((Arc::new(readable_contents(&self.holds.table.all(HOLDS, "").await?)), TTL));
        self.cache.get_or_refresh(read).await
    }
}
