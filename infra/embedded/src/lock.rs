//! Locks a data folder against a second server.
//! The lock belongs to the process: the operating system releases it when the process ends in any way.
//! Command-line tools ignore the lock: they may edit tokens while a server runs.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::path::Path;

use crate::files;
use crate::open::{self, OpenError};

const FILE: &str = "nuncio.lock";

/// The lock of a data folder. Dropping it releases the folder.
#[derive(Debug)]
pub struct FolderLock {
    // Kept for its lock. The file is never removed: otherwise two processes could lock two different files.
    _file: File,
}

impl FolderLock {
    /// Locks the folder, and creates it if it is missing.
    ///
    /// # Errors
    /// [`OpenError::InUse`] when another process has locked the folder, [`OpenError::Folder`] when it cannot be used.
    pub fn take(folder: &Path) -> Result<Self, OpenError> {
        open::make_folder(folder)?;
        let failed = |source| OpenError::folder(folder, source);
        let mut file = files::private_file(&folder.join(FILE)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Without a readable pid, the error still says what to do.
                let _ = file.read_to_string(&mut holder);
                return Err(OpenError::InUse { folder: folder.to_owned(), pid: holder.trim().parse().ok() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // The lock holds without the pid, which only names the process in another one's error: a full disk must not
        // stop the start.
        let named =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
        match named {
            Err(source) if source.kind() != ErrorKind::StorageFull => return Err(failed(source)),
            _ => {}
        }
        Ok(Self { _file: file })
    }
}
