//! Parses JSON from untrusted callers.
//!
//! Unlike plain `serde_json`, it reports repeated keys in an object (the last value wins, and the caller gets a
//! warning) and NUL characters, which no store, mail or log needs and many mishandle. Nesting deeper than 100 levels,
//! lone surrogates and invalid UTF-8 are errors, distinct from the error for text that is not JSON. Memory is counted
//! while parsing. Numbers keep the digits that they are written with; only an exponent's spelling becomes uniform
//! (`1E5` is kept as `1e+5`).

mod reading;

use serde::de::{DeserializeSeed as _, IgnoredAny};
use serde_json::Value;

use reading::{Reading, State};

/// The deepest nesting. Smaller than `serde_json`'s own limit of 128, so that a value that was parsed once can still be
/// parsed inside a queue message, a stored record or a response.
pub const MAX_DEPTH: usize = 100;

/// The most findings kept for one value, or for each item of an outermost list; a NUL is always among them if there is
/// one. More would not help the caller, and a hostile body could cause millions of them.
const MAX_FINDINGS: usize = 8;

/// A parsed value, and what was noticed while parsing.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The value that was read. Where an object repeats a key, it has the last value.
    pub value: Value,
    /// Warnings for the caller; the value is valid nevertheless.
    pub findings: Vec<Finding>,
    /// The most memory that the value takes, in bytes, without its texts.
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

/// The kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingKind {
    /// The object has the key more than once; the last value won.
    DuplicateKey,
    /// The key or the text contains U+0000.
    Nul,
}

/// Why the bytes cannot be parsed.
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
    /// JSON by its grammar, but with a value that is not accepted: half of a surrogate pair, a number out of range or
    /// too long, nesting deeper than [`MAX_DEPTH`], a reserved key.
    #[error("{what} at line {line} column {column}")]
    Unacceptable {
        /// The fault and how to fix it, without any of the caller's text.
        what: String,
        /// JSON pointer to the value.
        pointer: String,
        /// The line at which the parser stopped, from 1.
        line: usize,
        /// The column in that line, in bytes. The first byte is column 1; 0 can occur just after a line break.
        column: usize,
    },
    /// The values would take more memory than allowed. The number is the limit, in bytes.
    #[error("the values in it would take more than {0} bytes of memory")]
    TooCostly(usize),
}

/// The most characters of one number. `CPython` parses no longer integer either, because parsing takes time that grows
/// with the square of the length (`sys.int_info.default_max_str_digits`).
pub const MAX_NUMBER_LENGTH: usize = 4300;

/// Bytes of memory that an item of a list takes, without its text: the value, and the allocation for a number's digits.
const ITEM_BYTES: usize = 80 + DIGITS_BYTES;

/// Bytes of memory that an entry of an object takes, without the text of its value.
const ENTRY_BYTES: usize = 144 + DIGITS_BYTES;

/// Bytes that the allocation of a number of up to 16 characters takes; a longer number takes correspondingly more.
const DIGITS_BYTES: usize = 32;

/// Estimates the memory that parsing `json` takes, in bytes; never less than [`parse_within`] counts. Cheap: it counts
/// bytes such as commas and brackets instead of parsing.
pub fn memory(json: &[u8]) -> usize {
    // Every entry has a colon. Every item follows a comma that does not separate entries, or is the first of its list.
    // Texts may contain these bytes too, which only raises the estimate.
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

/// Parses one JSON value that fills all of `bytes`. A byte order mark before it is ignored.
///
/// # Errors
/// If `bytes` are not UTF-8, are not JSON, or contain a value that is not accepted.
pub fn parse(bytes: &[u8]) -> Result<Parsed, JsonError> {
    parse_within(bytes, usize::MAX)
}

/// Parses like [`parse`], but limits the values to `memory` bytes, not counting their texts.
///
/// # Errors
/// Like [`parse`], and [`JsonError::TooCostly`] if the values would take more memory.
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
        "half of a surrogate pair is not a character; send both halves or remove it".clone_into(&mut what);
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

/// Splits a list into its items, each as written, so that each can be parsed separately: up to `most` of them, and one
/// more if the list is longer.
///
/// # Errors
/// If `bytes` are not a list by JSON's grammar.
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

/// Skips blanks and the byte `wanted`, which must follow them. `rest` is the end of `whole`.
fn after<'a>(whole: &[u8], rest: &'a [u8], wanted: u8, what: &str) -> Result<&'a [u8], JsonError> {
    let found = rest.trim_ascii_start();
    found.strip_prefix(&[wanted]).ok_or_else(|| syntax(whole, whole.len() - found.len(), what))
}

fn nothing_behind(whole: &[u8], rest: &[u8]) -> Result<(), JsonError> {
    let behind = rest.trim_ascii_start();
    if behind.is_empty() { Ok(()) } else { Err(syntax(whole, whole.len() - behind.len(), "trailing characters")) }
}

/// A syntax error just before the byte at index `at`.
fn syntax(whole: &[u8], at: usize, what: &str) -> JsonError {
    let (line, column) = place(whole, at);
    JsonError::Syntax { what: what.to_owned(), line, column }
}

/// The line and column, from 1, of the byte at index `at`.
fn place(whole: &[u8], at: usize) -> (usize, usize) {
    let before = &whole[..at];
    let line = before.split(|byte| *byte == b'\n').count();
    (line, before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1)
}

/// A syntax error that the parser found in `rest`, the end of `whole`.
fn syntax_within(whole: &[u8], rest: &[u8], error: &serde_json::Error) -> JsonError {
    let (line, column) = place(whole, whole.len() - rest.len());
    let column = if error.line() > 1 { error.column() } else { column + error.column().saturating_sub(1) };
    JsonError::Syntax { what: without_place(error), line: line + error.line() - 1, column }
}

/// Whether an object with this key could not be read back as written: `serde_json` uses such keys as its own marks for
/// a number or for raw JSON, and would insert the text, unmasked, or fail.
pub fn is_reserved(key: &str) -> bool {
    key.starts_with("$serde_json::private::")
}

/// One segment of a JSON pointer (RFC 6901), escaped, with its leading `/`.
pub fn pointer_segment(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests;
