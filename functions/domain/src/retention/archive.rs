//! The form of archived events, wherever they are kept: files of one event a line as JSON, named by the day of UTC on
//! which they were written and a number, so that their names sort as they were written.

use jiff::Timestamp;

use crate::event::Event;

/// The ending of every file's name.
pub const ENDING: &str = ".ndjson.zst";

/// The zstd compression level. Events resemble each other, so that a higher level gains little.
pub const LEVEL: i32 = 6;

/// The prefix of the names of that day's files.
pub fn day(now: Timestamp) -> String {
    now.strftime("%Y-%m-%d.").to_string()
}

/// The name of a new file; `last` is the day's last file, `None` if there is none.
pub fn name_after(now: Timestamp, last: Option<&str>) -> String {
    let day = day(now);
    let number = last.and_then(|name| name.strip_prefix(&day)?.strip_suffix(ENDING)?.parse::<u32>().ok());
    format!("{day}{:06}{ENDING}", number.unwrap_or(0) + 1)
}

/// A line of an archive file holds no event. The error does not quote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line of an archive file is not an event")]
pub struct UnreadableLine;

/// Parses a line.
///
/// # Errors
/// If the line is not an event. The error does not quote it.
pub fn read_line(line: &str) -> Result<Event, UnreadableLine> {
    serde_json::from_str(line).map_err(|_| UnreadableLine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_they_are_given() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let first = name_after(at("2026-01-02T23:59:59Z"), None);
        assert_eq!(first, "2026-01-02.000001.ndjson.zst");
        let mut last = first;
        for _ in 0..10 {
            let next = name_after(at("2026-01-02T00:00:00Z"), Some(&last));
            assert!(next > last);
            last = next;
        }
        assert_eq!(last, "2026-01-02.000011.ndjson.zst");
        assert_eq!(name_after(at("2026-01-03T00:00:00Z"), Some(&last)), "2026-01-03.000001.ndjson.zst");
    }
}
