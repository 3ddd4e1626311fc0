//! The mailbox folder: `.eml` files instead of a mail server. Owns the file names, which sort by time; a delivery that
//! is repeated has the same name. A file is complete and on disk, or does not exist.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use domain::delivery::{AttemptOutcome, DeliveryId, Failure};
use domain::ports::{Clock, Mailbox, StoreError, WrittenMail};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use crate::email::{DELIVERY_HEADER, digest};
use crate::mail_decode;

/// The suffix of the mails' file names.
const ENDING: &str = ".eml";

/// Makes the names of temporary files unique.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// The folder. Writing the first mail creates it.
#[derive(Clone)]
pub struct MailboxFolder {
    path: PathBuf,
    clock: Arc<dyn Clock>,
}

impl MailboxFolder {
    /// Uses this folder. `clock` gives the time of mails without a date.
    pub fn new(path: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self { path, clock }
    }

    /// Runs file operations on a blocking thread. A missing folder counts as empty.
    async fn blocking<T: Default + Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let folder = self.path.clone();
        let done = tokio::task::spawn_blocking(move || match work(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
            done => done,
        });
        let unavailable =
            |error: &dyn std::fmt::Display| StoreError::Unavailable { part: "mailbox", detail: error.to_string() };
        done.await.map_err(|error| unavailable(&error))?.map_err(|error| unavailable(&error))
    }

    /// Writes the mail, unless a file of the same name exists.
    pub(crate) async fn put(&self, mail: &[u8]) -> Result<AttemptOutcome, Failure> {
        let name = name(mail, self.clock.now());
        let (folder, mail) = (self.path.clone(), mail.to_vec());
        let answer = format!("written as {name}");
        let written = tokio::task::spawn_blocking(move || write(&folder, &name, &mail)).await;
        match written {
            Ok(Ok(())) => Ok(AttemptOutcome::Delivered { status: None, answer }),
            Ok(Err(error)) => Err(unwritten(&error.kind().to_string())),
            Err(_) => Err(unwritten("the task was cancelled")),
        }
    }
}

#[async_trait]
impl Mailbox for MailboxFolder {
    async fn erase(&self, deliveries: &[DeliveryId]) -> Result<usize, StoreError> {
        let deliveries: BTreeSet<_> = deliveries.iter().copied().collect();
        self.blocking(move |folder| {
            let mut erased = 0;
            for name in names(folder)? {
                if delivery(&name).is_some_and(|delivery| deliveries.contains(&delivery)) {
                    fs::remove_file(folder.join(name))?;
                    erased += 1;
                }
            }
            Ok(erased)
        })
        .await
    }

    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<WrittenMail>, StoreError> {
        let after = after.map(str::to_owned);
        self.blocking(move |folder| {
            let later = names(folder)?.into_iter().filter(|name| after.as_ref().is_none_or(|after| name > after));
            let mail = |name: String| {
                // An unreadable file is listed too, without a recipient: the caller can remove it.
                let mail = fs::read(folder.join(&name)).unwrap_or_default();
                WrittenMail { delivery: delivery(&name), to: recipient(&mail), text: mail_decode::decode(&mail), name }
            };
            Ok(later.take(limit).map(mail).collect())
        })
        .await
    }

    async fn remove(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.blocking(move |folder| fs::remove_file(folder.join(name))).await
    }

    async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.blocking(move |folder| {
            let mut purged = 0;
            for name in names(folder)? {
                let path = folder.join(&name);
                // The earlier of two dates, so that neither a clock that ran ahead nor copying the folder keeps a mail
                // longer.
                let touched = fs::metadata(&path)?.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
                let written = [written(&name), touched].into_iter().flatten().min();
                if purged < limit && written.is_some_and(|written| written < before) {
                    fs::remove_file(path)?;
                    purged += 1;
                }
            }
            Ok(purged)
        })
        .await
    }
}

