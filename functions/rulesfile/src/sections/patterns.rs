//! `event_pattern`: a pattern written as YAML, or as a text that holds its JSON.
//!
//! Owns the way from YAML to JSON and back to the line and column of what is wrong. What a pattern may
//! hold is the document's own rule.

use std::rc::Rc;

use domain::json::{self, FindingKind};
use domain::rules_document::{EventPattern, FaultyPart, Field, Fields, PatternFault};
use serde_json::{Map, Number, Value as Json};

use crate::fault::{At, Findings};
use crate::names::{nearest, shown};
use crate::scalar::{Meaning, Scalar};
use crate::tree::{Node, Value};

/// What an event has.
const FIELDS: [&str; 11] =
    ["pk", "user", "action", "app", "context", "client_ip", "created", "expires", "brand", "id", "source"];

const TWICE: &str = "keep one of them; several values of one field are one list";

pub(crate) fn read(node: &Node, findings: &mut Findings) -> Option<EventPattern> {
    let text = match &node.value {
        Value::Scalar(scalar) => match scalar.meaning() {
            Meaning::Text(text) => Some(text),
            _ => None,
        },
        Value::List(_) | Value::Map(_) => None,
    };
    let mut is_json = true;
    let (value, written) = match text {
        Some(text) => (from_text(text, node.at, &mut is_json, findings)?, Written::AsText(node.at)),
        None => (from_yaml(node, &mut is_json, findings), Written::AsYaml(node)),
    };
    match EventPattern::read(&value) {
        Ok(pattern) => {
            warn_of_unknown_fields(pattern.root(), "", &written, findings);
            is_json.then_some(pattern)
        }
        Err(faults) => {
            for PatternFault { pointer, part, what, hint } in faults {
                findings.fault(written.at(&pointer, part), written.led_in(&pointer, what), hint);
            }
            None
        }
    }
}

/// Where a pattern stands in the file.
enum Written<'n> {
    AsYaml(&'n Node),
    AsText(At),
}

impl Written<'_> {
    fn at(&self, pointer: &str, part: FaultyPart) -> At {
        match self {
            Self::AsText(at) => *at,
            Self::AsYaml(node) => place(node, pointer, part),
        }
    }

    /// A line and column are enough in YAML; inside a text they are those of the text.
    fn led_in(&self, pointer: &str, what: String) -> String {
        match self {
            Self::AsText(_) if !pointer.is_empty() => format!("at {} of the pattern: {what}", shown(pointer)),
            Self::AsText(_) | Self::AsYaml(_) => what,
        }
    }
}

fn place(node: &Node, pointer: &str, part: FaultyPart) -> At {
    let mut node = node;
    let mut at = node.at;
    for segment in pointer.split('/').skip(1) {
        let name = segment.replace("~1", "/").replace("~0", "~");
        let next = match &node.value {
            Value::Map(entries) => {
                let entry = entries.iter().find(|(key, _)| key.text == name);
                entry.map(|(key, value)| (key.at, value))
            }
            Value::List(items) => {
                name.parse().ok().and_then(|index: usize| items.get(index)).map(|item: &Rc<Node>| (item.at, item))
            }
            Value::Scalar(_) => None,
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

fn from_text(text: &str, at: At, is_json: &mut bool, findings: &mut Findings) -> Option<Json> {
    match json::parse(text.as_bytes()) {
        Ok(parsed) => {
            for finding in parsed.findings.iter().filter(|finding| finding.kind == FindingKind::DuplicateKey) {
                let what = format!("a key of the pattern stands a second time: {}", shown(&finding.pointer));
                findings.fault(at, what, TWICE);
                *is_json = false;
            }
            Some(parsed.value)
        }
        Err(error) => {
            let what = format!("event_pattern is a text that is not JSON: {error}");
            findings.fault(at, what, "write the pattern as YAML, or correct its JSON");
            None
        }
    }
}

/// The same as JSON. What cannot be JSON is reported and stands for something that can, so that the
/// rest is looked at as well.
pub(crate) fn from_yaml(node: &Node, is_json: &mut bool, findings: &mut Findings) -> Json {
    match &node.value {
        Value::Scalar(scalar) => from_scalar(scalar, node.at, is_json, findings),
        Value::List(items) => items.iter().map(|item| from_yaml(item, is_json, findings)).collect(),
        Value::Map(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                if key.text == "<<" {
                    findings.fault(key.at, "merge keys (<<) are not supported", "write the keys out");
                    *is_json = false;
                } else if object.insert(key.text.clone(), from_yaml(value, is_json, findings)).is_some() {
                    findings.fault(key.at, format!("{} stands here a second time", shown(&key.text)), TWICE);
                    *is_json = false;
                }
            }
            Json::Object(object)
        }
    }
}

fn from_scalar(scalar: &Scalar, at: At, is_json: &mut bool, findings: &mut Findings) -> Json {
    match scalar.meaning() {
        Meaning::Nothing => Json::Null,
        Meaning::Boolean(value) => Json::Bool(value),
        Meaning::Integer(value) => Json::Number(value.into()),
        Meaning::Text(text) => Json::String(text.to_owned()),
        Meaning::Number => {
            let text = scalar.text.as_str();
            let exact = text.trim_start_matches('+').parse().ok().filter(|number: &Number| number.as_f64().is_some());
            // YAML has forms that JSON lacks, such as `.5` and `007`.
            let number = exact.or_else(|| text.parse().ok().and_then(Number::from_f64));
            if number.is_none() {
                findings.fault(at, "this number cannot be in an event", "write a finite decimal number");
                *is_json = false;
            }
            Json::Number(number.unwrap_or_else(|| 0.into()))
        }
    }
}

/// A pattern on what no event has is allowed, as the language has it, but hardly meant.
fn warn_of_unknown_fields(fields: &Fields, pointer: &str, written: &Written<'_>, findings: &mut Findings) {
    for (name, field) in &fields.fields {
        let pointer = format!("{pointer}{}", json::pointer_segment(name));
        let at = written.at(&pointer, FaultyPart::Key);
        if !FIELDS.contains(&name.as_str()) {
            let hint = match nearest(name, FIELDS, findings) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("an event has {}; what the caller adds is in context", FIELDS.join(", ")),
            };
            findings.warning(at, format!("no event has a field {}", shown(name)), hint);
        } else if let (
            "pk" | "action" | "app" | "client_ip" | "created" | "expires" | "id" | "source",
            Field::Object(_),
        ) = (name.as_str(), field)
        {
            findings.warning(at, format!("{name} of an event is never an object"), "list the values that are meant");
        }
    }
    for (at, alternative) in fields.any_of.iter().enumerate() {
        warn_of_unknown_fields(alternative, &format!("{pointer}/$or/{at}"), written, findings);
    }
}
