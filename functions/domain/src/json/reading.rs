//! Builds a value while it is parsed: counts its memory, and records findings and the position of an error.

use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{
    ENTRY_BYTES, Finding, FindingKind, ITEM_BYTES, MAX_DEPTH, MAX_FINDINGS, MAX_NUMBER_LENGTH, is_reserved,
    pointer_segment,
};

/// The state of parsing one value.
pub(super) struct State<'de> {
    /// The whole text that is parsed.
    pub(super) text: &'de str,
    pub(super) findings: Vec<Finding>,
    /// Where parsing failed, as segments of a JSON pointer, innermost first.
    pub(super) path: Vec<String>,
    /// The bytes that the values may still take.
    pub(super) memory: usize,
}

pub(super) struct Reading<'a, 'de> {
    pub(super) state: &'a mut State<'de>,
    pub(super) depth: usize,
}

/// The key under which `serde_json` represents a number that is neither an `i64` nor a `u64`: as an object with this
/// key, whose value is the number's text.
const NUMBER_KEY: &str = "$serde_json::private::Number";

/// A key of an object, or the mark of a number that looks like an object.
enum ObjectKey {
    Written(String),
    Number,
}

struct ReadingKey<'de> {
    text: &'de str,
}

impl<'de> DeserializeSeed<'de> for ReadingKey<'de> {
    type Value = ObjectKey;
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<ObjectKey, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for ReadingKey<'de> {
    type Value = ObjectKey;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<ObjectKey, E> {
        // A caller may write the same key. Theirs lies within what is read, or has escapes and is not borrowed.
        let written = self.text.as_bytes().as_ptr_range().contains(&key.as_ptr());
        Ok(if key == NUMBER_KEY && !written { ObjectKey::Number } else { ObjectKey::Written(key.to_owned()) })
    }

    fn visit_str<E>(self, key: &str) -> Result<ObjectKey, E> {
        Ok(ObjectKey::Written(key.to_owned()))
    }
}

impl<'de> Reading<'_, 'de> {
    /// A finding starts with an empty pointer and gets its segments on the way out, so that well-formed input costs
    /// nothing.
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

    /// Drops the findings beyond the limit since index `first`, at which this object or list began.
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

    /// Deducts `bytes` from the memory that is left.
    ///
    /// # Errors
    /// If none is left.
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

    /// Parses a number from its text, which `serde_json` has checked.
    fn number<E: serde::de::Error>(text: &str) -> Result<Value, E> {
        if text.len() > MAX_NUMBER_LENGTH {
            return Err(E::custom(format_args!(
                "number of more than {MAX_NUMBER_LENGTH} characters; send it as a string"
            )));
        }
        let number: Number = text.parse().map_err(E::custom)?;
        // Comparing numbers requires their approximate value as a float.
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
            let ObjectKey::Written(key) = key else {
                return entries.next_value::<String>().and_then(|text| Self::number(&text));
            };
            let first = self.state.findings.len();
            self.pay(ENTRY_BYTES)?;
            if is_reserved(&key) {
                self.state.path.push(pointer_segment(&key));
                return Err(serde::de::Error::custom(
                    "keys that begin with \"$serde_json::private::\" are reserved; rename the key",
                ));
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