/// The file names of the mails, oldest first.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string().ok().filter(|name| name.ends_with(ENDING)));
    }
    names.sort_unstable();
    Ok(names)
}

/// The delivery in a file name.
fn delivery(name: &str) -> Option<DeliveryId> {
    name.strip_suffix(ENDING)?.split_once('-')?.1.parse().ok()
}

/// The time in a file name.
fn written(name: &str) -> Option<Timestamp> {
    Timestamp::from_millisecond(name.split_once('-')?.0.parse().ok()?).ok()
}

/// The address in the `To` header, without a display name; empty if the mail has no such header.
fn recipient(mail: &[u8]) -> String {
    let mail = String::from_utf8_lossy(mail);
    let to = header(&mail, "To").unwrap_or_default();
    let address = to.rsplit_once('<').map_or(to, |(_, address)| address.trim_end_matches('>'));
    address.trim().to_owned()
}

fn unwritten(why: &str) -> Failure {
    Failure::Store(format!("the mailbox folder cannot be written to: {why}"))
}

/// `<milliseconds>-<delivery>.eml`, or with a hash of the mail if it names no delivery.
fn name(mail: &[u8], now: Timestamp) -> String {
    let mail = String::from_utf8_lossy(mail);
    let sent = header(&mail, "Date").and_then(|date| DateTimeParser::new().parse_timestamp(date).ok()).unwrap_or(now);
    // Only a valid id: a header must not make the path leave the folder.
    let id = header(&mail, DELIVERY_HEADER).and_then(|id| id.parse::<DeliveryId>().ok());
    let id = id.map_or_else(|| digest(&mail), |id| id.to_string());
    format!("{:013}-{id}{ENDING}", sent.as_millisecond().max(0))
}

fn header<'a>(mail: &'a str, name: &str) -> Option<&'a str> {
    let lines = mail.lines().take_while(|line| !line.is_empty());
    let mut values = lines.filter_map(|line| line.split_once(':'));
    values.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn write(folder: &Path, name: &str, mail: &[u8]) -> io::Result<()> {
    let target = folder.join(name);
    if target.exists() {
        return Ok(());
    }
    let mut private = fs::DirBuilder::new();
    private.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut private, 0o700);
    private.create(folder)?;
    let unfinished = folder.join(format!(".{name}.{}.tmp", WRITTEN.fetch_add(1, Ordering::Relaxed)));
    let result = put_in_place(&unfinished, &target, folder, mail);
    if result.is_err() {
        // Best effort: the failure of the write is what the caller must know.
        drop(fs::remove_file(&unfinished));
    }
    result
}

fn put_in_place(unfinished: &Path, target: &Path, folder: &Path, mail: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    // Readable for the owner only: mail is private.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(unfinished)?;
    file.write_all(mail)?;
    file.sync_all()?;
    fs::rename(unfinished, target)?;
    // The ledger will record a delivery, so the file's name must survive a power cut too.
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_name_sorts_by_time_and_leads_nowhere() {
        let id = "018650dd-2c93-7f1e-8afe-ad5af90bf680_00112233445566778899";
        let mail = format!("Date: Wed, 15 Feb 2023 15:32:55 +0000\r\nX-Nuncio-Delivery: {id}\r\n\r\nbody");
        assert_eq!(name(mail.as_bytes(), NOW), format!("1676475175000-{id}.eml"));
        let hostile = name(b"X-Nuncio-Delivery: ../../etc/passwd\r\n\r\nX", NOW);
        assert_eq!(hostile, name(b"X-Nuncio-Delivery: ../../etc/passwd\r\n\r\nX", NOW));
        assert!(hostile.starts_with("0000000000000-") && !hostile.contains('/'), "{hostile}");
        let in_body = name(format!("A: b\r\n\r\nX-Nuncio-Delivery: {id}").as_bytes(), NOW);
        assert!(!in_body.contains(id), "{in_body}");
    }
}
