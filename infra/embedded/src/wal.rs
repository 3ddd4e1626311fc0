//! Detects damage in the write-ahead log that an earlier process left.
//!
//! SQLite takes the first frame with a wrong checksum for the end of the log, and silently drops the rest. That is
//! right after a power cut, which can tear only the last transaction, and wrong for a log that was damaged later. This
//! module tells the two cases apart. The format is that of <https://sqlite.org/fileformat2.html#the_write_ahead_log>: a
//! header of 32 bytes, then frames of a header of 24 bytes and one page each. A frame's checksum continues that of the
//! frame before it, so each frame can be verified on its own with the checksum stored in its predecessor.
//!
//! The store syncs the log at every commit. A frame that was written after a later commit is therefore proof that
//! everything before that commit was on disk. A torn last transaction is not damage.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// The first four bytes of a log whose checksums read words in big-endian order; one less for little-endian order.
const MAGIC: u32 = 0x377f_0683;

/// Where a log is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damage {
    /// The first byte that cannot be trusted.
    pub(crate) offset: u64,
    /// How many transactions follow that SQLite would drop.
    pub(crate) transactions: u64,
}

/// Checks the log of the store at `store`; `None` if there is no log, or it is not damaged.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn damage(store: &Path) -> io::Result<Option<Damage>> {
    let mut start = [0; 18];
    let known = File::open(store).and_then(|mut file| file.read_exact(&mut start));
    let page = match (known, u16::from_be_bytes([start[16], start[17]])) {
        (Ok(()), 1) => Some(65_536),
        (Ok(()), page) => Some(usize::from(page)),
        // The file is empty: no log was ever checkpointed into it.
        (Err(_), _) => None,
    };
    let open = || File::open(log_of(store)).map(|file| BufReader::with_capacity(1 << 20, file));
    match open() {
        Ok(log) => match scan(log, page, ByteOrder::Written)? {
            Scanned::Whole => Ok(None),
            Scanned::Damaged(damage) => Ok(Some(damage)),
            Scanned::OrderUnknown => {
                for order in [ByteOrder::Little, ByteOrder::Big] {
                    if let Scanned::Damaged(damage) = scan(open()?, page, order)? {
                        return Ok(Some(damage));
                    }
                }
                Ok(None)
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where SQLite keeps the log of a store.
pub(crate) fn log_of(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// How checksums read words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ByteOrder {
    /// As the log's first four bytes say.
    Written,
    Little,
    Big,
}

enum Scanned {
    Whole,
    Damaged(Damage),
    /// The header, whose first four bytes say the byte order, is damaged itself.
    OrderUnknown,
}

fn scan(mut log: impl Read, page: Option<usize>, order: ByteOrder) -> io::Result<Scanned> {
    let mut header = [0; HEADER];
    if !filled(&mut log, &mut header)? {
        return Ok(Scanned::Whole);
    }
    let magic = word(&header, 0);
    let little = match order {
        ByteOrder::Written => magic == MAGIC - 1,
        ByteOrder::Little => true,
        ByteOrder::Big => false,
    };
    let page = page.unwrap_or(word(&header, 2) as usize);
    if !(512..=65_536).contains(&page) {
        // Without the page's size no frame can be found.
        return Ok(Scanned::Whole);
    }
    let sum = (word(&header, 6), word(&header, 7));
    let header_holds = magic | 1 == MAGIC && sum == checksum((0, 0), &header[..24], little);
    if !header_holds && order == ByteOrder::Written {
        return Ok(Scanned::OrderUnknown);
    }
    let mut scan = FrameScan { first_bad: (!header_holds).then_some(0), ..FrameScan::default() };
    let mut frame = vec![0; FRAME_HEADER + page];
    let (mut stored, mut offset) = (sum, HEADER as u64);
    // A header with a wrong checksum is not trusted; the first frame repeats its salts.
    let mut salts = header_holds.then_some((word(&header, 4), word(&header, 5)));
    while filled(&mut log, &mut frame)? {
        let sum = checksum(checksum(stored, &frame[..8], little), &frame[FRAME_HEADER..], little);
        stored = (word(&frame, 4), word(&frame, 5));
        // Frames of an earlier use of the file follow the last one of this use: they have other salts.
        let salt = (word(&frame, 2), word(&frame, 3));
        let is_current = *salts.get_or_insert(salt) == salt;
        scan.add(offset, is_current && sum == stored, word(&frame, 1) != 0);
        offset += frame.len() as u64;
    }
    Ok(scan.damage().map_or(Scanned::Whole, Scanned::Damaged))
}

/// The result of scanning frames so far.
#[derive(Default)]
struct FrameScan {
    first_bad: Option<u64>,
    /// Commits after the first bad frame, each verified.
    commits: u64,
    /// Whether a verified frame follows the first of those commits.
    goes_on: bool,
}

impl FrameScan {
    fn add(&mut self, offset: u64, holds: bool, is_commit: bool) {
        if self.first_bad.is_none() {
            self.first_bad = (!holds).then_some(offset);
        } else if holds {
            self.goes_on |= self.commits > 0;
            self.commits += u64::from(is_commit);
        }
    }

    fn damage(self) -> Option<Damage> {
        let offset = self.first_bad?;
        self.goes_on.then_some(Damage { offset, transactions: self.commits })
    }
}

/// Whether the buffer could be filled; false at the end of the file, and for a part of a frame there.
fn filled(log: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match log.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// The word at that place, counted in words; words outside the checksums are in big-endian order.
fn word(bytes: &[u8], place: usize) -> u32 {
    bytes[4 * place..].first_chunk().copied().map_or(0, u32::from_be_bytes)
}

/// Continues a checksum over bytes whose number is a multiple of eight.
fn checksum(seed: (u32, u32), bytes: &[u8], little: bool) -> (u32, u32) {
    let read = |bytes: [u8; 4]| if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
    bytes.as_chunks::<8>().0.iter().fold(seed, |(mut one, mut two), [a, b, c, d, e, f, g, h]| {
        one = one.wrapping_add(read([*a, *b, *c, *d])).wrapping_add(two);
        two = two.wrapping_add(read([*e, *f, *g, *h])).wrapping_add(one);
        (one, two)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::OnceLock;

    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::*;

    const ROWS: i64 = 40;

    /// A store as a killed process leaves it: forty transactions in the log, none of them in the file.
    fn left(folder: &Path) -> (PathBuf, Vec<u8>) {
        let (live, copy) = (folder.join("live.db"), folder.join("copy.db"));
        let connection = Connection::open(&live).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x);")
            .unwrap();
        for row in 0..ROWS {
            connection.execute("INSERT INTO t VALUES (?1 || hex(randomblob(900)))", [row]).unwrap();
        }
        fs::copy(&live, &copy).unwrap();
        let log = fs::read(folder.join("live.db-wal")).unwrap();
        (copy, log)
    }

    /// How many rows SQLite finds with that log, after the damage was looked for.
    fn rows(folder: &Path, store: &Path, log: &[u8]) -> (Option<Damage>, i64) {
        let tried = folder.join("tried.db");
        for ending in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{ending}", tried.display()));
        }
        fs::copy(store, &tried).unwrap();
        fs::write(log_of(&tried), log).unwrap();
        let found = damage(&tried).unwrap();
        let connection = Connection::open(&tried).unwrap();
        (found, connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap_or(0))
    }

    #[test]
    fn a_log_that_sqlite_reads_to_its_end_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (store, log) = left(folder.path());
        assert_eq!(rows(folder.path(), &store, &log), (None, ROWS));
        assert_eq!(rows(folder.path(), &store, b""), (None, 0));
        assert_eq!(damage(&folder.path().join("none")).unwrap(), None);
    }

    #[test]
    fn a_torn_last_transaction_is_not_damage() {
        let folder = tempfile::tempdir().unwrap();
        let (store, log) = left(folder.path());
        for cut in (1..5000).step_by(7) {
            assert_eq!(rows(folder.path(), &store, &log[..log.len() - cut]).0, None, "{cut}");
        }
        let mut torn = log.clone();
        let last = torn.len() - 100;
        torn[last..].fill(0);
        assert_eq!(rows(folder.path(), &store, &torn), (None, ROWS - 1));
    }

    #[test]
    fn frames_of_an_earlier_use_of_the_file_are_not_damage() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("live.db");
        let connection = Connection::open(&file).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x);").unwrap();
        for _ in 0..30 {
            connection.execute("INSERT INTO t VALUES (hex(randomblob(900)))", []).unwrap();
        }
        let again = "PRAGMA wal_checkpoint(RESTART); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);";
        connection.execute_batch(again).unwrap();
        assert!(fs::read(log_of(&file)).unwrap().len() > 40_000, "the old frames are still there");
        assert_eq!(damage(&file).unwrap(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

        /// SQLite is the authority on what is lost. The last two transactions may be torn: one, or one whose commit
        /// cannot be told from the damage.
        #[test]
        fn what_sqlite_would_drop_is_reported(place in prop_oneof![0..64usize, 0..1_000_000usize], bit in 0..8u32) {
            static LEFT: OnceLock<(PathBuf, Vec<u8>, tempfile::TempDir)> = OnceLock::new();
            let (store, log, _) = LEFT.get_or_init(|| {
                let folder = tempfile::tempdir().unwrap();
                let (store, log) = left(folder.path());
                (store, log, folder)
            });
            let (folder, mut log) = (tempfile::tempdir().unwrap(), log.clone());
            let place = place % log.len();
            log[place] ^= 1 << bit;
            let (found, left) = rows(folder.path(), store, &log);
            let lost = ROWS - left;
            if lost != 2 {
                prop_assert_eq!(found.is_some(), lost > 2, "bit {} of byte {}: {} lost, {:?}", bit, place, lost, found);
            }
        }
    }
}
