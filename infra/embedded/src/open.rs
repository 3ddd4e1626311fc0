//! Opens the store's file: creates the folder and the file for their owner only, and sets up connections.
//! Owns the settings that durability depends on: WAL, and an fsync at every commit.
//! Refuses file systems without WAL, and files that are not from Nuncio or are from a newer one.

use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use tracing::warn;

use crate::fault::{self, Fault};
use crate::files::{private_file, sync_folder};
use crate::reserve;
use crate::wal::{self, Damage};

/// The file's name in its folder.
pub(crate) const FILE: &str = "nuncio.db";

/// How long a write waits for one of another process, such as `nuncio token` while the server runs.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a store cannot be opened. The message says where, why and how to fix it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be created or used.
    #[error("cannot use the folder {}; it must be one that this user may write in", folder.display())]
    Folder {
        /// The path of the data folder or of the archive folder.
        folder: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Another process serves from the folder.
    #[error(
        "another Nuncio ({}) is using the data folder {}; stop it, or start this one with another --data folder",
        pid.map_or_else(|| "process unknown".to_owned(), |pid| format!("process {pid}")),
        folder.display()
    )]
    InUse {
        /// The path of the data folder.
        folder: PathBuf,
        /// The other process, where it could be read.
        pid: Option<u32>,
    },
    /// The file cannot be opened, or is not a store.
    #[error("cannot use the store {}: {detail}; repair or restore the file, or start with another --data folder", file.display())]
    Unusable {
        /// The path of the store (`nuncio.db` in the data folder) or of its write-ahead log.
        file: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The file system cannot do what the store needs.
    #[error("the file system of {} does not support SQLite's write-ahead log; put the data folder on a local disk", file.display())]
    NoWal {
        /// The path of the store's file, which is `nuncio.db` in the data folder.
        file: PathBuf,
    },
    /// The disk has no room for the files that SQLite needs to read the store.
    #[error("cannot open the store {}: the disk is full; free at least 256 KiB", file.display())]
    FullDisk {
        /// The path of the store's file, which is `nuncio.db` in the data folder.
        file: PathBuf,
    },
    /// The write-ahead log that an earlier process left is damaged.
    #[error(
        "the write-ahead log {} is damaged at byte {offset}: {transactions} later writes, and the one there, would be lost; \
         nothing was changed; restore a backup, or go on without them with --accept-damage, which keeps a copy of the log",
        log.display()
    )]
    DamagedLog {
        /// The path of the write-ahead log.
        log: PathBuf,
        /// The first byte that cannot be trusted.
        offset: u64,
        /// How many whole transactions follow it.
        transactions: u64,
    },
    /// A newer Nuncio wrote the file.
    #[error("the store {} was written by a newer Nuncio (its schema has version {found}, this program reads up to {known}); start the newer program", file.display())]
    Newer {
        /// The path of the store's file, which is `nuncio.db` in the data folder.
        file: PathBuf,
        /// The version of the file's schema.
        found: u32,
        /// The newest this program knows.
        known: usize,
    },
}

impl OpenError {
    pub(crate) fn folder(folder: &Path, source: io::Error) -> Self {
        Self::Folder { folder: folder.to_owned(), source }
    }

    pub(crate) fn unusable(file: &Path, error: &dyn std::fmt::Display) -> Self {
        Self::Unusable { file: file.to_owned(), detail: error.to_string() }
    }
}

/// Creates the folder if it is missing, readable by its owner only, and syncs its parent.
pub(crate) fn make_folder(folder: &Path) -> Result<(), OpenError> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| OpenError::folder(folder, source))?;
    let parent = fs::canonicalize(folder).ok().and_then(|path| path.parent().map(Path::to_owned));
    parent.map_or(Ok(()), |parent| sync_folder(&parent)).map_err(|source| OpenError::folder(folder, source))
}

/// Creates the store's file if it is missing, and returns its path.
pub(crate) fn make_file(folder: &Path) -> Result<PathBuf, OpenError> {
    make_folder(folder)?;
    let file = folder.join(FILE);
    if !file.exists() {
        // SQLite gives its log and index files the permissions of this one.
        private_file(&file).and_then(|_| sync_folder(folder)).map_err(|source| OpenError::folder(folder, source))?;
    }
    Ok(file)
}

