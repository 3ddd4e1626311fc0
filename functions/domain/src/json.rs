//! Reads JSON from strangers.
//!
//! Differs from plain `serde_json` in what it notices: a key that stands twice in one object (the
//! last one wins, and the caller is told), and NUL characters, which no store, mail or log needs and
//! many mishandle. Nesting deeper than 100 levels, lone surrogates and invalid UTF-8 are errors.

use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
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

/// Why the bytes are no JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not UTF-8.
    #[error("not UTF-8 at byte {0}; send JSON as UTF-8")]
    NotUtf8(usize),
    /// Not JSON, or nested too deep.
    #[error("{what} at line {line} column {column}")]
    Syntax {
        /// In the parser's words, without any of the caller's text.
        what: String,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
}

/// Reads one JSON value that fills all of `bytes`.
///
/// # Errors
/// When they are not UTF-8, not JSON, or nested deeper than [`MAX_DEPTH`].
pub fn parse(bytes: &[u8]) -> Result<Parsed, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|error| JsonError::NotUtf8(error.valid_up_to()))?;
    let mut findings = Vec::new();
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Reading { findings: &mut findings, depth: 0 }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| syntax(&error))?;
    Ok(Parsed { value, findings })
}

fn syntax(error: &serde_json::Error) -> JsonError {
    let full = error.to_string();
    let what = full.split(" at line ").next().unwrap_or(&full).to_owned();
    JsonError::Syntax { what, line: error.line(), column: error.column() }
}

/// One segment of a JSON pointer.
pub fn pointer_segment(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

struct Reading<'a> {
    findings: &'a mut Vec<Finding>,
    depth: usize,
}

impl Reading<'_> {
    /// Findings are born with an empty pointer and get their segments on the way out, so that
    /// well-formed input pays nothing for them.
    fn found(&mut self, kind: FindingKind) {
        self.findings.push(Finding { pointer: String::new(), kind });
    }

    fn prefix_since(&mut self, first: usize, segment: impl FnOnce() -> String) {
        if self.findings.len() > first {
            let segment = segment();
            for finding in &mut self.findings[first..] {
                finding.pointer.insert_str(0, &segment);
            }
        }
    }

    /// Drops what is too much since `first`, the place where this object or list began.
    fn cap_since(&mut self, first: usize) {
        if self.findings.len() > first + MAX_FINDINGS {
            let last = first + MAX_FINDINGS - 1;
            if let Some(nul) = (last..self.findings.len()).find(|&at| self.findings[at].kind == FindingKind::Nul) {
                self.findings.swap(last, nul);
            }
            self.findings.truncate(last + 1);
        }
    }

    fn inner<E: serde::de::Error>(&mut self) -> Result<Reading<'_>, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Reading { findings: self.findings, depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = Value;
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
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

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
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
        let start = self.findings.len();
        let mut list = Vec::new();
        loop {
            let first = self.findings.len();
            let Some(item) = items.next_element_seed(self.inner()?)? else {
                return Ok(Value::Array(list));
            };
            self.prefix_since(first, || format!("/{}", list.len()));
            // The items of an outermost list are values of their own, such as the events of a request.
            if self.depth > 0 {
                self.cap_since(start);
            }
            list.push(item);
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<Value, A::Error> {
        let start = self.findings.len();
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let first = self.findings.len();
            let value = entries.next_value_seed(self.inner()?)?;
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
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<(String, FindingKind)> {
        parse(text.as_bytes()).unwrap().findings.into_iter().map(|finding| (finding.pointer, finding.kind)).collect()
    }

    #[test]
    fn reads_what_serde_json_reads() {
        for text in ["null", "-1", "1.5e3", "18446744073709551615", r#"{"b":[1,{"a":"\u00e9"}],"a":{}}"#, "[]", "\" \""]
        {
            assert_eq!(parse(text.as_bytes()).unwrap().value, serde_json::from_str::<Value>(text).unwrap());
        }
    }

    #[test]
    fn notices_duplicates_and_nul_with_their_place() {
        assert_eq!(findings(r#"{"a":1,"b":{"c/d":1,"c/d":2}}"#), [("/b/c~1d".to_owned(), FindingKind::DuplicateKey)]);
        assert_eq!(findings(r#"[{"a":["x\u0000"]}]"#), [("/0/a/0".to_owned(), FindingKind::Nul)]);
        assert_eq!(parse(br#"{"a":1,"a":2}"#).unwrap().value["a"], 2);
    }

    #[test]
    fn keeps_few_findings_of_each_value_but_never_loses_a_nul() {
        let event = format!(r#"{{{}"z":"\u0000"}}"#, r#""a":1,"#.repeat(5000));
        let found = findings(&format!("[{event},{event}]"));
        assert_eq!(found.len(), 2 * MAX_FINDINGS);
        assert_eq!(findings(&event).len(), MAX_FINDINGS);
        for at in [0, 1] {
            assert!(found.contains(&(format!("/{at}/z"), FindingKind::Nul)));
        }
    }

    #[test]
    fn refuses_what_is_not_json() {
        let nested = |levels| parse(("[".repeat(levels) + &"]".repeat(levels)).as_bytes());
        assert!(nested(MAX_DEPTH).is_ok());
        for levels in [MAX_DEPTH + 1, 10_000] {
            assert!(nested(levels).unwrap_err().to_string().starts_with("nested deeper than 100 levels at line 1"));
        }
        for bad in ["", "{", "{\"a\":\"\\ud800\"}", "1 2", "{'a':1}", "[1,]", "nul", "1e999"] {
            assert!(matches!(parse(bad.as_bytes()), Err(JsonError::Syntax { .. })), "{bad}");
        }
        assert_eq!(parse(b"\"\xff\""), Err(JsonError::NotUtf8(1)));
    }
}
