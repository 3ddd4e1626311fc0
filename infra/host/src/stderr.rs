//! The log's way out. Losing it costs nothing but the log.
//!
//! A full disk, a pipe that nobody reads any more, a reader that has stopped: the lines are dropped and counted, no
//! caller sees an error, and none waits for longer than [`PATIENCE`]. Once there is room again, a line says how many
//! were lost.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long one line waits for a reader that is slow. After it, none waits until there is room.
const PATIENCE: Duration = Duration::from_millis(100);

/// A pipe that takes anything takes this much without making its writer wait (POSIX: `PIPE_BUF`).
const PIECE: usize = 4096;

/// Writes lines to stderr.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stderr {
    /// Whether a terminal shows them.
    pub(crate) terminal: bool,
}

/// What became of the lines before.
#[derive(Debug, Default)]
struct Lost {
    lines: u64,
    /// The last one was cut off within.
    torn: bool,
}

static LOST: Mutex<Lost> = Mutex::new(Lost { lines: 0, torn: false });

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
        // Whether stderr has a buffer is the library's affair: it has none, so nothing waits in one.
        let mut stderr = io::stderr().lock();
        let shown = if self.terminal { shown(line) } else { Cow::Borrowed(line) };
        deliver(&mut stderr, &mut lost, &shown, self.terminal);
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
    for piece in line.chunks(PIECE) {
        if !out.take(piece, PATIENCE) {
            *lost = Lost { lines: 1, torn: written > 0 };
            return;
        }
        written += piece.len();
    }
}

fn notice(lines: u64, terminal: bool) -> String {
    let (time, message) = (crate::log::timestamp(), "log lines were lost: nobody took them");
    if terminal {
        return format!("{time}  WARN {message} lines={lines}");
    }
    format!(r#"{{"timestamp":"{time}","level":"WARN","target":"host::stderr","message":"{message}","lines":{lines}}}"#)
}

/// Where pieces of lines go.
trait Out {
    /// Takes all of them within this time, or says that it did not.
    fn take(&mut self, piece: &[u8], within: Duration) -> bool;
}

impl Out for io::StderrLock<'_> {
    fn take(&mut self, mut piece: &[u8], within: Duration) -> bool {
        while !piece.is_empty() {
            let patience = Timespec { tv_sec: 0, tv_nsec: within.subsec_nanos().into() };
            let ready = poll(&mut [PollFd::new(&*self, PollFlags::OUT)], Some(&patience));
            // A signal that comes in between is as good as no room: the next line asks again.
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

/// The line without what would make a terminal act or show it in another order: C1 controls, which some terminals take
/// for escape sequences, and bidirectional overrides. The formatter has escaped what is ASCII.
fn shown(line: &[u8]) -> Cow<'_, [u8]> {
    // All of them begin with one of these bytes in UTF-8.
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

    /// Takes so many bytes.
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
    fn lines_that_nobody_takes_are_counted_and_said_later() {
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
        let (mut disk, mut lost) = (Disk { room: PIECE, ..Disk::default() }, Lost::default());
        deliver(&mut disk, &mut lost, &[b'x'; PIECE + 1], false);
        disk.room = 1000;
        deliver(&mut disk, &mut lost, b"{}\n", false);
        let lines: Vec<&str> = disk.written.lines().collect();
        assert_eq!(lines[0], "x".repeat(PIECE));
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
            assert_eq!(String::from_utf8_lossy(&shown(text.as_bytes())), expected);
        }
    }
}
