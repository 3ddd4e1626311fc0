//! The rules document in force: from a file that is read again when it changes, or from the store.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use async_trait::async_trait;
use domain::admission::Draft;
use domain::ports::{Active, Clock as _, Configuration, Documents, Saved, StoreError};
use embedded::Store;
use host::SystemClock;
use ingest::Ingest;
use serde_json::json;
use tokio::signal::unix::Signal;

use super::shutdown::Shutdown;
use crate::check;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long the file system may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A file that is missing for so many looks is not just being replaced.
const GONE_AFTER: u32 = 3;

/// A file that the operator edits.
pub(super) struct FileConfiguration {
    file: PathBuf,
    active: RwLock<Arc<Active>>,
}

/// What tells one content of the file from another, cheaply.
type Stamp = (SystemTime, u64);

impl FileConfiguration {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read or has faults.
    pub(super) async fn read(file: PathBuf) -> anyhow::Result<Self> {
        let active = RwLock::new(Arc::new(active(file.clone(), 1).await?));
        Ok(Self { file, active })
    }

    /// Puts what is in the file in force.
    ///
    /// # Errors
    /// When it cannot be read or has faults. Then nothing changes.
    async fn reload(&self) -> anyhow::Result<u64> {
        let version = current(&self.active).version + 1;
        replace(&self.active, active(self.file.clone(), version).await?);
        Ok(version)
    }

    async fn stamp(&self) -> Option<Stamp> {
        let file = self.file.clone();
        let look = move || {
            let metadata = std::fs::metadata(&file).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        off_the_runtime(look).await.ok().flatten()
    }
}

/// Asks the file system on a thread that may wait for it: a network's may never answer.
async fn off_the_runtime<T: Send + 'static>(ask: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<T> {
    let answer = tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(ask)).await;
    answer.context("the file system does not answer")?.context("reading was cut short")
}

#[async_trait]
impl Configuration for FileConfiguration {
    async fn current(&self) -> Result<Arc<Active>, StoreError> {
        Ok(current(&self.active))
    }
}

/// Reads the file again whenever it changes, and when the process gets a SIGHUP.
pub(super) async fn watch(
    configuration: Arc<FileConfiguration>,
    mut hangups: Signal,
    reports: Reports,
    shutdown: Shutdown,
) {
    let mut seen = configuration.stamp().await;
    let mut missing = 0;
    loop {
        let asked = tokio::select! {
            () = tokio::time::sleep(LOOK) => false,
            Some(()) = hangups.recv() => true,
            () = shutdown.clone().requested() => return,
        };
        let stamp = configuration.stamp().await;
        missing = if stamp.is_some() { 0 } else { missing + 1 };
        if missing == GONE_AFTER {
            tracing::error!(file = %configuration.file.display(), "the rules file is gone; the last valid one stays");
            reports.write("The rules file is gone; the last valid rules document stays in force.", None).await;
            // Whatever comes back is looked at.
            seen = None;
        }
        if asked || stamp.is_some() && stamp != seen {
            seen = stamp;
            match configuration.reload().await {
                Ok(version) => tracing::info!(version, "the rules file has changed and is in force"),
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::error!(error, "the changed rules file is not used; the last valid one stays");
                    let message = "The changed rules file is not used; the last valid rules document stays in force.";
                    reports.write(message, Some(error)).await;
                }
            }
        }
    }
}

/// What there is to do on a SIGHUP where the rules document is in the store, which is nothing.
pub(super) async fn outlive(mut hangups: Signal) {
    while hangups.recv().await.is_some() {
        tracing::info!("SIGHUP: the rules document is in the store, there is no file to read again");
    }
}

/// Where an operator is told what became of the rules file: the event log.
pub(super) struct Reports(pub(super) Ingest);

impl Reports {
    /// Writes a `configuration_error` event, which the built-in rules tell the administrators of.
    async fn write(&self, message: &str, faults: Option<String>) {
        let mut context = json!({ "message": message });
        if let Some(mut faults) = faults {
            faults.truncate(faults.floor_char_boundary(4096));
            context["faults"] = faults.into();
        }
        let event = json!({ "action": "configuration_error", "app": "nuncio", "context": context });
        match self.0.accept(vec![Draft::from_value(event)], None).await {
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "what became of the rules file cannot be stored as an event"),
        }
    }
}

/// The document in the store, or the built-in one. Saving through it puts it in force at once.
pub(super) struct StoredConfiguration {
    store: Store,
    active: RwLock<Arc<Active>>,
}

impl StoredConfiguration {
    /// Loads the newest.
    pub(super) async fn load(store: Store) -> Result<Self, StoreError> {
        let active = store.newest().await?.unwrap_or_else(|| Active::built_in(rulesfile::BUILT_IN));
        Ok(Self { store, active: RwLock::new(Arc::new(active)) })
    }
}

#[async_trait]
impl Configuration for StoredConfiguration {
    async fn current(&self) -> Result<Arc<Active>, StoreError> {
        Ok(current(&self.active))
    }
}

#[async_trait]
impl Documents for StoredConfiguration {
    async fn newest(&self) -> Result<Option<Active>, StoreError> {
        self.store.newest().await
    }

    async fn get(&self, version: u64) -> Result<Option<Active>, StoreError> {
        Documents::get(&self.store, version).await
    }

    async fn save(&self, active: &Active) -> Result<Saved, StoreError> {
        let saved = self.store.save(active).await?;
        if saved == Saved::Saved {
            replace(&self.active, active.clone());
        }
        Ok(saved)
    }
}

/// What is in the file. Reading and checking it takes its time, which is no other request's.
async fn active(file: PathBuf, version: u64) -> anyhow::Result<Active> {
    let read = move || {
        let (document, source) = check::valid(&file, &check::regular_file(&file)?)?;
        Ok(Active { version, document, source, at: SystemClock.now(), by: file.display().to_string() })
    };
    off_the_runtime(read).await?
}

fn current(active: &RwLock<Arc<Active>>) -> Arc<Active> {
    Arc::clone(&active.read().unwrap_or_else(PoisonError::into_inner))
}

fn replace(active: &RwLock<Arc<Active>>, new: Active) {
    *active.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
}
