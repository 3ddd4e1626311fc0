//! The archive of expired events: a folder of zstd-compressed files with one event as JSON per line.
//!
//! A file is written under a temporary name, synced and renamed; then the folder is synced. So a file with its final
//! name is complete. Opening the folder removes the temporary files that a crash left; their events are still in the
//! store. A folder must be used by one process only.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{Archive, Archived, StoreError};
use domain::retention::archive;
use domain::{Event, Timestamp};

use crate::files;
use crate::open::{self, OpenError};

/// The suffix of a file that is being written.
const PART: &str = ".part";

/// The suffix of a damaged file that was set aside.
const DAMAGED: &str = ".damaged";

/// The archive in a local folder.
#[derive(Debug, Clone)]
pub struct ArchiveFolder {
    folder: Arc<Path>,
}

impl ArchiveFolder {
    /// Opens the folder, creates it if it is missing, and removes incomplete files.
    ///
    /// # Errors
    /// When the folder cannot be created, read or cleaned.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        open::make_folder(folder)?;
        let clean = || -> io::Result<()> {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.to_string_lossy().ends_with(PART) {
                    fs::remove_file(path)?;
                }
            }
            Ok(())
        };
        clean().map_err(|source| OpenError::folder(folder, source))?;
        Ok(Self { folder: folder.into() })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let folder = Arc::clone(&self.folder);
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        done.map_err(|error| unavailable(&error))?.map_err(|error| unavailable(&error))
    }
}

fn unavailable(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unavailable { part: "archive", detail: error.to_string() }
}

#[async_trait]
impl Archive for ArchiveFolder {
    async fn put(&self, events: &[Event], now: Timestamp) -> Result<(), StoreError> {
        let events = events.to_vec();
        self.blocking(move |folder| {
            let day = archive::day(now);
            let last = names(folder)?.into_iter().rfind(|name| name.starts_with(&day));
            write(folder, &archive::name_after(now, last.as_deref()), &events)
        })
        .await
    }

    async fn files(&self, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        let after = after.map(str::to_owned);
        self.blocking(move |folder| {
            let later = names(folder)?.into_iter().filter(|name| after.as_ref().is_none_or(|after| name > after));
            Ok(later.take(limit).collect())
        })
        .await
    }

    async fn read(&self, file: &str) -> Result<Archived, StoreError> {
        let name = file.to_owned();
        self.blocking(move |folder| {
            let file = File::open(folder.join(&name))?;
            Ok(read(file, &name))
        })
        .await?
    }

    async fn set_aside(&self, file: &str) -> Result<String, StoreError> {
        let (file, aside) = (file.to_owned(), format!("{file}{DAMAGED}"));
        let named = aside.clone();
        self.blocking(move |folder| {
            fs::rename(folder.join(file), folder.join(aside))?;
            files::sync_folder(folder)
        })
        .await?;
        Ok(named)
    }

    async fn replace(&self, file: &str, _: &Archived, events: &[Event]) -> Result<(), StoreError> {
        let (file, events) = (file.to_owned(), events.to_vec());
        self.blocking(move |folder| {
            if events.is_empty() {
                fs::remove_file(folder.join(file))?;
                return files::sync_folder(folder);
            }
            write(folder, &file, &events)
        })
        .await
    }
}

/// Reads all events of an opened file.
fn read(file: File, name: &str) -> Result<Archived, StoreError> {
    let damaged = |error: io::Error| match error.raw_os_error() {
        // An error of the operating system: the disk or the network failed, the file may be intact.
        Some(_) => unavailable(&error),
        None => StoreError::Corrupt(format!("the archive file {name} is truncated or damaged")),
    };
    let lines = BufReader::new(zstd::Decoder::new(file).map_err(damaged)?).lines();
    // The checksum comes last: until then, a damaged block may decompress to anything.
    let event = |line: io::Result<String>| {
        archive::read_line(&line.map_err(damaged)?).map_err(|_| damaged(io::ErrorKind::InvalidData.into()))
    };
    Ok(Archived { events: lines.map(event).collect::<Result<_, _>>()?, version: None })
}

