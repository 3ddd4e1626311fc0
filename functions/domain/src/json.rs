//! Reads JSON from strangers.
//!
//! Differs from plain `serde_json` in what it notices: a key that stands twice in one object (the
//! last one wins, and the caller is told), and NUL characters, which no store, mail or log needs and
//! many mishandle. Nesting deeper than 100 levels, lone surrogates and invalid UTF-8 are errors, and are told apart from
//! what is no JSON at all. What reading costs in memory is counted while reading. Numbers keep the digits that they are
//! written with; only an exponent's spelling becomes uniform (`1E5` is kept as `1e+5`).

mod reading;

use serde::de::{DeserializeSeed as _, IgnoredAny};
use serde_json::Value;

use reading::{Reading, State};

/// Deepest nesting. Smaller than `serde_json`'s own limit of 128, so that what was read once can still
/// be read inside a queue message, a stored record or an answer.
pub const MAX_DEPTH: usize = 100;

/// Most findings kept of one value, or of each item of an outermost list; a NUL is always among them if there is one.
/// More would tell nobody more, and would cost whoever is sent them by the million.
const MAX_FINDINGS: usize = 8;

/// What was read, and what was noticed on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The value that was read. Where an object repeats a key, it has the last value.
    pub value: Value,
    /// Worth telling the caller, though the value stands.
    pub findings: Vec<Finding>,
    /// What the value takes in memory at most, in bytes, besides its texts.
    pub memory: usize,
}

/// Something noticed at one place of the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// JSON pointer (RFC 6901) to the place.
    pub pointer: String,
    /// What was noticed there: a repeated key, or U+0000 in a key or text.
    pub kind: FindingKind,
}

/// What can be noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingKind {
    /// The key stands more than once; the last one won.
    DuplicateKey,
    /// The key or the text holds U+0000.
    Nul,
}

/// Why the bytes are not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The bytes are not UTF-8. The number is the offset of the first invalid byte, from 0, after any byte order mark.
    #[error("not UTF-8 at byte {0}; send JSON as UTF-8")]
    NotUtf8(usize),
    /// The bytes are not JSON by its grammar: a bracket is missing, for instance, or text follows the value.
    #[error("{what} at line {line} column {column}")]
    Syntax {
        /// In the parser's words, without any of the caller's text.
        what: String,
        /// The line at which the parser stopped, from 1.
        line: usize,
        /// The column in that line, in bytes. The first byte is column 1; 0 can occur just after a line break.
        column: usize,
    },
    /// JSON by its grammar, but with a value that is not taken: half of a surrogate pair, a number beyond all
    /// bounds, nesting deeper than [`MAX_DEPTH`].
    #[error("{what} at line {line} column {column}")]
    Unacceptable {
        /// What it is and how to mend it, without any of the caller's text.
        what: String,
        /// JSON pointer to the value.
        pointer: String,
        /// The line at which the parser stopped, from 1.
        line: usize,
        /// The column in that line, in bytes. The first byte is column 1; 0 can occur just after a line break.
        column: usize,
    },
    /// Reading them would take more memory than was allowed, in bytes.
    #[error("the values in it would take more than {0} bytes of memory")]
    TooCostly(usize),
}

/// Most characters of one number. `CPython` reads no longer integer either, because reading one takes time that grows
/// with the square of its length (`sys.int_info.default_max_str_digits`).
pub const MAX_NUMBER_LENGTH: usize = 4300;

/// What an item of a list takes in memory, besides its text: the value, and the allocation that keeps a number's digits.
const ITEM_BYTES: usize = 80 + DIGITS_BYTES;

/// What an entry of an object takes in memory, besides the text of its value.
const ENTRY_BYTES: usize = 144 + DIGITS_BYTES;

/// What the allocation of a number of up to 16 characters takes; longer ones take as much more as they are longer.
const DIGITS_BYTES: usize = 32;

/// The memory that reading `json` takes, in bytes: an estimate, and no less than what [`parse_within`] counts. It looks
/// at no more than which bytes there are, so that it costs next to nothing.
pub fn memory(json: &[u8]) -> usize {
    // Every entry has a colon. An item follows a comma that is not between entries, or is the first of its list. Texts
    // may hold these bytes too, which makes it more.
    let (mut colons, mut commas, mut openings) = (0_usize, 0_usize, 0_usize);
    for byte in json {
        colons += usize::from(*byte == b':');
        commas += usize::from(*byte == b',');
        openings += usize::from(matches!(byte, b'[' | b'{'));
    }
    json.len() + colons * ENTRY_BYTES + (commas.saturating_sub(colons) + openings) * ITEM_BYTES
}

/// `bytes` without the byte order mark that they may begin with (RFC 8259, 8.1).
pub fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Reads one JSON value that fills all of `bytes`. A byte order mark before it is ignored.
///
/// # Errors
/// When they are not UTF-8, not JSON, or hold a value that is not taken.
pub fn parse(bytes: &[u8]) -> Result<Parsed, JsonError> {
    parse_within(bytes, usize::MAX)
}

