//! Reads typed values from the tree: mappings, lists, texts, booleans, numbers and words of a fixed choice.
//!
//! Owns the faults about wrong types and about unknown, missing or duplicate keys. A fault never repeats a value of a
//! wrong type: it may be a secret in the wrong place.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::rc::Rc;

use crate::diagnostics::Diagnostics;
use crate::names::{nearest, shown};
use crate::scalar::ScalarValue;
use crate::source_map::Position;
use crate::tree::{Key, Node, NodeValue};

/// The keys that a mapping may have.
pub(crate) struct KeySet {
    /// What the mapping describes: `a rule`.
    pub(crate) of: &'static str,
    pub(crate) known: &'static [&'static str],
    /// Keys that are rejected with a hint of their own: (key, hint).
    pub(crate) unsupported: &'static [(&'static str, &'static str)],
}

/// A mapping whose keys have been checked.
pub(crate) struct Section<'n> {
    /// The position of the mapping's name.
    pub(crate) at: Position,
    of: &'static str,
    values: HashMap<&'n str, &'n Node>,
}

impl<'n> Section<'n> {
    /// Checks the keys of the mapping at `node`; `at` is the position of its name. `None` if `node` is not a mapping or
    /// has a merge key.
    pub(crate) fn open(
        at: Position,
        node: &'n Node,
        name: &str,
        keys: &KeySet,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let mut values = HashMap::new();
        let mut merged = false;
        for (key, value) in entries(node, name, diagnostics)? {
            let text = key.text.as_str();
            if let Some((_, hint)) = keys.unsupported.iter().find(|(word, _)| *word == text) {
                diagnostics.fault(key.at, format!("{text:?} is not supported by this version"), *hint);
            } else if text == "<<" {
                diagnostics.fault(key.at, "merge keys (<<) are not supported", "write the keys out");
                merged = true;
            } else if !keys.known.contains(&text) {
                unknown(key, keys, diagnostics);
            } else if values.insert(text, &**value).is_some() {
                diagnostics.fault(key.at, format!("duplicate key {text:?}"), "keep one of them");
            }
        }
        // With a merge key, a required key may come from the merged mapping: do not report it as missing.
        (!merged).then_some(Self { at, of: keys.of, values })
    }

    /// The value of a key; `None` if the mapping does not have it.
    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        self.values.get(key).copied()
    }

    /// The value of a required key. Reports a fault and returns `None` if it is missing.
    pub(crate) fn require(&self, key: &str, hint: &str, diagnostics: &mut Diagnostics) -> Option<&'n Node> {
        let value = self.get(key);
        if value.is_none() {
            diagnostics.fault(self.at, format!("{} needs {key:?}", self.of), hint);
        }
        value
    }
}

fn unknown(key: &Key, keys: &KeySet, diagnostics: &mut Diagnostics) {
    let what = format!("{} is not a key of {}", shown(&key.text), keys.of);
    let hint = match nearest(&key.text, keys.known.iter().copied(), diagnostics) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("the keys are {}", keys.known.join(", ")),
    };
    diagnostics.fault(key.at, what, hint);
}

/// The entries of a mapping, duplicate keys included.
pub(crate) fn entries<'n>(node: &'n Node, name: &str, diagnostics: &mut Diagnostics) -> Option<&'n [(Key, Rc<Node>)]> {
    match &node.value {
        NodeValue::Map(entries) => Some(entries),
        NodeValue::Scalar(_) | NodeValue::List(_) => {
            let hint = if node.is_null() { EMPTY } else { "write key: value pairs" };
            wrong_type(node, name, "a mapping", hint, diagnostics)
        }
    }
}

/// The entries of a mapping whose keys are names that the file chooses, each name once.
pub(crate) fn named<'n>(
    node: &'n Node,
    name: &str,
    plural: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<(&'n Key, &'n Node)>> {
    // A section whose content is commented out is empty, not faulty.
    if node.is_null() {
        return Some(Vec::new());
    }
    let mut lines: HashMap<&str, usize> = HashMap::new();
    let mut once = Vec::new();
    for (key, value) in entries(node, name, diagnostics)? {
        if key.text == "<<" {
            diagnostics.fault(key.at, "merge keys (<<) are not supported", "write the entries out");
        } else if let Some(line) = lines.get(key.text.as_str()) {
            let what = format!("two {plural} are named {}", shown(&key.text));
            diagnostics.fault(key.at, what, format!("rename one; the first is in line {line}"));
        } else {
            lines.insert(&key.text, key.at.line);
            once.push((key, &**value));
        }
    }
    Some(once)
}

