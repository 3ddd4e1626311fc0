//! A pool of reading connections. WAL lets them read while the writer writes.
//! Each read runs on a blocking thread, so that the async runtime never waits for the disk.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::fault::{Fault, Health};
use crate::open;

/// The most concurrent reads: more would only compete for disk and processor.
const MAX_READS: usize = 4;

/// The most concurrent scans among them: searches must not delay short reads such as looking up a token.
const MAX_SCANS: usize = 2;

#[derive(Debug)]
pub(crate) struct Readers {
    health: Arc<Health>,
    file: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    scan_permits: Arc<Semaphore>,
}

impl Readers {
    /// A pool for this file. An error that shows that the file is damaged is noted in `health`.
    pub(crate) fn new(file: PathBuf, health: Arc<Health>) -> Self {
        let [permits, scan_permits] = [MAX_READS, MAX_SCANS].map(|max| Arc::new(Semaphore::new(max)));
        Self { health, file, idle: Arc::default(), permits, scan_permits }
    }

    /// Closes the connections that are not in use.
    pub(crate) fn close_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Reads a large part of a table. At most [`MAX_SCANS`] scans run at once; others wait.
    pub(crate) async fn scan<T, R>(&self, read: R) -> Result<T, StoreError>
    where
        T: Send + 'static,
        R: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let permit = self.scan_permits.clone().acquire_owned().await.map_err(StoreError::store)?;
        // The permit moves into the closure: the read goes on even if the caller is cancelled.
        let reading = move |connection: &Connection| {
            let _permit = permit;
            read(connection)
        };
        self.read(reading).await
    }

    /// Reads on a blocking thread. The state is consistent if `read` makes one query; two may see different commits.
    pub(crate) async fn read<T, R>(&self, read: R) -> Result<T, StoreError>
    where
        T: Send + 'static,
        R: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let permit = self.permits.clone().acquire_owned().await.map_err(StoreError::store)?;
        let (idle, file) = (self.idle.clone(), self.file.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let reused = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = reused.map_or_else(|| open::reader(&file), Ok).map_err(Fault::from)?;
            let result = read(&connection);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            result.map_err(StoreError::from)
        });
        let read = reading.await.map_err(|_| StoreError::store("the read was interrupted; try again"))?;
        read.inspect_err(|error| self.health.note(error))
    }
}
