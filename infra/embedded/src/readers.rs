//! The connections that read, beside the writer and never in its way.
//! Each read runs on a blocking thread, so that the async runtime never waits for the disk.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::fault::Fault;
use crate::open;

/// More readers than this at once only take each other's disk and processor.
const MOST: usize = 4;

#[derive(Debug)]
pub(crate) struct Readers {
    file: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self { file, idle: Arc::default(), places: Arc::new(Semaphore::new(MOST)) }
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
        reading.await.map_err(|_| StoreError::store("reading was cut short; try again"))?
    }
}
