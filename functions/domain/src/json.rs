//! Reads JSON from strangers.
//!
//! Differs from plain `serde_json` in what it notices: a key that stands twice in one object (the
//! last one wins, and the caller is told), and NUL characters, which no store, mail or log needs and
//! many mishandle. Nesting deeper than 128 levels, lone surrogates and invalid UTF-8 are errors.

use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

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
/// When they are not UTF-8, not JSON, or nested deeper than 128 levels.
pub fn parse(bytes: &[u8]) -> Result<Parsed, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|error| JsonError::NotUtf8(error.valid_up_to()))?;
    let mut findings = Vec::new();
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Reading { findings: &mut findings }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| syntax(&error))?;
    Ok(Parsed { value, findings })
}

fn syntax(error: &serde_json::Error) -> JsonError {
    let full = error.to_string();
    let what = full.split(" at line ").next().unwrap_or(&full).to_owned();
    let what = if what.contains("recursion limit") { "nested deeper than 128 levels".to_owned() } else { what };
    JsonError::Syntax { what, line: error.line(), column: error.column() }
}

/// One segment of a JSON pointer.
pub fn pointer_segment(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

struct Reading<'a> {
    findings: &'a mut Vec<Finding>,
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
        let mut list = Vec::new();
        loop {
            let first = self.findings.len();
            let Some(item) = items.next_element_seed(Reading { findings: self.findings })? else {
                return Ok(Value::Array(list));
            };
            self.prefix_since(first, || format!("/{}", list.len()));
            list.push(item);
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let first = self.findings.len();
            let value = entries.next_value_seed(Reading { findings: self.findings })?;
            if key.contains('\0') {
                self.found(FindingKind::Nul);
            }
            if object.contains_key(&key) {
                self.found(FindingKind::DuplicateKey);
            }
            self.prefix_since(first, || pointer_segment(&key));
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
    fn refuses_what_is_not_json() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        assert!(parse(deep.as_bytes()).unwrap_err().to_string().starts_with("nested deeper than 128 levels"));
        for bad in ["", "{", "{\"a\":\"\\ud800\"}", "1 2", "{'a':1}", "[1,]", "nul", "1e999"] {
            assert!(matches!(parse(bad.as_bytes()), Err(JsonError::Syntax { .. })), "{bad}");
        }
        assert_eq!(parse(b"\"\xff\""), Err(JsonError::NotUtf8(1)));
    }
}
