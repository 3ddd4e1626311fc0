//! Reads `policies`: each decides whether an event matches.
//!
//! Reads event matchers itself; `patterns` and `expressions` read the other kinds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::admission::mask::Masker;
use domain::event::ActionPattern;
use domain::query::search::{SearchQuery, SyntaxError};
use domain::rules_document::{EventMatcher, Policy};
use domain::text::truncate;

use super::{addresses, expressions, patterns, retention};
use crate::diagnostics::Diagnostics;
use crate::names;
use crate::shape::{self, KeySet, Section};
use crate::source_map::Position;
use crate::tree::{Node, NodeValue};

/// The kinds of policies; a policy has exactly one of their keys.
#[derive(Debug, Clone, Copy)]
enum PolicyKind {
    EventMatcher,
    EventPattern,
    Expression,
}

impl PolicyKind {
    const ALL: [Self; 3] = [Self::EventMatcher, Self::EventPattern, Self::Expression];
    const KEYS: [&str; 3] = [Self::ALL[0].key(), Self::ALL[1].key(), Self::ALL[2].key()];

    const fn key(self) -> &'static str {
        match self {
            Self::EventMatcher => "event_matcher",
            Self::EventPattern => "event_pattern",
            Self::Expression => "expression",
        }
    }
}

pub(crate) const KEYS: KeySet = KeySet { of: "a policy", known: &PolicyKind::KEYS, unsupported: &[] };
pub(crate) const MATCHER_KEYS: KeySet =
    KeySet { of: "an event matcher", known: &["action", "app", "model", "client_ip", "query"], unsupported: &[] };

/// How many characters of a query's fault are shown.
const MAX_QUERY_FAULT_CHARS: usize = 300;

/// Reads the policies. `masker` masks as the file says, for the warnings about patterns.
pub(crate) fn read(node: &Node, masker: &Masker, diagnostics: &mut Diagnostics) -> BTreeMap<String, Arc<Policy>> {
    let mut policies = BTreeMap::new();
    let named = shape::named(node, "policies", "policies", diagnostics).unwrap_or_default();
    let known: BTreeSet<&str> = named.iter().map(|(key, _)| key.text.as_str()).collect();
    for (key, value) in named {
        names::check_name(&key.text, "policy", key.at, diagnostics);
        if let Some(policy) = policy(key.at, value, &known, masker, diagnostics) {
            policies.insert(key.text.clone(), Arc::new(policy));
        }
    }
    policies
}

fn policy(
    at: Position,
    node: &Node,
    known: &BTreeSet<&str>,
    masker: &Masker,
    diagnostics: &mut Diagnostics,
) -> Option<Policy> {
    let section = Section::open(at, node, "a policy", &KEYS, diagnostics)?;
    let present = PolicyKind::ALL.into_iter().filter_map(|kind| Some((kind, section.get(kind.key())?)));
    let present: Vec<(PolicyKind, &Node)> = present.collect();
    match present.as_slice() {
        [(PolicyKind::EventMatcher, node)] => event_matcher(node, diagnostics).map(Policy::EventMatcher),
        [(PolicyKind::EventPattern, node)] => patterns::read(node, masker, diagnostics).map(Policy::EventPattern),
        [(PolicyKind::Expression, node)] => expressions::policy(node, known, diagnostics).map(Policy::Expression),
        [(one, _), (other, _), ..] => {
            let hint = "make two policies, and bind both to a rule with mode: all";
            diagnostics.fault(at, format!("a policy has both {} and {}", one.key(), other.key()), hint);
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
        diagnostics.fault(node.at, "event_matcher is empty", "write {} to match every event");
        return None;
    }
    let section = Section::open(node.at, node, "event_matcher", &MATCHER_KEYS, diagnostics)?;
    Some(EventMatcher {
        action: section.get("action").map(|node| actions(node, diagnostics)).unwrap_or_default(),
        app: section.get("app").and_then(|node| app(node, diagnostics)),
        model: section.get("model").and_then(|node| model(node, diagnostics)),
        client_ip: section.get("client_ip").and_then(|node| addresses::network(node, "client_ip", diagnostics)),
        query: section.get("query").and_then(|node| query(node, diagnostics)),
    })
}

fn query(node: &Node, diagnostics: &mut Diagnostics) -> Option<String> {
    let text = shape::text(node, "query", diagnostics)?;
    let Err(SyntaxError { what, column }) = SearchQuery::parse(text) else { return Some(text.to_owned()) };
    let before: String = text.chars().take(column - 1).collect();
    let lines = before.split('\n');
    let (line, column) = lines.fold((0, 1), |(line, _), text| (line + 1, text.chars().count() + 1));
    let at = match &node.value {
        NodeValue::Scalar(scalar) => diagnostics.position_in(scalar, node.at, line, column),
        NodeValue::List(_) | NodeValue::Map(_) => node.at,
    };
    // What is wrong may repeat a word of any length.
    let what = truncate(&what, MAX_QUERY_FAULT_CHARS);
    let hint = "write it as in a search, such as action = \"login\" and context.geo.country != \"DE\"";
    diagnostics.fault(at, format!("query cannot be read: {what}"), hint);
    None
}

fn actions(node: &Node, diagnostics: &mut Diagnostics) -> Vec<ActionPattern> {
    let items = shape::one_or_list(node);
    if items.is_empty() {
        diagnostics.fault(node.at, "action is an empty list", "remove action to match every action");
    }
    let mut patterns = Vec::new();
    for item in items {
        let Some(text) = shape::text(item, "action", diagnostics) else { continue };
        let Some(pattern) = retention::action(text, item.at, diagnostics) else { continue };
        if let ActionPattern::Exact(action) = &pattern {
            retention::warn_of_misspelling(action.as_str(), item.at, diagnostics);
        }
        patterns.push(pattern);
    }
    patterns
}

fn app(node: &Node, diagnostics: &mut Diagnostics) -> Option<String> {
    let text = shape::text(node, "app", diagnostics)?;
    if text.is_empty() || text.ends_with('.') || text.ends_with('*') {
        let hint = "name an app; it also matches the apps below it: authentik.events matches authentik.events.signals";
        diagnostics.fault(node.at, "app is not a valid app name", hint);
        return None;
    }
    Some(text.to_owned())
}

fn model(node: &Node, diagnostics: &mut Diagnostics) -> Option<String> {
    let text = shape::text(node, "model", diagnostics)?;
    let is_valid = text.rsplit_once('.').is_some_and(|(app, name)| !app.is_empty() && !name.is_empty());
    if !is_valid {
        diagnostics.fault(node.at, "model is not a valid model name", "write app.model, such as authentik_core.user");
        return None;
    }
    Some(text.to_owned())
}
