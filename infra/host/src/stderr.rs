//! Writes log lines to stderr. A failure loses log lines and affects nothing else.
//!
//! If the disk is full, or the reader of a pipe has stopped or gone, lines are dropped and counted. Callers see no
//! error, and wait for [`WRITE_TIMEOUT`] at most. Once writing works again, a line reports the number of lost lines.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long one line waits for a slow reader. After that, lines do not wait until the reader catches up.
const WRITE_TIMEOUT: Duration = Duration::from_millis(100);

/// The bytes that a pipe that is ready accepts without blocking (POSIX: `PIPE_BUF`).
const CHUNK: usize = 4096;

/// Writes lines to stderr.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stderr {
    /// Whether stderr is a terminal.
    pub(crate) terminal: bool,
}

/// The lines that were lost since the last one that was written.
#[derive(Debug, Default)]
struct Lost {
    lines: u64,
    /// Whether the last line was written in part.
    torn: bool,
}

static LOST: Mutex<Lost> = Mutex::new(Lost { lines: 0, torn: false });

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
        // The standard library does not buffer stderr, so nothing needs a flush.
        let mut stderr = io::stderr().lock();
        let safe = if self.terminal { escaped(line) } else { Cow::Borrowed(line) };
        deliver(&mut stderr, &mut lost, &safe, self.terminal);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn deliver(out: &mut impl Out, lost: &mut Lost, line: &[u8], terminal: bool) {
    if lost.lines > 0 {
        let end = if lost.torn { "\n" } else { "" };
        let notice = format!("{end}{}\n", notice(lost.lines, terminal));
        if !out.take(notice.as_bytes(), Duration::ZERO) {
            lost.lines += 1;
            return;
        }
        *lost = Lost::default();
    }
    let mut written = 0;
    for piece in line.chunks(CHUNK) {
        if !out.take(piece, WRITE_TIMEOUT) {
            *lost = Lost { lines: 1, torn: written > 0 };
            return;
        }
        written += piece.len();
    }
}

fn notice(lines: u64, terminal: bool) -> String {
    let (time, message) = (crate::timestamp::timestamp(), "log lines were lost: stderr did not accept them");
    if terminal {
        return format!("{time}  WARN {message} lines={lines}");
    }
    format!(r#"{{"timestamp":"{time}","level":"WARN","target":"host::stderr","message":"{message}","lines":{lines}}}"#)
}

/// An output that may not accept data in time.
trait Out {
    /// Writes the whole piece within this time; false if that is not possible.
    fn take(&mut self, piece: &[u8], within: Duration) -> bool;
}

impl Out for io::StderrLock<'_> {
    fn take(&mut self, mut piece: &[u8], within: Duration) -> bool {
        while !piece.is_empty() {
            let patience = Timespec { tv_sec: 0, tv_nsec: within.subsec_nanos().into() };
            let ready = poll(&mut [PollFd::new(&*self, PollFlags::OUT)], Some(&patience));
            // A signal that interrupts the wait counts as a timeout; the next line tries again.
            if !matches!(ready, Ok(1..)) {
                return false;
            }
            match self.write(piece) {
                Ok(0) => return false,
                Ok(written) => piece = &piece[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        true
    }
}

/// Escapes characters that make a terminal act, or show text in another order: C1 controls, which some terminals treat
/// as escape sequences, and bidirectional overrides. The formatter has escaped ASCII controls already.
fn escaped(line: &[u8]) -> Cow<'_, [u8]> {
    // In UTF-8, all of these characters begin with one of these bytes.
    if !line.iter().any(|byte| matches!(byte, 0xc2 | 0xd8 | 0xe2 | 0x7f)) {
        return Cow::Borrowed(line);
    }
    let Ok(text) = std::str::from_utf8(line) else { return Cow::Borrowed(line) };
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        if is_hostile(char) {
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(char));
        } else {
            safe.push(char);
        }
    }
    Cow::Owned(safe.into_bytes())
}

fn is_hostile(char: char) -> bool {
    // Unicode's property Bidi_Control, line and paragraph separators, DEL and C1.
    matches!(char, '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts `room` bytes.
    #[derive(Default)]
    struct Disk {
        room: usize,
        written: String,
    }

    impl Out for Disk {
        fn take(&mut self, piece: &[u8], _: Duration) -> bool {
            if piece.len() > self.room {
                return false;
            }
            self.room -= piece.len();
            self.written.push_str(std::str::from_utf8(piece).unwrap());
            true
        }
    }

    #[test]
    fn lost_lines_are_counted_and_reported_later() {
        let (mut disk, mut lost) = (Disk::default(), Lost::default());
        for _ in 0..3 {
            deliver(&mut disk, &mut lost, b"lost\n", true);
        }
        disk.room = 1000;
        deliver(&mut disk, &mut lost, b"kept\n", true);
        deliver(&mut disk, &mut lost, b"kept too\n", true);
        assert!(disk.written.ends_with("lines=3\nkept\nkept too\n"), "{}", disk.written);
    }

    #[test]
    fn a_torn_line_is_ended_before_the_next_one() {
        let (mut disk, mut lost) = (Disk { room: CHUNK, ..Disk::default() }, Lost::default());
        deliver(&mut disk, &mut lost, &[b'x'; CHUNK + 1], false);
        disk.room = 1000;
        deliver(&mut disk, &mut lost, b"{}\n", false);
        let lines: Vec<&str> = disk.written.lines().collect();
        assert_eq!(lines[0], "x".repeat(CHUNK));
        let notice: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
        assert_eq!((notice["lines"].as_u64(), lines[2]), (Some(1), "{}"));
    }

    #[test]
    fn a_terminal_is_shown_no_controls_and_no_other_order() {
        for (text, expected) in [
            ("a\u{9b}31mb", "a\\u{9b}31mb"),
            ("a\u{202e}b\u{2069}", "a\\u{202e}b\\u{2069}"),
            ("\u{85}\u{7f}\u{61c}\u{200f}\u{2028}", "\\u{85}\\u{7f}\\u{61c}\\u{200f}\\u{2028}"),
            (
                "\u{1b}[31mred\u{1b}[0m \u{e9}\u{20ac}\u{1f600} \u{639}\n",
                "\u{1b}[31mred\u{1b}[0m \u{e9}\u{20ac}\u{1f600} \u{639}\n",
            ),
        ] {
            assert_eq!(String::from_utf8_lossy(&escaped(text.as_bytes())), expected);
        }
    }
}
