//! `policies`: what decides whether an event is meant.
//!
//! Reads event matchers, hands event patterns and expressions on.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::document::{EventMatcher, Policy};
use domain::event::{ActionPattern, KNOWN_ACTIONS};

use super::{addresses, expressions, patterns, retention};
use crate::diagnostics::{Diagnostics, Position};
use crate::names;
use crate::shape::{self, KeySet, Section};
use crate::tree::Node;

pub(crate) const KEYS: KeySet =
    KeySet { of: "a policy", known: &["event_matcher", "event_pattern", "expression"], unsupported: &[] };
pub(crate) const MATCHER_KEYS: KeySet =
    KeySet { of: "an event matcher", known: &["action", "app", "model", "client_ip"], unsupported: &[] };

pub(crate) fn read(node: &Node, diagnostics: &mut Diagnostics) -> BTreeMap<String, Arc<Policy>> {
    let mut policies = BTreeMap::new();
    for (key, value) in shape::named(node, "policies", "policies", diagnostics).unwrap_or_default() {
        names::check(&key.text, "policy", key.at, diagnostics);
        if let Some(policy) = policy(key.at, value, diagnostics) {
            policies.insert(key.text.clone(), Arc::new(policy));
        }
    }
    policies
}

fn policy(at: Position, node: &Node, diagnostics: &mut Diagnostics) -> Option<Policy> {
    let section = Section::open(at, node, "a policy", &KEYS, diagnostics)?;
    let written: Vec<(&str, &Node)> = KEYS.known.iter().filter_map(|key| Some((*key, section.get(key)?))).collect();
    match written.as_slice() {
        [("event_matcher", matcher)] => event_matcher(matcher, diagnostics).map(Policy::EventMatcher),
        [("event_pattern", pattern)] => patterns::read(pattern, diagnostics).map(Policy::EventPattern),
        [(_, expression)] => expressions::policy(expression, diagnostics).map(Policy::Expression),
        [(one, _), (other, _), ..] => {
            let hint = "make two policies, and bind both to a rule with mode: all";
            diagnostics.fault(at, format!("a policy has both {one} and {other}"), hint);
            None
        }
        [] => {
            let hint = "write { event_matcher: { action: … } } or { event_pattern: { action: […] } } or an expression";
            diagnostics.fault(at, "a policy needs \"event_matcher\", \"event_pattern\" or \"expression\"", hint);
            None
        }
    }
}

pub(crate) fn event_matcher(node: &Node, diagnostics: &mut Diagnostics) -> Option<EventMatcher> {
    if node.is_null() {
        diagnostics.fault(node.at, "event_matcher is empty", "write {} if every event is meant");
        return None;
    }
    let section = Section::open(node.at, node, "event_matcher", &MATCHER_KEYS, diagnostics)?;
    Some(EventMatcher {
        action: section.get("action").map(|node| actions(node, diagnostics)).unwrap_or_default(),
        app: section.get("app").and_then(|node| app(node, diagnostics)),
        model: section.get("model").and_then(|node| model(node, diagnostics)),
        client_ip: section.get("client_ip").and_then(|node| addresses::network(node, "client_ip", diagnostics)),
    })
}

fn actions(node: &Node, diagnostics: &mut Diagnostics) -> Vec<ActionPattern> {
    let items = shape::one_or_list(node);
    if items.is_empty() {
        diagnostics.fault(node.at, "action lists nothing", "leave action out if every action is meant");
    }
    let mut patterns = Vec::new();
    for item in items {
        let Some(text) = shape::text(item, "action", diagnostics) else { continue };
        let Some(pattern) = retention::action(text, item.at, diagnostics) else { continue };
        warn_of_a_near_miss(&pattern, item, diagnostics);
        patterns.push(pattern);
    }
    patterns
}

/// An action of one's own is fine; one that nearly is a documented one hardly is meant.
fn warn_of_a_near_miss(pattern: &ActionPattern, node: &Node, diagnostics: &mut Diagnostics) {
    let ActionPattern::Exact(action) = pattern else { return };
    let name = action.as_str();
    if KNOWN_ACTIONS.contains(&name) || name.starts_with("custom_") {
        return;
    }
    if let Some(near) = names::nearest(name, KNOWN_ACTIONS, diagnostics) {
        diagnostics.warning(node.at, format!("{name} is not a documented action"), format!("did you mean {near}?"));
    }
}

fn app(node: &Node, diagnostics: &mut Diagnostics) -> Option<String> {
    let text = shape::text(node, "app", diagnostics)?;
    if text.is_empty() || text.ends_with('.') || text.ends_with('*') {
        let hint = "name an app; it admits what lies below it: authentik.events admits authentik.events.signals";
        diagnostics.fault(node.at, "app is not the name of an app", hint);
        return None;
    }
    Some(text.to_owned())
}

fn model(node: &Node, diagnostics: &mut Diagnostics) -> Option<String> {
    let text = shape::text(node, "model", diagnostics)?;
    let holds = text.rsplit_once('.').is_some_and(|(app, name)| !app.is_empty() && !name.is_empty());
    if !holds {
        diagnostics.fault(node.at, "model is not the name of a model", "write app.model, such as authentik_core.user");
        return None;
    }
    Some(text.to_owned())
}
