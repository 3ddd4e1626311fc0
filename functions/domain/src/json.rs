//! Reads JSON from strangers.
//!
//! Differs from plain `serde_json` in what it notices: a key that stands twice in one object (the
//! last one wins, and the caller is told), and NUL characters, which no store, mail or log needs and
//! many mishandle. Nesting deeper than 100 levels, lone surrogates and invalid UTF-8 are errors, and are told apart from
//! what is no JSON at all. What reading costs in memory is counted while reading. Numbers keep the digits that they are
//! written with; only an exponent's spelling becomes uniform (`1E5` is kept as `1e+5`).

use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Deepest nesting. Smaller than `serde_json`'s own limit of 128, so that what was read once can still
/// be read inside a queue message, a stored record or an answer.
pub const MAX_DEPTH: usize = 100;

/// Most findings kept of one value, or of each item of an outermost list; a NUL is always among them if there is one.
/// More would tell nobody more, and would cost whoever is sent them by the million.
const MAX_FINDINGS: usize = 8;

/// What was read, and what was noticed on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The value.
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
    /// What it is.
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
    /// Not UTF-8.
    #[error("not UTF-8 at byte {0}; send JSON as UTF-8")]
    NotUtf8(usize),
    /// Not JSON.
    #[error("{what} at line {line} column {column}")]
    Syntax {
        /// In the parser's words, without any of the caller's text.
        what: String,
        /// From 1.
        line: usize,
        /// From 1.
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
        /// From 1.
        line: usize,
        /// From 1.
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

/// What is known while a value is read.
struct State<'de> {
    /// All of what is read.
    text: &'de str,
    findings: Vec<Finding>,
    /// Where reading failed, as segments of a JSON pointer from the inside out.
    path: Vec<String>,
    /// How many bytes its values may still take.
    memory: usize,
}

struct Reading<'a, 'de> {
    state: &'a mut State<'de>,
    depth: usize,
}

/// The name under which `serde_json` hands out a number that is neither an `i64` nor a `u64`: as an object with this
/// key, whose value is the number's text.
const NUMBER_KEY: &str = "$serde_json::private::Number";

/// A key of an object, or the sign that what looks like an object is a number.
enum Key {
    Written(String),
    Number,
}

struct ReadingKey<'de> {
    text: &'de str,
}

impl<'de> DeserializeSeed<'de> for ReadingKey<'de> {
    type Value = Key;
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for ReadingKey<'de> {
    type Value = Key;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key, E> {
        // A caller may write the same key. Theirs lies within what is read, or has escapes and is not borrowed.
        let written = self.text.as_bytes().as_ptr_range().contains(&key.as_ptr());
        Ok(if key == NUMBER_KEY && !written { Key::Number } else { Key::Written(key.to_owned()) })
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(Key::Written(key.to_owned()))
    }
}

impl<'de> Reading<'_, 'de> {
    /// Findings are born with an empty pointer and get their segments on the way out, so that
    /// well-formed input pays nothing for them.
    fn found(&mut self, kind: FindingKind) {
        self.state.findings.push(Finding { pointer: String::new(), kind });
    }

    fn prefix_since(&mut self, first: usize, segment: impl FnOnce() -> String) {
        if self.state.findings.len() > first {
            let segment = segment();
            for finding in &mut self.state.findings[first..] {
                finding.pointer.insert_str(0, &segment);
            }
        }
    }

    /// Drops what is too much since `first`, the place where this object or list began.
    fn cap_since(&mut self, first: usize) {
        if self.state.findings.len() > first + MAX_FINDINGS {
            let last = first + MAX_FINDINGS - 1;
            if let Some(nul) =
                (last..self.state.findings.len()).find(|&at| self.state.findings[at].kind == FindingKind::Nul)
            {
                self.state.findings.swap(last, nul);
            }
            self.state.findings.truncate(last + 1);
        }
    }

    /// Counts what is about to be kept.
    fn pay<E: serde::de::Error>(&mut self, bytes: usize) -> Result<(), E> {
        self.state.memory = self.state.memory.saturating_sub(bytes);
        if self.state.memory == 0 { Err(E::custom("too much memory")) } else { Ok(()) }
    }

    fn inner<E: serde::de::Error>(&mut self) -> Result<Reading<'_, 'de>, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Reading { state: self.state, depth: self.depth + 1 })
    }

    /// A number from its text, which `serde_json` has checked.
    fn number<E: serde::de::Error>(text: &str) -> Result<Value, E> {
        if text.len() > MAX_NUMBER_LENGTH {
            return Err(E::custom(format_args!(
                "number of more than {MAX_NUMBER_LENGTH} characters; send it as a string"
            )));
        }
        let number: Number = text.parse().map_err(E::custom)?;
        // What compares numbers needs their place among the floats.
        if number.as_f64().is_none() {
            return Err(E::custom("number out of range"));
        }
        Ok(Value::Number(number))
    }
}

impl<'de> DeserializeSeed<'de> for Reading<'_, 'de> {
    type Value = Value;
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_, 'de> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E>(mut self, value: &str) -> Result<Value, E> {
        if value.contains('\0') {
            self.found(FindingKind::Nul);
        }
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let start = self.state.findings.len();
        let mut list = Vec::new();
        loop {
            let first = self.state.findings.len();
            let next = items.next_element_seed(self.inner()?);
            let Some(item) = next.inspect_err(|_| self.state.path.push(format!("/{}", list.len())))? else {
                // Growing by doubling may have left half of it unused.
                list.shrink_to_fit();
                return Ok(Value::Array(list));
            };
            self.pay(ITEM_BYTES)?;
            self.prefix_since(first, || format!("/{}", list.len()));
            // The items of an outermost list are values of their own, such as the events of a request.
            if self.depth > 0 {
                self.cap_since(start);
            }
            list.push(item);
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<Value, A::Error> {
        let start = self.state.findings.len();
        let mut object = Map::new();
        while let Some(key) = entries.next_key_seed(ReadingKey { text: self.state.text })? {
            let Key::Written(key) = key else {
                return entries.next_value::<String>().and_then(|text| Self::number(&text));
            };
            let first = self.state.findings.len();
            self.pay(ENTRY_BYTES)?;
            if is_reserved(&key) {
                self.state.path.push(pointer_segment(&key));
                return Err(serde::de::Error::custom("a key that begins so cannot be stored; rename it"));
            }
            let value = entries.next_value_seed(self.inner()?);
            let value = value.inspect_err(|_| self.state.path.push(pointer_segment(&key)))?;
            if key.contains('\0') {
                self.found(FindingKind::Nul);
            }
            if object.contains_key(&key) {
                self.found(FindingKind::DuplicateKey);
            }
            self.prefix_since(first, || pointer_segment(&key));
            self.cap_since(start);
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests;