/// The items of a list.
pub(crate) fn list<'n>(node: &'n Node, name: &str, diagnostics: &mut Diagnostics) -> Option<&'n [Rc<Node>]> {
    match &node.value {
        NodeValue::List(items) => Some(items),
        NodeValue::Scalar(_) | NodeValue::Map(_) => {
            let hint = if node.is_null() { EMPTY } else { "write a list, such as [a, b]" };
            wrong_type(node, name, "a list", hint, diagnostics)
        }
    }
}

/// The items of a list, or a single value as a list of one.
pub(crate) fn one_or_list(node: &Node) -> Vec<&Node> {
    match &node.value {
        NodeValue::List(items) => items.iter().map(|item| &**item).collect(),
        NodeValue::Scalar(_) | NodeValue::Map(_) => vec![node],
    }
}

/// The value as a text.
pub(crate) fn text<'n>(node: &'n Node, name: &str, diagnostics: &mut Diagnostics) -> Option<&'n str> {
    match scalar_value(node) {
        Some(ScalarValue::Text(text)) => Some(text),
        Some(ScalarValue::Null) => wrong_type(node, name, "a text", EMPTY, diagnostics),
        Some(_) => wrong_type(node, name, "a text", "put it in quotes", diagnostics),
        None => wrong_type(node, name, "a text", "write one value", diagnostics),
    }
}

/// The value as a boolean.
pub(crate) fn boolean(node: &Node, name: &str, diagnostics: &mut Diagnostics) -> Option<bool> {
    match scalar_value(node) {
        Some(ScalarValue::Boolean(value)) => Some(value),
        Some(ScalarValue::Null) => wrong_type(node, name, "true or false", EMPTY, diagnostics),
        _ => wrong_type(
            node,
            name,
            "true or false",
            "write it without quotes; yes, no, on and off are texts",
            diagnostics,
        ),
    }
}

/// The value as a whole number in `range`.
pub(crate) fn integer(
    node: &Node,
    name: &str,
    range: RangeInclusive<i64>,
    diagnostics: &mut Diagnostics,
) -> Option<i64> {
    match scalar_value(node) {
        Some(ScalarValue::Integer(value)) if range.contains(&value) => Some(value),
        Some(ScalarValue::Integer(_)) => {
            let what = format!("{name} is out of range");
            diagnostics.fault(node.at, what, format!("write a number from {} to {}", range.start(), range.end()));
            None
        }
        Some(ScalarValue::Null) => wrong_type(node, name, "a whole number", EMPTY, diagnostics),
        _ => wrong_type(node, name, "a whole number", "write digits without quotes", diagnostics),
    }
}

/// The value as one of `choices`, each a word and what it stands for.
pub(crate) fn choice<T: Copy>(
    node: &Node,
    name: &str,
    choices: &[(&'static str, T)],
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    let text = text(node, name, diagnostics)?;
    if let Some((_, chosen)) = choices.iter().find(|(word, _)| *word == text) {
        return Some(*chosen);
    }
    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
    let hint = match nearest(text, words.iter().copied(), diagnostics) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("write one of {}", words.join(", ")),
    };
    diagnostics.fault(node.at, format!("{} is not a {name}", shown(text)), hint);
    None
}

/// The hint for an empty value.
const EMPTY: &str = "give it a value, or remove it";

fn scalar_value(node: &Node) -> Option<ScalarValue<'_>> {
    match &node.value {
        NodeValue::Scalar(scalar) => Some(scalar.value()),
        NodeValue::List(_) | NodeValue::Map(_) => None,
    }
}

fn wrong_type<T>(node: &Node, name: &str, wanted: &str, hint: &str, diagnostics: &mut Diagnostics) -> Option<T> {
    let found = match &node.value {
        NodeValue::List(_) => "a list",
        NodeValue::Map(_) => "a mapping",
        NodeValue::Scalar(scalar) => match scalar.value() {
            ScalarValue::Null => "empty",
            ScalarValue::Boolean(_) => "a boolean",
            ScalarValue::Integer(_) | ScalarValue::Number => "a number",
            ScalarValue::Text(_) => "a text",
        },
    };
    diagnostics.fault(node.at, format!("{name} is {found}, wanted {wanted}"), hint);
    None
}

/// The value of a key before the keys of its mapping are checked. For a key whose value decides which keys are allowed.
pub(crate) fn peek<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    match &node.value {
        NodeValue::Map(entries) => entries.iter().find(|(own, _)| own.text == key).map(|(_, value)| &**value),
        NodeValue::Scalar(_) | NodeValue::List(_) => None,
    }
}
