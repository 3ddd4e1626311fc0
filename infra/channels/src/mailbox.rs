//! The folder of `.eml` files that stands in for a mail server on one machine.
//! Owns the files' names: they sort by time, and the same delivery is always the same file. A file is there whole and
//! on disk, or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::delivery::{DeliveryId, Failure, Outcome};
use domain::ports::Clock;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use crate::email::{DELIVERY_HEADER, digest};

/// Tells apart what two tasks write at the same time.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// The folder.
pub(crate) struct MailboxFolder {
    path: PathBuf,
    clock: Arc<dyn Clock>,
}

impl MailboxFolder {
    pub(crate) fn new(path: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self { path, clock }
    }

    /// Writes the mail unless it is there.
    pub(crate) async fn put(&self, mail: &[u8]) -> Result<Outcome, Failure> {
        let name = name(mail, self.clock.now());
        let (folder, mail) = (self.path.clone(), mail.to_vec());
        let answer = format!("written as {name}");
        let written = tokio::task::spawn_blocking(move || write(&folder, &name, &mail)).await;
        match written {
            Ok(Ok(())) => Ok(Outcome::Delivered { status: None, answer }),
            Ok(Err(error)) => Err(unwritten(&error.kind().to_string())),
            Err(_) => Err(unwritten("the task was given up")),
        }
    }
}

fn unwritten(why: &str) -> Failure {
    Failure::Store(format!("the mailbox folder cannot be written to: {why}"))
}

/// `<milliseconds>-<delivery>.eml`; a mail that names no delivery is known by its digest.
fn name(mail: &[u8], now: Timestamp) -> String {
    let mail = String::from_utf8_lossy(mail);
    let sent = header(&mail, "Date").and_then(|date| DateTimeParser::new().parse_timestamp(date).ok()).unwrap_or(now);
    // Only what reads as an id: a file's name must not lead out of the folder.
    let id = header(&mail, DELIVERY_HEADER).and_then(|id| id.parse::<DeliveryId>().ok());
    let id = id.map_or_else(|| digest(&mail), |id| id.to_string());
    format!("{:013}-{id}.eml", sent.as_millisecond().max(0))
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
    fs::create_dir_all(folder)?;
    let unfinished = folder.join(format!(".{name}.{}.tmp", WRITTEN.fetch_add(1, Ordering::Relaxed)));
    let result = put_in_place(&unfinished, &target, folder, mail);
    if result.is_err() {
        // What is left of a failed write is nobody's mail; the failure itself is what is reported.
        drop(fs::remove_file(&unfinished));
    }
    result
}

fn put_in_place(unfinished: &Path, target: &Path, folder: &Path, mail: &[u8]) -> io::Result<()> {
    let mut file = File::create(unfinished)?;
    file.write_all(mail)?;
    file.sync_all()?;
    fs::rename(unfinished, target)?;
    // The ledger will say that it was delivered: the name must outlive a power cut as well.
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