/// The names of the complete files, oldest first.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string().ok().filter(|name| name.ends_with(archive::ENDING)));
    }
    names.sort_unstable();
    Ok(names)
}

fn write(folder: &Path, name: &str, events: &[Event]) -> io::Result<()> {
    let part: PathBuf = folder.join(format!("{name}{PART}"));
    let file = files::private_file(&part)?;
    file.set_len(0)?;
    let mut lines = zstd::Encoder::new(file, archive::LEVEL)?;
    lines.include_checksum(true)?;
    for event in events {
        lines.write_all(event.to_json().as_bytes())?;
        lines.write_all(b"\n")?;
    }
    lines.finish()?.sync_all()?;
    fs::rename(&part, folder.join(name))?;
    files::sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(n: i64) -> Event {
        let created = Timestamp::from_second(n).unwrap();
        domain::testing::event("login").created(created).random(7).expires(created).app("a\nb").build()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_file_holds_what_was_put_and_is_named_by_day_and_number() {
        let folder = tempfile::tempdir().unwrap();
        let archive = ArchiveFolder::open(folder.path()).unwrap();
        assert!(archive.files(None, 9).await.unwrap().is_empty());
        archive.put(&[event(1), event(2)], at("2026-01-02T03:04:05Z")).await.unwrap();
        archive.put(&[event(3)], at("2026-01-02T23:59:59Z")).await.unwrap();
        archive.put(&[event(4)], at("2026-01-03T00:00:00Z")).await.unwrap();
        let names = ["2026-01-02.000001.ndjson.zst", "2026-01-02.000002.ndjson.zst", "2026-01-03.000001.ndjson.zst"];
        assert_eq!(archive.files(None, 9).await.unwrap(), names);
        let text = zstd::decode_all(File::open(folder.path().join(names[0])).unwrap()).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), event(1).to_json() + "\n" + &event(2).to_json() + "\n");
    }

    #[tokio::test]
    async fn what_a_crash_cut_short_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("2026-01-02.000001.ndjson.zst.part");
        fs::write(&part, "half").unwrap();
        let archive = ArchiveFolder::open(folder.path()).unwrap();
        assert!(!part.exists() && archive.files(None, 9).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_file_that_is_cut_short_or_changed_is_corrupt_and_can_be_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let archive = ArchiveFolder::open(folder.path()).unwrap();
        archive.put(&(1..200).map(event).collect::<Vec<_>>(), at("2026-01-02T03:04:05Z")).await.unwrap();
        let name = "2026-01-02.000001.ndjson.zst";
        let whole = fs::read(folder.path().join(name)).unwrap();
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 0x55;
        for content in [&whole[..whole.len() - 1], &whole[..whole.len() / 2], &whole[..3], b"no archive", &changed] {
            fs::write(folder.path().join(name), content).unwrap();
            let error = archive.read(name).await.unwrap_err();
            assert!(matches!(&error, StoreError::Corrupt(why) if why.contains(name)), "{error}");
        }
        assert_eq!(archive.set_aside(name).await.unwrap(), format!("{name}.damaged"));
        assert!(archive.files(None, 9).await.unwrap().is_empty());
        assert_eq!(fs::read(folder.path().join(format!("{name}.damaged"))).unwrap(), changed);
        assert!(matches!(archive.read(name).await, Err(StoreError::Unavailable { .. })), "it is not there");
    }

    #[tokio::test]
    async fn a_damaged_file_and_a_missing_folder_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let archive = ArchiveFolder::open(folder.path()).unwrap();
        fs::write(folder.path().join("x.ndjson.zst"), zstd::encode_all(&b"{\"secret\":1}\n"[..], 1).unwrap()).unwrap();
        let damaged = archive.read("x.ndjson.zst").await.unwrap_err();
        assert!(matches!(&damaged, StoreError::Corrupt(_)) && !damaged.to_string().contains("secret"), "{damaged}");
        folder.close().unwrap();
        let gone = archive.put(&[event(1)], at("2026-01-02T03:04:05Z")).await.unwrap_err();
        assert!(matches!(gone, StoreError::Unavailable { part: "archive", .. }), "{gone}");
    }
}
