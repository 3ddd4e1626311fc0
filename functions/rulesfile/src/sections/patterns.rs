//! `event_pattern`: a pattern source as YAML, or as a text that holds its JSON.
//!
//! Owns the way from YAML to JSON and back to the line and column of what is wrong. What a pattern may
//! hold is the document's own rule.

use std::rc::Rc;

use domain::document::{EventPattern, FaultyPart, Field, Fields, PatternFault};
use domain::json::{self, FindingKind};
use serde_json::{Map, Number, Value as Json};

use crate::diagnostics::{Diagnostics, Position};
use crate::names::{nearest, shown};
use crate::scalar::{Scalar, ScalarValue};
use crate::tree::{Node, NodeValue};

/// What an event has.
const FIELDS: [&str; 11] =
    ["pk", "user", "action", "app", "context", "client_ip", "created", "expires", "brand", "id", "source"];

const TWICE: &str = "keep one of them; several values of one field are one list";

pub(crate) fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<EventPattern> {
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
            warn_of_unknown_fields(pattern.root(), "", &source, diagnostics);
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

/// Where a pattern stands in the file.
enum PatternSource<'n> {
    AsYaml(&'n Node),
    AsText(Position),
}

impl PatternSource<'_> {
    fn at(&self, pointer: &str, part: FaultyPart) -> Position {
        match self {
            Self::AsText(at) => *at,
            Self::AsYaml(node) => place(node, pointer, part),
        }
    }

    /// A line and column are enough in YAML; inside a text they are those of the text.
    fn with_pointer(&self, pointer: &str, what: String) -> String {
        match self {
            Self::AsText(_) if !pointer.is_empty() => format!("at {} of the pattern: {what}", shown(pointer)),
            Self::AsText(_) | Self::AsYaml(_) => what,
        }
    }
}

fn place(node: &Node, pointer: &str, part: FaultyPart) -> Position {
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
                let what = format!("a key of the pattern stands a second time: {}", shown(&finding.pointer));
                diagnostics.fault(at, what, TWICE);
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

/// The same as JSON. What cannot be JSON is reported and stands for something that can, so that the
/// rest is looked at as well.
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
                    diagnostics.fault(key.at, format!("{} stands here a second time", shown(&key.text)), TWICE);
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
            let whole = text.trim_start_matches('+').parse::<u64>().ok().map(Number::from);
            let number = whole.or_else(|| text.parse().ok().and_then(Number::from_f64));
            if number.is_none() {
                diagnostics.fault(at, "this number cannot be in an event", "write a finite decimal number");
                *is_json = false;
            }
            Json::Number(number.unwrap_or_else(|| 0.into()))
        }
    }
}

/// A pattern on what no event has is allowed, as the language has it, but hardly meant.
fn warn_of_unknown_fields(fields: &Fields, pointer: &str, source: &PatternSource<'_>, diagnostics: &mut Diagnostics) {
    for (name, field) in &fields.fields {
        let pointer = format!("{pointer}{}", json::pointer_segment(name));
        let at = source.at(&pointer, FaultyPart::Key);
        if !FIELDS.contains(&name.as_str()) {
            let hint = match nearest(name, FIELDS, diagnostics) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("an event has {}; what the caller adds is in context", FIELDS.join(", ")),
            };
            diagnostics.warning(at, format!("no event has a field {}", shown(name)), hint);
        } else if let (
            "pk" | "action" | "app" | "client_ip" | "created" | "expires" | "id" | "source",
            Field::Object(_),
        ) = (name.as_str(), field)
        {
            diagnostics.warning(at, format!("{name} of an event is never an object"), "list the values that are meant");
        }
    }
    for (at, alternative) in fields.any_of.iter().enumerate() {
        warn_of_unknown_fields(alternative, &format!("{pointer}/$or/{at}"), source, diagnostics);
    }
}
