//! Reads `cloudevents`: how the types of CloudEvents are mapped to actions.
//!
//! Owns where a `*` is allowed. The domain applies the mapping.

use domain::event::ActionPattern;
use domain::rules_document::TypeMapping;

use super::retention;
use crate::diagnostics::Diagnostics;
use crate::shape::{self, KeySet, Section};
use crate::source_map::Position;
use crate::tree::Node;

pub(crate) const KEYS: KeySet = KeySet { of: "cloudevents", known: &["actions"], unsupported: &[] };

pub(crate) fn read(node: &Node, diagnostics: &mut Diagnostics) -> Vec<TypeMapping> {
    let Some(section) = Section::open(node.at, node, "cloudevents", &KEYS, diagnostics) else { return Vec::new() };
    let Some(actions) = section.get("actions") else { return Vec::new() };
    let mut mappings = Vec::new();
    for (key, value) in shape::named(actions, "actions", "mappings", diagnostics).unwrap_or_default() {
        check_type(&key.text, key.at, diagnostics);
        let Some(text) = shape::text(value, "the action", diagnostics) else { continue };
        let Some(action) = retention::action(text, value.at, diagnostics) else { continue };
        if matches!(action, ActionPattern::Prefix(_)) && !key.text.ends_with('*') {
            let what = "the action has a * but the type has none";
            diagnostics.fault(value.at, what, "end both in *, such as com.github.*: github.*");
        }
        mappings.push(TypeMapping { event_type: key.text.clone(), action: action.to_string() });
    }
    mappings
}

fn check_type(event_type: &str, at: Position, diagnostics: &mut Diagnostics) {
    let start = event_type.strip_suffix('*').unwrap_or(event_type);
    if event_type.is_empty() || start.contains(|one: char| one == '*' || one.is_control() || one.is_whitespace()) {
        let hint = "write a type such as com.example.paid, or a prefix followed by *";
        diagnostics.fault(at, "this is not a CloudEvents type", hint);
    }
}
