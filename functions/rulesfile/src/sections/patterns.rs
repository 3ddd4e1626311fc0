//! Reads `event_pattern`: a pattern written as YAML, or as a text that contains JSON.
//!
//! Owns the conversion from YAML to JSON, and the translation of a fault's JSON pointer to a line and column. The rules
//! document owns what a pattern may contain.

use std::rc::Rc;

use domain::admission::mask::Masker;
use domain::json::{self, FindingKind};
use domain::rules_document::{EventPattern, FaultyPart, PatternFault};
use serde_json::{Map, Number, Value as Json};

use super::pattern_warnings;
use crate::diagnostics::Diagnostics;
use crate::names::shown;
use crate::scalar::{Scalar, ScalarValue};
use crate::source_map::Position;
use crate::tree::{Node, NodeValue};

/// The hint for a duplicate key.
const DUPLICATE_HINT: &str = "keep one of them; several values of one field are one list";

pub(crate) fn read(node: &Node, masker: &Masker, diagnostics: &mut Diagnostics) -> Option<EventPattern> {
    let text = match &node.value {
        NodeValue::Scalar(scalar) => match scalar.value() {
            ScalarValue::Text(text) => Some(text),
            _ => None,
        },
        NodeValue::List(_) | NodeValue::Map(_) => None,
    };
    let mut is_json = true;
    let (value, source) = match text {
        Some(text) => (from_text(text, node.at, &mut is_json, diagnostics)?, PatternSource::AsText(node.at)),
        None => (from_yaml(node, &mut is_json, diagnostics), PatternSource::AsYaml(node)),
    };
    match EventPattern::read(&value) {
        Ok(pattern) => {
            pattern_warnings::warn(pattern.root(), &source, masker, diagnostics);
            if let PatternSource::AsYaml(node) = source {
                pattern_warnings::warn_of_spelling(node, diagnostics);
            }
            is_json.then_some(pattern)
        }
        Err(faults) => {
            for PatternFault { pointer, part, what, hint } in faults {
                diagnostics.fault(source.at(&pointer, part), source.with_pointer(&pointer, what), hint);
            }
            None
        }
    }
}

/// How a pattern is written in the file.
pub(super) enum PatternSource<'n> {
    AsYaml(&'n Node),
    AsText(Position),
}

impl PatternSource<'_> {
    pub(super) fn at(&self, pointer: &str, part: FaultyPart) -> Position {
        match self {
            Self::AsText(at) => *at,
            Self::AsYaml(node) => position_at(node, pointer, part),
        }
    }

    /// The fault text. For a pattern in a text, whose position is that of the whole text, it includes the JSON pointer.
    pub(super) fn with_pointer(&self, pointer: &str, what: String) -> String {
        match self {
            Self::AsText(_) if !pointer.is_empty() => format!("at {} of the pattern: {what}", shown(pointer)),
            Self::AsText(_) | Self::AsYaml(_) => what,
        }
    }
}

/// The position of the value (or key) at the JSON pointer.
fn position_at(node: &Node, pointer: &str, part: FaultyPart) -> Position {
    let mut node = node;
    let mut at = node.at;
    for segment in pointer.split('/').skip(1) {
        let name = segment.replace("~1", "/").replace("~0", "~");
        let next = match &node.value {
            NodeValue::Map(entries) => {
                let entry = entries.iter().find(|(key, _)| key.text == name);
                entry.map(|(key, value)| (key.at, value))
            }
            NodeValue::List(items) => {
                name.parse().ok().and_then(|index: usize| items.get(index)).map(|item: &Rc<Node>| (item.at, item))
            }
            NodeValue::Scalar(_) => None,
        };
        let Some((key_at, value)) = next else { return at };
        node = value;
        at = match part {
            FaultyPart::Key => key_at,
            FaultyPart::Value => value.at,
        };
    }
    at
}

fn from_text(text: &str, at: Position, is_json: &mut bool, diagnostics: &mut Diagnostics) -> Option<Json> {
    match json::parse(text.as_bytes()) {
        Ok(parsed) => {
            for finding in parsed.findings.iter().filter(|finding| finding.kind == FindingKind::DuplicateKey) {
                let what = format!("duplicate key in the pattern: {}", shown(&finding.pointer));
                diagnostics.fault(at, what, DUPLICATE_HINT);
                *is_json = false;
            }
            Some(parsed.value)
        }
        Err(error) => {
            let what = format!("event_pattern is a text that is not JSON: {error}");
            diagnostics.fault(at, what, "write the pattern as YAML, or correct its JSON");
            None
        }
    }
}

/// Converts YAML to JSON. A value that JSON cannot represent is reported, sets `is_json` to `false`, and is replaced,
/// so that the rest is checked as well.
pub(crate) fn from_yaml(node: &Node, is_json: &mut bool, diagnostics: &mut Diagnostics) -> Json {
    match &node.value {
        NodeValue::Scalar(scalar) => from_scalar(scalar, node.at, is_json, diagnostics),
        NodeValue::List(items) => items.iter().map(|item| from_yaml(item, is_json, diagnostics)).collect(),
        NodeValue::Map(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                if key.text == "<<" {
                    diagnostics.fault(key.at, "merge keys (<<) are not supported", "write the keys out");
                    *is_json = false;
                } else if object.insert(key.text.clone(), from_yaml(value, is_json, diagnostics)).is_some() {
                    diagnostics.fault(key.at, format!("duplicate key {}", shown(&key.text)), DUPLICATE_HINT);
                    *is_json = false;
                }
            }
            Json::Object(object)
        }
    }
}

fn from_scalar(scalar: &Scalar, at: Position, is_json: &mut bool, diagnostics: &mut Diagnostics) -> Json {
    match scalar.value() {
        ScalarValue::Null => Json::Null,
        ScalarValue::Boolean(value) => Json::Bool(value),
        ScalarValue::Integer(value) => Json::Number(value.into()),
        ScalarValue::Text(text) => Json::String(text.to_owned()),
        ScalarValue::Number => {
            let text = scalar.text.as_str();
            let exact = text.trim_start_matches('+').parse().ok().filter(|number: &Number| number.as_f64().is_some());
            // YAML has forms that JSON lacks, such as `.5` and `007`.
            let number = exact.or_else(|| text.parse().ok().and_then(Number::from_f64));
            if number.is_none() {
                diagnostics.fault(at, "this number cannot occur in an event", "write a finite decimal number");
                *is_json = false;
            }
            Json::Number(number.unwrap_or_else(|| 0.into()))
        }
    }
}