/// Refuses a damaged write-ahead log. Checks again before it refuses, as the log of a running server changes while it
/// is read.
pub(crate) fn whole_log(file: &Path) -> Result<(), OpenError> {
    let mut found = None;
    for _ in 0..3 {
        found = wal::damage(file).map_err(|error| OpenError::unusable(file, &error))?;
        if found.is_none() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let Some(Damage { offset, transactions }) = found else { return Ok(()) };
    Err(OpenError::DamagedLog { log: wal::log_of(file), offset, transactions })
}

/// Copies a damaged write-ahead log to another name, before SQLite reads it up to the damage and overwrites it. Returns
/// the copy; `None` if the log is not damaged.
pub(crate) fn keep_damaged_log(file: &Path) -> Result<Option<PathBuf>, OpenError> {
    let Err(OpenError::DamagedLog { log, .. }) = whole_log(file) else { return Ok(None) };
    let free =
        (1..1000).map(|number| file.with_file_name(format!("{FILE}-wal.damaged-{number}"))).find(|to| !to.exists());
    let Some(kept) = free else {
        return Err(OpenError::unusable(&log, &"there are a thousand copies of damaged logs beside it; remove some"));
    };
    fs::copy(&log, &kept).map_err(|error| OpenError::unusable(&log, &error))?;
    Ok(Some(kept))
}

/// Runs `PRAGMA integrity_check`, which also compares indexes with their tables, for at most `time`. Returns whether
/// the check was complete.
pub(crate) fn check(connection: &Connection, time: Duration) -> Result<bool, Fault> {
    let (interrupt, (done, ended)) = (connection.get_interrupt_handle(), mpsc::channel::<()>());
    let timer = std::thread::spawn(move || {
        if ended.recv_timeout(time) == Err(mpsc::RecvTimeoutError::Timeout) {
            interrupt.interrupt();
        }
    });
    let found: rusqlite::Result<String> = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0));
    drop(done);
    // The timer thread cannot panic.
    let _ = timer.join();
    match found {
        Ok(ok) if ok == "ok" => Ok(true),
        Ok(fault) => Err(Fault::damaged(&fault)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The connection that writes. On a full disk it is opened in the space that was set aside for that.
pub(crate) fn writer(file: &Path) -> Result<Connection, OpenError> {
    let opened = write_ahead(file).or_else(|error| {
        if !fault::is_full_disk(&error) || !reserve::release(file) {
            return Err(error);
        }
        let connection = write_ahead(file)?;
        warn!("the disk is full; Nuncio starts in the space that it had set aside, and refuses events once it is used");
        Ok(connection)
    });
    let (connection, mode) = opened.map_err(|error| {
        let full = fault::is_full_disk(&error);
        if full { OpenError::FullDisk { file: file.to_owned() } } else { OpenError::unusable(file, &error) }
    })?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(OpenError::NoWal { file: file.to_owned() });
    }
    Ok(connection)
}

/// A connection that writes, and the file's journal mode, which should be `wal`.
fn write_ahead(file: &Path) -> rusqlite::Result<(Connection, String)> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Takes effect on an empty file only. With events of about 1 KiB, a large page wastes less space.
    connection.pragma_update(None, "page_size", 8192)?;
    let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    for (pragma, value) in SETTINGS {
        connection.pragma_update(None, pragma, value)?;
    }
    connection.set_prepared_statement_cache_capacity(64);
    Ok((connection, mode))
}

/// `FULL` fsyncs the log at every commit; with `NORMAL`, a power cut would lose the last commits.
const SETTINGS: [(&str, &str); 5] = [
    ("synchronous", "FULL"),
    ("wal_autocheckpoint", "1000"),
    ("journal_size_limit", "67108864"),
    ("cache_size", "-16000"),
    ("temp_store", "MEMORY"),
];

/// Opens a reading connection.
pub(crate) fn reader(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}
