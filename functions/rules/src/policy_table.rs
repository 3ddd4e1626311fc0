//! The policies of a document, each that says the same once; expressions, which are told apart by their names.
//!
//! Owns their evaluation; a pattern is made ready when it is first put to an event, as most
//! of many thousands never are. Expressions are not evaluated here.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use domain::document::{Addresses, EventMatcher, Policy, Precondition, RulesDocument};
use domain::ports::app_admits;
use foldhash::fast::FixedState;

use crate::event_view::{EventView, canonical_net};
use crate::index::PathTree;
use crate::path_values::PathValues;
use crate::pattern::{PathMatcher, TreeMatcher};

/// PolicyTable by place.
#[derive(Debug, Clone)]
pub(crate) struct PolicyTable {
    distinct: Vec<Arc<Policy>>,
    /// Of those that are patterns and were needed.
    ready: Vec<OnceLock<Box<CompiledPattern>>>,
    /// Of expressions, by place.
    expressions: Vec<(u32, String)>,
}

/// A pattern made ready.
#[derive(Debug, Clone)]
struct CompiledPattern {
    flat: PathMatcher,
    /// For what `flat` cannot say.
    shape: OnceLock<TreeMatcher>,
}

/// Which name stands for which policy.
pub(crate) type PolicyNumbers<'d> = HashMap<&'d str, u32, FixedState>;

impl PolicyTable {
    pub(crate) fn of(document: &RulesDocument) -> (Self, PolicyNumbers<'_>) {
        let mut known: HashMap<&Policy, u32, FixedState> =
            HashMap::with_capacity_and_hasher(document.policies.len(), FixedState::default());
        let mut distinct = Vec::new();
        let mut names = PolicyNumbers::with_capacity_and_hasher(document.policies.len(), FixedState::default());
        let mut expressions = Vec::new();
        let mut push = |policy: &Arc<Policy>| {
            distinct.push(Arc::clone(policy));
            u32::try_from(distinct.len() - 1).unwrap_or(u32::MAX)
        };
        for (name, policy) in &document.policies {
            let at = if matches!(**policy, Policy::Expression(_)) {
                let at = push(policy);
                expressions.push((at, name.clone()));
                at
            } else {
                *known.entry(policy).or_insert_with(|| push(policy))
            };
            names.insert(name.as_str(), at);
        }
        distinct.shrink_to_fit();
        let ready = distinct.iter().map(|_| OnceLock::new()).collect();
        (Self { distinct, ready, expressions }, names)
    }

    /// Every policy, by place.
    pub(crate) fn distinct(&self) -> &[Arc<Policy>] {
        &self.distinct
    }

    /// The name of the expression at that place.
    pub(crate) fn name(&self, at: u32) -> &str {
        let place = self.expressions.binary_search_by_key(&at, |(place, _)| *place);
        place.map_or("", |place| &self.expressions[place].1)
    }

    /// Whether the event passes the matcher or pattern at that place. `paths` are those by which its `values`
    /// are known.
    pub(crate) fn admits(&self, at: u32, view: &EventView<'_>, values: &PathValues<'_>, paths: &PathTree) -> bool {
        match self.distinct[at as usize].as_ref() {
            Policy::EventPattern(pattern) => {
                let make_ready =
                    || Box::new(CompiledPattern { flat: PathMatcher::of(pattern, paths), shape: OnceLock::new() });
                let ready = self.ready[at as usize].get_or_init(make_ready);
                let in_full = || ready.shape.get_or_init(|| TreeMatcher::of(pattern)).admits(view);
                ready.flat.admits(values).unwrap_or_else(in_full)
            }
            other => admits(other, view),
        }
    }
}

/// Whether the event passes a matcher or pattern. It passes no expression: that would have to be run.
pub(crate) fn admits(policy: &Policy, view: &EventView<'_>) -> bool {
    match policy {
        Policy::EventMatcher(matcher) => matched(matcher, view),
        Policy::EventPattern(pattern) => TreeMatcher::of(pattern).admits(view),
        Policy::Expression(_) => false,
    }
}

/// Whether the event has what an expression needs to do anything but say no.
pub(crate) fn may_pass(needed: &Precondition, view: &EventView<'_>) -> bool {
    let lies_in = |addresses: &Addresses| match view.client_ip {
        Some(address) => addresses.nets.iter().any(|net| canonical_net(*net).contains(&address)),
        None => addresses.or_none,
    };
    (needed.action.is_empty() || needed.action.iter().any(|pattern| pattern.admits(view.action)))
        && needed.app.as_ref().is_none_or(|app| app_admits(app, view.app))
        && needed.client_ip.as_ref().is_none_or(lies_in)
}

fn matched(matcher: &EventMatcher, view: &EventView<'_>) -> bool {
    (matcher.action.is_empty() || matcher.action.iter().any(|pattern| pattern.admits(view.action)))
        && matcher.app.as_ref().is_none_or(|app| app_admits(app, view.app))
        && matcher.model.as_ref().is_none_or(|model| view.model() == Some(model))
        && matcher
            .client_ip
            .is_none_or(|net| view.client_ip.is_some_and(|address| canonical_net(net).contains(&address)))
}
