//! Disk space set aside, so that Nuncio can start on a full disk.
//!
//! Owns one file of [`BYTES`] beside the store. SQLite makes a file for its shared memory before it reads anything, even when
//! nothing is to be written; without room for it nobody could read the events, or purge some of them.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::files::private_file;

/// Enough for the shared memory of both databases (32 KiB each) and for the first writes.
const BYTES: usize = 256 * 1024;

fn path_beside(store: &Path) -> PathBuf {
    store.with_file_name("nuncio.reserve")
}

/// Sets the space aside unless that is done already.
///
/// # Errors
/// When the disk has no room for it; what was written of it is removed.
pub(crate) fn keep(store: &Path) -> io::Result<()> {
    let path = path_beside(store);
    if fs::metadata(&path).is_ok_and(|found| found.len() == BYTES as u64) {
        return Ok(());
    }
    let written = private_file(&path).and_then(|mut file| {
        file.write_all(&vec![0; BYTES])?;
        file.sync_all()
    });
    if written.is_err() {
        release(store);
    }
    written
}

/// Gives the space back. Returns whether there was any.
pub(crate) fn release(store: &Path) -> bool {
    fs::remove_file(path_beside(store)).is_ok()
}