/// The same, in at most `memory` bytes besides the texts.
///
/// # Errors
/// Also when it would take more.
pub fn parse_within(bytes: &[u8], memory: usize) -> Result<Parsed, JsonError> {
    let bytes = without_bom(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| JsonError::NotUtf8(error.valid_up_to()))?;
    let mut state = State { text, findings: Vec::new(), path: Vec::new(), memory };
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Reading { state: &mut state, depth: 0 }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| if state.memory == 0 { JsonError::TooCostly(memory) } else { refusal(&error, &state) })?;
    Ok(Parsed { value, findings: state.findings, memory: memory - state.memory })
}

fn refusal(error: &serde_json::Error, state: &State<'_>) -> JsonError {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(state.text) {
        return JsonError::Syntax { what: without_place(&error), line: error.line(), column: error.column() };
    }
    let mut what = without_place(error);
    if what.contains("hex escape") {
        "half of a surrogate pair is no character; send both halves, or none".clone_into(&mut what);
    }
    let pointer = state.path.iter().rev().map(String::as_str).collect();
    JsonError::Unacceptable { what, pointer, line: error.line(), column: error.column() }
}

fn without_place(error: &serde_json::Error) -> String {
    let full = error.to_string();
    full.split(" at line ").next().unwrap_or(&full).to_owned()
}

/// Whether `bytes` are JSON by its grammar, whatever the values: half of a surrogate pair, invalid UTF-8 within a
/// string, numbers of any size, nesting of any depth.
pub fn is_json_by_grammar(bytes: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(without_bom(bytes)).is_ok()
}

/// The items of a list, each as it is written, so that each can be read on its own: up to `most` of them, and one
/// more if there are more.
///
/// # Errors
/// When `bytes` are not a list by JSON's grammar.
pub fn items(bytes: &[u8], most: usize) -> Result<Vec<&[u8]>, JsonError> {
    let bytes = without_bom(bytes);
    let mut items = Vec::new();
    let mut rest = after(bytes, bytes, b'[', "expected a list")?;
    if let Ok(end) = after(bytes, rest, b']', "") {
        return nothing_behind(bytes, end).map(|()| items);
    }
    loop {
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(IgnoredAny)) => {}
            Some(Err(error)) => return Err(syntax_within(bytes, rest, &error)),
            None => return Err(syntax(bytes, bytes.len(), "EOF while parsing a list")),
        }
        let (item, behind) = rest.split_at(values.byte_offset());
        items.push(item.trim_ascii());
        if items.len() > most {
            return Ok(items);
        }
        match after(bytes, behind, b',', "expected `,` or `]`") {
            Ok(next) => rest = next,
            Err(error) => {
                return nothing_behind(bytes, after(bytes, behind, b']', "").map_err(|_| error)?).map(|()| items);
            }
        }
    }
}

/// What comes after the next byte that is no blank, which must be `wanted`. `rest` is the end of `whole`.
fn after<'a>(whole: &[u8], rest: &'a [u8], wanted: u8, what: &str) -> Result<&'a [u8], JsonError> {
    let found = rest.trim_ascii_start();
    found.strip_prefix(&[wanted]).ok_or_else(|| syntax(whole, whole.len() - found.len(), what))
}

fn nothing_behind(whole: &[u8], rest: &[u8]) -> Result<(), JsonError> {
    let behind = rest.trim_ascii_start();
    if behind.is_empty() { Ok(()) } else { Err(syntax(whole, whole.len() - behind.len(), "trailing characters")) }
}

/// A fault in front of the byte `at`.
fn syntax(whole: &[u8], at: usize, what: &str) -> JsonError {
    let (line, column) = place(whole, at);
    JsonError::Syntax { what: what.to_owned(), line, column }
}

/// Line and column of the byte `at`.
fn place(whole: &[u8], at: usize) -> (usize, usize) {
    let before = &whole[..at];
    let line = before.split(|byte| *byte == b'\n').count();
    (line, before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1)
}

/// A fault that the parser found in `rest`, the end of `whole`.
fn syntax_within(whole: &[u8], rest: &[u8], error: &serde_json::Error) -> JsonError {
    let (line, column) = place(whole, whole.len() - rest.len());
    let column = if error.line() > 1 { error.column() } else { column + error.column().saturating_sub(1) };
    JsonError::Syntax { what: without_place(error), line: line + error.line() - 1, column }
}

/// Whether an object with this key would not be read back as it was written: the parser takes such a key for its own
/// mark of a text that is JSON itself, and would put in what the text says, unmasked, or fail.
pub fn is_reserved(key: &str) -> bool {
    key.starts_with("$serde_json::private::")
}

/// One segment of a JSON pointer.
pub fn pointer_segment(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests;
