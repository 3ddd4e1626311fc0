//! Asks the tree for the types that the document wants.
//!
//! Owns the sentences on wrong types and unknown or repeated keys. A value of a wrong type is never
//! repeated in a fault: it may be a secret in the wrong place.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::rc::Rc;

use crate::fault::{At, Findings};
use crate::names::{nearest, shown};
use crate::scalar::Meaning;
use crate::tree::{Key, Node, Value};

/// Which keys a mapping may have.
pub(crate) struct Keys {
    /// What the mapping is: `a rule`.
    pub(crate) of: &'static str,
    pub(crate) known: &'static [&'static str],
    /// (key, what to do instead) of what is meant well but cannot be had.
    pub(crate) unsupported: &'static [(&'static str, &'static str)],
}

/// A mapping whose keys have been checked.
pub(crate) struct Section<'n> {
    /// Where it is named.
    pub(crate) at: At,
    of: &'static str,
    values: HashMap<&'n str, &'n Node>,
}

impl<'n> Section<'n> {
    /// Checks the keys of the mapping at `node`; `at` is where the mapping is named.
    pub(crate) fn open(at: At, node: &'n Node, name: &str, keys: &Keys, findings: &mut Findings) -> Option<Self> {
        let mut values = HashMap::new();
        let mut merged = false;
        for (key, value) in entries(node, name, findings)? {
            let text = key.text.as_str();
            if let Some((_, hint)) = keys.unsupported.iter().find(|(word, _)| *word == text) {
                findings.fault(key.at, format!("{text:?} is not supported by this version"), *hint);
            } else if text == "<<" {
                findings.fault(key.at, "merge keys (<<) are not supported", "write the keys out");
                merged = true;
            } else if !keys.known.contains(&text) {
                unknown(key, keys, findings);
            } else if values.insert(text, &**value).is_some() {
                findings.fault(key.at, format!("{text:?} stands here a second time"), "keep one of them");
            }
        }
        // What a merge would have brought is not missing.
        (!merged).then_some(Self { at, of: keys.of, values })
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        self.values.get(key).copied()
    }

    /// The value of a key that must be there.
    pub(crate) fn require(&self, key: &str, hint: &str, findings: &mut Findings) -> Option<&'n Node> {
        let value = self.get(key);
        if value.is_none() {
            findings.fault(self.at, format!("{} needs {key:?}", self.of), hint);
        }
        value
    }
}

fn unknown(key: &Key, keys: &Keys, findings: &mut Findings) {
    let what = format!("{} is not a key of {}", shown(&key.text), keys.of);
    let hint = match nearest(&key.text, keys.known.iter().copied(), findings) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("the keys are {}", keys.known.join(", ")),
    };
    findings.fault(key.at, what, hint);
}

/// The entries of a mapping, repeated keys included.
pub(crate) fn entries<'n>(node: &'n Node, name: &str, findings: &mut Findings) -> Option<&'n [(Key, Rc<Node>)]> {
    match &node.value {
        Value::Map(entries) => Some(entries),
        Value::Scalar(_) | Value::List(_) => {
            let hint = if node.is_nothing() { EMPTY } else { "write key: value pairs" };
            wrong_type(node, name, "a mapping", hint, findings)
        }
    }
}

/// The entries of a mapping from names of the file's own, each name once.
pub(crate) fn named<'n>(
    node: &'n Node,
    name: &str,
    plural: &str,
    findings: &mut Findings,
) -> Option<Vec<(&'n Key, &'n Node)>> {
    // A section with everything in it commented out is an empty one.
    if node.is_nothing() {
        return Some(Vec::new());
    }
    let mut lines: HashMap<&str, usize> = HashMap::new();
    let mut once = Vec::new();
    for (key, value) in entries(node, name, findings)? {
        if key.text == "<<" {
            findings.fault(key.at, "merge keys (<<) are not supported", "write the entries out");
        } else if let Some(line) = lines.get(key.text.as_str()) {
            let what = format!("two {plural} are named {}", shown(&key.text));
            findings.fault(key.at, what, format!("rename one; the first is in line {line}"));
        } else {
            lines.insert(&key.text, key.at.line);
            once.push((key, &**value));
        }
    }
    Some(once)
}

/// The items of a list.
pub(crate) fn list<'n>(node: &'n Node, name: &str, findings: &mut Findings) -> Option<&'n [Rc<Node>]> {
    match &node.value {
        Value::List(items) => Some(items),
        Value::Scalar(_) | Value::Map(_) => {
            let hint = if node.is_nothing() { EMPTY } else { "write a list, such as [a, b]" };
            wrong_type(node, name, "a list", hint, findings)
        }
    }
}

/// The items of a list, or the one value that stands in its place.
pub(crate) fn one_or_list(node: &Node) -> Vec<&Node> {
    match &node.value {
        Value::List(items) => items.iter().map(|item| &**item).collect(),
        Value::Scalar(_) | Value::Map(_) => vec![node],
    }
}

/// A text.
pub(crate) fn text<'n>(node: &'n Node, name: &str, findings: &mut Findings) -> Option<&'n str> {
    match meaning(node) {
        Some(Meaning::Text(text)) => Some(text),
        Some(Meaning::Nothing) => wrong_type(node, name, "a text", EMPTY, findings),
        Some(_) => wrong_type(node, name, "a text", "put it in quotes", findings),
        None => wrong_type(node, name, "a text", "write one value", findings),
    }
}

/// `true` or `false`.
pub(crate) fn boolean(node: &Node, name: &str, findings: &mut Findings) -> Option<bool> {
    match meaning(node) {
        Some(Meaning::Boolean(value)) => Some(value),
        Some(Meaning::Nothing) => wrong_type(node, name, "true or false", EMPTY, findings),
        _ => {
            wrong_type(node, name, "true or false", "write it without quotes; yes, no, on and off are texts", findings)
        }
    }
}

/// A whole number within bounds.
pub(crate) fn integer(node: &Node, name: &str, range: RangeInclusive<i64>, findings: &mut Findings) -> Option<i64> {
    match meaning(node) {
        Some(Meaning::Integer(value)) if range.contains(&value) => Some(value),
        Some(Meaning::Integer(_)) => {
            let what = format!("{name} is out of range");
            findings.fault(node.at, what, format!("write a number from {} to {}", range.start(), range.end()));
            None
        }
        Some(Meaning::Nothing) => wrong_type(node, name, "a whole number", EMPTY, findings),
        _ => wrong_type(node, name, "a whole number", "write digits without quotes", findings),
    }
}

const EMPTY: &str = "give it a value, or remove it";

fn meaning(node: &Node) -> Option<Meaning<'_>> {
    match &node.value {
        Value::Scalar(scalar) => Some(scalar.meaning()),
        Value::List(_) | Value::Map(_) => None,
    }
}

fn wrong_type<T>(node: &Node, name: &str, wanted: &str, hint: &str, findings: &mut Findings) -> Option<T> {
    let found = match &node.value {
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
        Value::Scalar(scalar) => match scalar.meaning() {
            Meaning::Nothing => "empty",
            Meaning::Boolean(_) => "a boolean",
            Meaning::Integer(_) | Meaning::Number => "a number",
            Meaning::Text(_) => "a text",
        },
    };
    findings.fault(node.at, format!("{name} is {found}, wanted {wanted}"), hint);
    None
}

/// A value of a mapping before the mapping's keys are checked, for what decides which keys it may have.
pub(crate) fn find<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    match &node.value {
        Value::Map(entries) => entries.iter().find(|(own, _)| own.text == key).map(|(_, value)| &**value),
        Value::Scalar(_) | Value::List(_) => None,
    }
}
