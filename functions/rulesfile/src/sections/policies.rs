//! `policies`: what decides whether an event is meant.
//!
//! Reads event matchers, hands event patterns and expressions on.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::event::{ActionPattern, KNOWN_ACTIONS};
use domain::rules_document::{EventMatcher, Policy};

use super::{addresses, expressions, patterns, retention};
use crate::fault::{At, Findings};
use crate::names;
use crate::shape::{self, Keys, Section};
use crate::tree::Node;

pub(crate) const KEYS: Keys =
    Keys { of: "a policy", known: &["event_matcher", "event_pattern", "expression"], unsupported: &[] };
pub(crate) const MATCHER_KEYS: Keys =
    Keys { of: "an event matcher", known: &["action", "app", "model", "client_ip"], unsupported: &[] };

pub(crate) fn read(node: &Node, findings: &mut Findings) -> BTreeMap<String, Arc<Policy>> {
    let mut policies = BTreeMap::new();
    for (key, value) in shape::named(node, "policies", "policies", findings).unwrap_or_default() {
        names::check(&key.text, "policy", key.at, findings);
        if let Some(policy) = policy(key.at, value, findings) {
            policies.insert(key.text.clone(), Arc::new(policy));
        }
    }
    policies
}

fn policy(at: At, node: &Node, findings: &mut Findings) -> Option<Policy> {
    let section = Section::open(at, node, "a policy", &KEYS, findings)?;
    let written: Vec<(&str, &Node)> = KEYS.known.iter().filter_map(|key| Some((*key, section.get(key)?))).collect();
    match written.as_slice() {
        [("event_matcher", matcher)] => event_matcher(matcher, findings).map(Policy::EventMatcher),
        [("event_pattern", pattern)] => patterns::read(pattern, findings).map(Policy::EventPattern),
        [(_, expression)] => expressions::policy(expression, findings).map(Policy::Expression),
        [(one, _), (other, _), ..] => {
            let hint = "make two policies, and bind both to a rule with mode: all";
            findings.fault(at, format!("a policy has both {one} and {other}"), hint);
            None
        }
        [] => {
            let hint = "write { event_matcher: { action: … } } or { event_pattern: { action: […] } } or an expression";
            findings.fault(at, "a policy needs \"event_matcher\", \"event_pattern\" or \"expression\"", hint);
            None
        }
    }
}

pub(crate) fn event_matcher(node: &Node, findings: &mut Findings) -> Option<EventMatcher> {
    if node.is_nothing() {
        findings.fault(node.at, "event_matcher is empty", "write {} if every event is meant");
        return None;
    }
    let section = Section::open(node.at, node, "event_matcher", &MATCHER_KEYS, findings)?;
    Some(EventMatcher {
        action: section.get("action").map(|node| actions(node, findings)).unwrap_or_default(),
        app: section.get("app").and_then(|node| app(node, findings)),
        model: section.get("model").and_then(|node| model(node, findings)),
        client_ip: section.get("client_ip").and_then(|node| addresses::network(node, "client_ip", findings)),
    })
}

fn actions(node: &Node, findings: &mut Findings) -> Vec<ActionPattern> {
    let items = shape::one_or_list(node);
    if items.is_empty() {
        findings.fault(node.at, "action lists nothing", "leave action out if every action is meant");
    }
    let mut patterns = Vec::new();
    for item in items {
        let Some(text) = shape::text(item, "action", findings) else { continue };
        let Some(pattern) = retention::action(text, item.at, findings) else { continue };
        warn_of_a_near_miss(&pattern, item, findings);
        patterns.push(pattern);
    }
    patterns
}

/// An action of one's own is fine; one that nearly is a documented one hardly is meant.
fn warn_of_a_near_miss(pattern: &ActionPattern, node: &Node, findings: &mut Findings) {
    let ActionPattern::Exact(action) = pattern else { return };
    let name = action.as_str();
    if KNOWN_ACTIONS.contains(&name) || name.starts_with("custom_") {
        return;
    }
    if let Some(near) = names::nearest(name, KNOWN_ACTIONS, findings) {
        findings.warning(node.at, format!("{name} is not a documented action"), format!("did you mean {near}?"));
    }
}

fn app(node: &Node, findings: &mut Findings) -> Option<String> {
    let text = shape::text(node, "app", findings)?;
    if text.is_empty() || text.ends_with('.') || text.ends_with('*') {
        let hint = "name an app; it admits what lies below it: authentik.events admits authentik.events.signals";
        findings.fault(node.at, "app is not the name of an app", hint);
        return None;
    }
    Some(text.to_owned())
}

fn model(node: &Node, findings: &mut Findings) -> Option<String> {
    let text = shape::text(node, "model", findings)?;
    let holds = text.rsplit_once('.').is_some_and(|(app, name)| !app.is_empty() && !name.is_empty());
    if !holds {
        findings.fault(node.at, "model is not the name of a model", "write app.model, such as authentik_core.user");
        return None;
    }
    Some(text.to_owned())
}
