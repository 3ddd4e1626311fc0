//! Keeps a second server out of a data folder.
//! The operating system holds the lock: it ends with the process, however that ends.
//! Does not keep out the command-line tools, which may edit tokens while a server runs.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use crate::files;
use crate::open::{self, OpenError};

const FILE: &str = "nuncio.lock";

/// While it lives, no other process serves from the folder.
#[derive(Debug)]
pub struct FolderLock {
    // Held for its lock. The file stays behind: removing it would let two processes lock two files.
    _file: File,
}

impl FolderLock {
    /// Takes the folder, which is made where it is missing.
    ///
    /// # Errors
    /// [`OpenError::InUse`] when another process has it, [`OpenError::Folder`] when it cannot be used.
    pub fn take(folder: &Path) -> Result<Self, OpenError> {
        open::make_folder(folder)?;
        let failed = |source| OpenError::folder(folder, source);
        let mut file = files::private_file(&folder.join(FILE)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Without a readable pid the message still says what to do.
                let _ = file.read_to_string(&mut holder);
                return Err(OpenError::InUse { folder: folder.to_owned(), pid: holder.trim().parse().ok() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(failed)?;
        Ok(Self { _file: file })
    }
}
