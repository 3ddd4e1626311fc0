//! The connections that read, beside the writer and never in its way.
//! Each read runs on a blocking thread, so that the async runtime never waits for the disk.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::fault::{Fault, Health};
use crate::open;

/// More readers than this at once only take each other's disk and processor.
const MOST: usize = 4;

/// Of them, those that may walk through a whole table: a search must not keep out who shows a token.
const MOST_SCANS: usize = 2;

#[derive(Debug)]
pub(crate) struct Readers {
    health: Arc<Health>,
    file: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Arc<Semaphore>,
    scans: Arc<Semaphore>,
}

impl Readers {
    /// Of this file; what shows that it is damaged is noted in `health`.
    pub(crate) fn new(file: PathBuf, health: Arc<Health>) -> Self {
        let [places, scans] = [MOST, MOST_SCANS].map(|most| Arc::new(Semaphore::new(most)));
        Self { health, file, idle: Arc::default(), places, scans }
    }

    /// Closes the connections that nobody uses.
    pub(crate) fn close_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Reads what may lie anywhere in a table. No more than two do so at once; the others wait.
    pub(crate) async fn scan<T, R>(&self, read: R) -> Result<T, StoreError>
    where
        T: Send + 'static,
        R: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let scan = self.scans.clone().acquire_owned().await.map_err(StoreError::store)?;
        // The permit goes along: the read goes on even if the caller leaves.
        let reading = move |connection: &Connection| {
            let _scan = scan;
            read(connection)
        };
        self.read(reading).await
    }

    /// Reads from one consistent state, provided `read` makes one query.
    pub(crate) async fn read<T, R>(&self, read: R) -> Result<T, StoreError>
    where
        T: Send + 'static,
        R: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let place = self.places.clone().acquire_owned().await.map_err(StoreError::store)?;
        let (idle, file) = (self.idle.clone(), self.file.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let _place = place;
            let reused = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = reused.map_or_else(|| open::reader(&file), Ok).map_err(Fault::from)?;
            let result = read(&connection);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            result.map_err(StoreError::from)
        });
        let read = reading.await.map_err(|_| StoreError::store("reading was cut short; try again"))?;
        read.inspect_err(|error| self.health.note(error))
    }
}
