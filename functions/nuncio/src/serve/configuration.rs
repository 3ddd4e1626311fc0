//! The rules document in force: from a file that is read again when it changes, or from the store.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use domain::ports::{Active, Clock as _, Configuration, Documents, Saved, StoreError};
use embedded::Store;
use host::SystemClock;

use super::shutdown::Shutdown;
use crate::check;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A file that the operator edits.
pub(super) struct FileConfiguration {
    file: PathBuf,
    active: RwLock<Arc<Active>>,
}

impl FileConfiguration {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read or has faults.
    pub(super) fn read(file: PathBuf) -> anyhow::Result<Self> {
        let active = RwLock::new(Arc::new(active(&file, 1)?));
        Ok(Self { file, active })
    }

    fn reload(&self) {
        let version = current(&self.active).version + 1;
        match active(&self.file, version) {
            Ok(active) => {
                replace(&self.active, active);
                tracing::info!(version, "the rules file has changed and is in force");
            }
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "the changed rules file is not used; the last valid one stays"
                );
            }
        }
    }

    /// What tells one content of the file from another, cheaply.
    fn stamp(&self) -> Option<(SystemTime, u64)> {
        let metadata = std::fs::metadata(&self.file).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    }
}

#[async_trait]
impl Configuration for FileConfiguration {
    async fn current(&self) -> Result<Arc<Active>, StoreError> {
        Ok(current(&self.active))
    }
}

/// Reads the file again whenever it changes. A file that is missing for a moment is being replaced.
pub(super) async fn watch(configuration: Arc<FileConfiguration>, shutdown: Shutdown) {
    let mut seen = configuration.stamp();
    while !shutdown.is_requested() {
        tokio::time::sleep(LOOK).await;
        let stamp = configuration.stamp();
        if stamp.is_some() && stamp != seen {
            seen = stamp;
            configuration.reload();
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

fn active(file: &Path, version: u64) -> anyhow::Result<Active> {
    let (document, source) = check::read_valid(file)?;
    Ok(Active { version, document, source, at: SystemClock.now(), by: file.display().to_string() })
}

fn current(active: &RwLock<Arc<Active>>) -> Arc<Active> {
    Arc::clone(&active.read().unwrap_or_else(PoisonError::into_inner))
}

fn replace(active: &RwLock<Arc<Active>>, new: Active) {
    *active.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
}
