//! Splits a stream into events: a sequence of JSON values, where an array counts as its items.
//!
//! Owns the recovery from damaged input. Every valid JSON value is an event; the server decides whether to accept it.
//! Invalid JSON is skipped by lines, up to the next line that begins with an object or array.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use serde::de::IgnoredAny;

/// The smallest number of bytes read at once.
const CHUNK: usize = 64 * 1024;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The next part of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// An event, byte for byte.
    Event(Vec<u8>),
    /// Lines that are not JSON: a description of the error, with the line.
    Corrupt(String),
}

/// An iterator over the events of a stream.
pub(crate) struct Events<R> {
    input: R,
    /// Bytes that were read and not yet returned.
    buffer: Vec<u8>,
    ended: bool,
    /// The line of the buffer's first byte, from 1.
    line: usize,
    in_list: bool,
}

impl<R: Read> Events<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), ended: false, line: 1, in_list: false }
    }

    /// Doubles the buffer, so that a long value is parsed a logarithmic number of times.
    fn read_more(&mut self) -> io::Result<()> {
        let wanted = self.buffer.len().max(CHUNK);
        let read = (&mut self.input).take(wanted as u64).read_to_end(&mut self.buffer)?;
        self.ended = read < wanted;
        Ok(())
    }

    fn take(&mut self, bytes: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(bytes);
        let taken = std::mem::replace(&mut self.buffer, rest);
        self.line += taken.split(|byte| *byte == b'\n').count() - 1;
        taken
    }

    /// The next byte that is neither white space nor part of a byte order mark, without consuming it.
    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            let blank = self.buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            self.take(blank);
            match self.buffer.first() {
                Some(_) if self.buffer.starts_with(BOM) => drop(self.take(BOM.len())),
                Some(_) if self.buffer.len() >= BOM.len() || self.ended => return Ok(self.buffer.first().copied()),
                None if self.ended => return Ok(None),
                _ => self.read_more()?,
            }
        }
    }

    fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        loop {
            match self.peek()? {
                None if self.in_list => {
                    self.in_list = false;
                    return Ok(Some(Piece::Corrupt(format!("line {}: the array does not end", self.line))));
                }
                None => return Ok(None),
                Some(b'[') if !self.in_list => {
                    self.in_list = true;
                    self.take(1);
                }
                Some(b']') if self.in_list => {
                    self.in_list = false;
                    self.take(1);
                }
                Some(b',') if self.in_list => drop(self.take(1)),
                Some(_) => return self.value().map(Some),
            }
        }
    }

    fn value(&mut self) -> io::Result<Piece> {
        loop {
            let mut values = serde_json::Deserializer::from_slice(&self.buffer).into_iter::<IgnoredAny>();
            match values.next() {
                // At the end of the buffer, a number may continue in bytes that are not read yet.
                Some(Ok(IgnoredAny)) if values.byte_offset() < self.buffer.len() || self.ended => {
                    let end = values.byte_offset();
                    return Ok(Piece::Event(self.take(end)));
                }
                Some(Err(error)) if !error.is_eof() || self.ended => return self.skip(&error).map(Piece::Corrupt),
                _ => self.read_more()?,
            }
        }
    }

    /// Skips to the next line that may begin a value: one that begins with a bracket, or after the error's line also
    /// one that is indented. Returns the description of the error.
    fn skip(&mut self, error: &serde_json::Error) -> io::Result<String> {
        let (first, fault) = (self.line, self.line + error.line().max(1) - 1);
        loop {
            self.skip_line()?;
            let indented = self.buffer.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            let opens = matches!(self.buffer.get(indented), Some(b'{' | b'['));
            if self.buffer.is_empty() || opens && (indented == 0 || self.line >= fault) {
                break;
            }
        }
        let full = error.to_string();
        let what = full.split(" at line ").next().unwrap_or(&full);
        Ok(format!("line {first}: not JSON: {what} at line {fault} column {}", error.column()))
    }

    /// Skips the rest of the line, and reads a part of the next one.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let end = self.buffer.iter().position(|byte| *byte == b'\n').map(|end| end + 1);
            if self.ended || end.is_some_and(|end| end < self.buffer.len()) {
                self.take(end.unwrap_or(self.buffer.len()));
                return Ok(());
            }
            if end.is_none() {
                self.buffer.clear();
            }
            self.read_more()?;
        }
    }
}

