//! Events on their way out, in files of a folder: one event a line as JSON, zstd, never written to again.
//!
//! A file has its name only once all of it is on disk: it is written under another, synced, renamed, and the folder
//! synced. What a crash leaves under the other name was never promised, and is removed when the folder is opened. One
//! folder belongs to one process.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{Archive, StoreError};
use domain::{Event, Timestamp};

use crate::open::{self, OpenError};

/// Ends every file's name; the day and a number come before it.
const ENDING: &str = ".ndjson.zst";
/// Ends the name of one that is not whole.
const PART: &str = ".part";

/// Text of events is much alike: a higher level gains little.
const LEVEL: i32 = 6;

/// The folder.
#[derive(Debug, Clone)]
pub struct ArchiveFolder {
    folder: Arc<Path>,
}

impl ArchiveFolder {
    /// In this folder, which is made where it is missing.
    ///
    /// # Errors
    /// When it cannot be used.
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
        done.map_err(|error| unavailable(&error))?.map_err(|error| match error.kind() {
            // Its text may quote an event.
            io::ErrorKind::InvalidData => StoreError::Corrupt("a line of an archive file is no event".to_owned()),
            _ => unavailable(&error),
        })
    }
}

fn unavailable(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unavailable { part: "archive", detail: error.to_string() }
}

#[async_trait]
impl Archive for ArchiveFolder {
    async fn put(&self, events: &[Event], now: Timestamp) -> Result<(), StoreError> {
        let (events, day) = (events.to_vec(), now.strftime("%Y-%m-%d").to_string());
        self.blocking(move |folder| {
            let last = names(folder)?.into_iter().rfind(|name| name.starts_with(&day));
            let number = last.and_then(|name| name.strip_prefix(&day)?.strip_prefix('.')?.get(..6)?.parse().ok());
            write(folder, &format!("{day}.{:06}{ENDING}", number.unwrap_or(0_u32) + 1), &events)
        })
        .await
    }

    async fn files(&self, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        let after = after.map(str::to_owned);
        self.blocking(move |folder| {
            let names = names(folder)?.into_iter();
            Ok(names.filter(|name| after.as_ref().is_none_or(|after| name > after)).collect())
        })
        .await
    }

    async fn read(&self, file: &str) -> Result<Vec<Event>, StoreError> {
        let file = file.to_owned();
        self.blocking(move |folder| {
            let lines = BufReader::new(zstd::Decoder::new(File::open(folder.join(file))?)?).lines();
            lines
                .map(|line| {
                    serde_json::from_str(&line?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
                })
                .collect()
        })
        .await
    }

    async fn replace(&self, file: &str, events: &[Event]) -> Result<(), StoreError> {
        let (file, events) = (file.to_owned(), events.to_vec());
        self.blocking(move |folder| {
            if events.is_empty() {
                fs::remove_file(folder.join(file))?;
                return open::sync_folder(folder);
            }
            write(folder, &file, &events)
        })
        .await
    }
}

/// The files, oldest first.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string().ok().filter(|name| name.ends_with(ENDING)));
    }
    names.sort_unstable();
    Ok(names)
}

fn write(folder: &Path, name: &str, events: &[Event]) -> io::Result<()> {
    let part: PathBuf = folder.join(format!("{name}{PART}"));
    let file = open::private_file(&part)?;
    file.set_len(0)?;
    let mut lines = zstd::Encoder::new(file, LEVEL)?;
    lines.include_checksum(true)?;
    for event in events {
        lines.write_all(event.to_json().as_bytes())?;
        lines.write_all(b"\n")?;
    }
    lines.finish()?.sync_all()?;
    fs::rename(&part, folder.join(name))?;
    open::sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::EventPk;
    use domain::event::{Action, Object};

    fn event(n: i64) -> Event {
        let created = Timestamp::from_second(n).unwrap();
        Event {
            pk: EventPk::unnamed(created, 7),
            user: Object::new(),
            action: Action::parse("login").unwrap(),
            app: "a\nb".to_owned(),
            context: Object::new(),
            client_ip: None,
            created,
            expires: created,
            brand: Object::new(),
            id: None,
            source: None,
            traceparent: None,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_file_holds_what_was_put_and_is_named_by_day_and_number() {
        let folder = tempfile::tempdir().unwrap();
        let archive = ArchiveFolder::open(folder.path()).unwrap();
        assert!(archive.files(None).await.unwrap().is_empty());
        archive.put(&[event(1), event(2)], at("2026-01-02T03:04:05Z")).await.unwrap();
        archive.put(&[event(3)], at("2026-01-02T23:59:59Z")).await.unwrap();
        archive.put(&[event(4)], at("2026-01-03T00:00:00Z")).await.unwrap();
        let names = ["2026-01-02.000001.ndjson.zst", "2026-01-02.000002.ndjson.zst", "2026-01-03.000001.ndjson.zst"];
        assert_eq!(archive.files(None).await.unwrap(), names);
        assert_eq!(archive.files(Some(names[1])).await.unwrap(), names[2..]);
        assert_eq!(archive.read(names[0]).await.unwrap(), [event(1), event(2)]);
        archive.replace(names[0], &[event(2)]).await.unwrap();
        archive.replace(names[2], &[]).await.unwrap();
        assert_eq!(archive.read(names[0]).await.unwrap(), [event(2)]);
        assert_eq!(archive.files(None).await.unwrap(), names[..2]);
        let text = zstd::decode_all(File::open(folder.path().join(names[1])).unwrap()).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), event(3).to_json() + "\n");
    }

    #[tokio::test]
    async fn what_a_crash_cut_short_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("2026-01-02.000001.ndjson.zst.part");
        fs::write(&part, "half").unwrap();
        let archive = ArchiveFolder::open(folder.path()).unwrap();
        assert!(!part.exists() && archive.files(None).await.unwrap().is_empty());
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
