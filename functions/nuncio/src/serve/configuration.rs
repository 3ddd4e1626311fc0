//! The rules document in force: from a file, which is read again when it changes, or from the store.

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

/// How often the file is checked for changes.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The time limit of file operations: a network file system may never respond.
const FILE_TIMEOUT: Duration = Duration::from_secs(5);

/// After this many polls a missing file counts as deleted; before, it may be about to be replaced.
const POLLS_UNTIL_GONE: u32 = 3;

/// The rules document in a file that the operator edits.
pub(super) struct FileConfiguration {
    file: PathBuf,
    active: RwLock<Arc<Active>>,
}

/// The modification time and size, by which a change of the file is recognised.
type Stamp = (SystemTime, u64);

impl FileConfiguration {
    /// Reads the file.
    ///
    /// # Errors
    /// When the file cannot be read or has faults.
    pub(super) async fn read(file: PathBuf) -> anyhow::Result<Self> {
        let active = RwLock::new(Arc::new(active(file.clone(), 1).await?));
        Ok(Self { file, active })
    }

    /// Reads the file again and puts the document in force. Returns its version.
    ///
    /// # Errors
    /// When the file cannot be read or has faults. The old document stays in force.
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
        run_blocking(look).await.ok().flatten()
    }
}

/// Runs file operations on a blocking thread, with a time limit.
async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<T> {
    let answer = tokio::time::timeout(FILE_TIMEOUT, tokio::task::spawn_blocking(work)).await;
    answer.context("the file system does not respond")?.context("the read was interrupted")
}

#[async_trait]
impl Configuration for FileConfiguration {
    async fn current(&self) -> Result<Arc<Active>, StoreError> {
        Ok(current(&self.active))
    }
}

/// Reads the file again when it changes, and on SIGHUP. Logs and reports failures.
pub(super) async fn watch(
    configuration: Arc<FileConfiguration>,
    mut hangups: Signal,
    events: ConfigurationEvents,
    shutdown: Shutdown,
) {
    let mut seen = configuration.stamp().await;
    let mut missing = 0;
    loop {
        let requested = tokio::select! {
            () = tokio::time::sleep(POLL_INTERVAL) => false,
            Some(()) = hangups.recv() => true,
            () = shutdown.clone().requested() => return,
        };
        let stamp = configuration.stamp().await;
        missing = if stamp.is_some() { 0 } else { missing + 1 };
        if missing == POLLS_UNTIL_GONE {
            tracing::error!(file = %configuration.file.display(), "the rules file is missing; the last valid rules document stays in force");
            events.write("The rules file is gone; the last valid rules document stays in force.", None).await;
            // Read the file when it is back, even if it is unchanged.
            seen = None;
        }
        if requested || stamp.is_some() && stamp != seen {
            seen = stamp;
            match configuration.reload().await {
                Ok(version) => tracing::info!(version, "the changed rules file is in force"),
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::error!(
                        error,
                        "the changed rules file cannot be used; the last valid rules document stays in force"
                    );
                    let message = "The changed rules file is not used; the last valid rules document stays in force.";
                    events.write(message, Some(error)).await;
                }
            }
        }
    }
}

/// Logs SIGHUPs: with the rules document in the store, there is no file to read again.
pub(super) async fn ignore_hangups(mut hangups: Signal) {
    while hangups.recv().await.is_some() {
        tracing::info!("SIGHUP ignored: the rules document is in the store, there is no file to read again");
    }
}

/// Reports problems with the rules file as events.
pub(super) struct ConfigurationEvents(pub(super) Ingest);

impl ConfigurationEvents {
    /// Writes a `configuration_error` event, of which the built-in rules notify the administrators.
    async fn write(&self, message: &str, faults: Option<String>) {
        let mut context = json!({ "message": message });
        if let Some(mut faults) = faults {
            faults.truncate(faults.floor_char_boundary(4096));
            context["faults"] = faults.into();
        }
        let event = json!({ "action": "configuration_error", "app": "nuncio", "context": context });
        match self.0.accept(vec![Draft::from_value(event)], None).await {
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "a problem with the rules file could not be stored as an event"),
        }
    }
}

/// The newest document in the store, or the built-in one. Saving a document puts it in force at once.
pub(super) struct StoredConfiguration {
    store: Store,
    active: RwLock<Arc<Active>>,
}

impl StoredConfiguration {
    /// Loads the newest document.
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

/// Reads and checks the file. Runs on a blocking thread, so that requests do not wait.
async fn active(file: PathBuf, version: u64) -> anyhow::Result<Active> {
    let read = move || {
        let (document, source) = check::valid(&file, &check::regular_file(&file)?)?;
        Ok(Active { version, document, source, at: SystemClock.now(), by: file.display().to_string() })
    };
    run_blocking(read).await?
}

fn current(active: &RwLock<Arc<Active>>) -> Arc<Active> {
    Arc::clone(&active.read().unwrap_or_else(PoisonError::into_inner))
}

fn replace(active: &RwLock<Arc<Active>>, new: Active) {
    *active.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
}