impl<R: Read> Iterator for Events<R> {
    type Item = io::Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_piece().transpose()
    }
}

/// Decompresses the input if it begins with the magic bytes of gzip or zstd, with all its members or frames.
pub(crate) fn decompressed<'a>(input: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut input = BufReader::with_capacity(CHUNK, input);
    let begin = input.fill_buf()?;
    if begin.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(MultiGzDecoder::new(input)));
    }
    if begin.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return Ok(Box::new(zstd::stream::read::Decoder::with_buffer(input)?));
    }
    Ok(Box::new(input))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    /// Events as text, faults by their line and what was expected.
    fn read(bytes: &[u8]) -> Vec<String> {
        let shown = |piece: Piece| match piece {
            Piece::Event(event) => String::from_utf8_lossy(&event).into_owned(),
            Piece::Corrupt(what) => what.split(": ").next().unwrap().to_owned(),
        };
        let whole: Vec<String> = Events::new(bytes).map(|piece| shown(piece.unwrap())).collect();
        whole
    }

    #[test]
    fn objects_arrays_and_lines_are_events() {
        assert_eq!(read(b"{\"a\": 1}\n{\"b\":2}\n"), ["{\"a\": 1}", "{\"b\":2}"]);
        assert_eq!(read(b"[{\"a\":1}, {\"b\":\n2}] {}"), ["{\"a\":1}", "{\"b\":\n2}", "{}"]);
        assert_eq!(read(b"[[1],7,\"x\"]12"), ["[1]", "7", "\"x\"", "12"]);
        assert!(read(b" ").is_empty() && read(b"[]").is_empty() && read(b"").is_empty());
    }

    #[test]
    fn a_byte_order_mark_is_ignored_wherever_a_file_began() {
        assert_eq!(read(b"\xef\xbb\xbf{}\n\xef\xbb\xbf {}\n\xef\xbb\xbf"), ["{}", "{}"]);
        assert_eq!(read(b"\xef\xbb\xbf[{\"a\":\"\xef\xbb\xbf\"}]"), ["{\"a\":\"\u{feff}\"}"]);
        assert_eq!(read(b"\xef\xbb"), ["line 1"]);
    }

    #[test]
    fn what_the_server_will_refuse_is_an_event_all_the_same() {
        for event in [&b"{\"a\":\"\\ud800\"}"[..], b"{\"a\":1e400}", b"{\"a\":\"\xff\"}", &[b'['; 300]] {
            let mut event = event.to_vec();
            event.extend(event.clone().iter().filter(|byte| **byte == b'[').map(|_| b']'));
            let list = [b"[".as_slice(), &event, b",{}]"].concat();
            let pieces: Vec<Piece> = Events::new(&list[..]).map(Result::unwrap).collect();
            assert_eq!(pieces, [Piece::Event(event), Piece::Event(b"{}".to_vec())]);
        }
    }

    #[test]
    fn a_corrupt_line_costs_no_other() {
        for (text, expected) in [
            ("{\"a\":1}\n{oops\n{\"b\":2}", &["{\"a\":1}", "line 2", "{\"b\":2}"][..]),
            ("{\"a\":1}\n{\"cut\": \"te\n{\"b\":2}\n", &["{\"a\":1}", "line 2", "{\"b\":2}"]),
            ("{\"a\":[\n{\"b\":2}\n{\"c\":3}", &["line 1", "{\"b\":2}", "{\"c\":3}"]),
            ("nonsense\nmore of it\n{\"b\":2}", &["line 1", "{\"b\":2}"]),
            ("{\"b\":2}\n{\"cut\":", &["{\"b\":2}", "line 2"]),
            ("{\"b\":2} trailing\n{\"c\":3}", &["{\"b\":2}", "line 1", "{\"c\":3}"]),
            ("{\n \"a\": oops,\n \"n\": {\n  \"m\": 1}\n}\n{\"b\":2}", &["line 1", "{\"b\":2}"]),
            ("[\n{\"a\":1},\n{oops},\n{\"b\":2}\n]\n{}", &["{\"a\":1}", "line 3", "{\"b\":2}", "{}"]),
            ("[{\"a\":1},{\"b\":2}", &["{\"a\":1}", "{\"b\":2}", "line 1"]),
            ("{\"a\":1}\n]\n{\"b\":2}", &["{\"a\":1}", "line 2", "{\"b\":2}"]),
        ] {
            assert_eq!(read(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn values_longer_than_what_is_read_at_a_time_are_whole() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(3 * CHUNK));
        let number = "1".repeat(CHUNK + 7);
        let text = format!("{long}\n{number}\n{}{{oops\n{{}}", " ".repeat(2 * CHUNK));
        assert_eq!(read(text.as_bytes()), [long.as_str(), &number, "line 3", "{}"]);
        let skipped = format!("oops{}\n{{}}", "x".repeat(3 * CHUNK));
        assert_eq!(read(skipped.as_bytes()), ["line 1", "{}"]);
    }

    #[test]
    fn compressed_input_is_read_to_its_last_member() {
        let (mut gzip, mut zstandard) = (Vec::new(), Vec::new());
        for number in 0..50 {
            let line = format!("{{\"n\":{number}}}\n");
            let mut member = flate2::write::GzEncoder::new(&mut gzip, flate2::Compression::fast());
            member.write_all(line.as_bytes()).unwrap();
            member.finish().unwrap();
            zstandard.extend(zstd::stream::encode_all(line.as_bytes(), 1).unwrap());
        }
        for bytes in [&gzip, &zstandard] {
            let events = Events::new(decompressed(&bytes[..]).unwrap());
            assert_eq!(events.map(|piece| matches!(piece.unwrap(), Piece::Event(_))).filter(|is| *is).count(), 50);
            let damaged = [&bytes[..], b"{}"].concat();
            assert!(Events::new(decompressed(&damaged[..]).unwrap()).any(|piece| piece.is_err()));
        }
        assert_eq!(read(b"\x1f"), ["line 1"]);
    }

    /// Hands out little at a time, as pipes do.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(into.len());
            (&self.0[..self.0.len().min(most)]).read(into).inspect(|read| self.0 = &self.0[*read..])
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn every_line_that_is_json_is_an_event_whatever_stands_between(
            lines in proptest::collection::vec((proptest::bool::ANY, "[ -~\u{e9}]{0,12}"), 0..20),
            drip in 1_usize..50,
        ) {
            let line = |(good, text): &(bool, String)| {
                // A line that begins so opens no value, so that nothing of the next one can belong to it.
                if *good { serde_json::json!({ "a": text }).to_string() } else { format!("#{text}") }
            };
            let text = lines.iter().map(line).collect::<Vec<_>>().join("\n");
            let pieces: Vec<Piece> = Events::new(Drip(text.as_bytes(), drip)).map(Result::unwrap).collect();
            let events: Vec<Vec<u8>> = pieces
                .iter()
                .filter_map(|piece| if let Piece::Event(event) = piece { Some(event.clone()) } else { None })
                .collect();
            let good: Vec<Vec<u8>> = lines.iter().filter(|(good, _)| *good).map(|one| line(one).into_bytes()).collect();
            proptest::prop_assert_eq!(events, good);
            proptest::prop_assert_eq!(pieces.len() > lines.iter().filter(|(good, _)| *good).count(), lines.iter().any(|(good, _)| !good));
        }

        #[test]
        fn any_bytes_come_to_an_end(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = Events::new(&bytes[..]).map(Result::unwrap).count();
        }
    }
}
