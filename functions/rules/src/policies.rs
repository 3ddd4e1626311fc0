//! The policies of a document, each that says the same once.
//!
//! Owns their evaluation; a pattern is made ready when it is first put to an event, as most
//! of many thousands never are.

use std::collections::HashMap;
use std::sync::OnceLock;

use domain::document::{EventMatcher, Policy, RulesDocument};
use domain::ports::app_admits;
use foldhash::fast::FixedState;

use crate::facts::{Facts, canonical_net};
use crate::index::Paths;
use crate::pattern::{Flat, Shape};
use crate::values::Values;

/// Policies by place.
#[derive(Debug, Clone)]
pub(crate) struct Policies {
    distinct: Vec<Policy>,
    /// Of those that are patterns and were needed.
    ready: Vec<OnceLock<Box<Ready>>>,
}

/// A pattern made ready.
#[derive(Debug, Clone)]
struct Ready {
    flat: Flat,
    /// For what `flat` cannot say.
    shape: OnceLock<Shape>,
}

/// Which name stands for which policy.
pub(crate) type Names<'d> = HashMap<&'d str, u32, FixedState>;

impl Policies {
    pub(crate) fn of(document: &RulesDocument) -> (Self, Names<'_>) {
        let mut known: HashMap<&Policy, u32, FixedState> =
            HashMap::with_capacity_and_hasher(document.policies.len(), FixedState::default());
        let mut distinct = Vec::new();
        let mut names = Names::with_capacity_and_hasher(document.policies.len(), FixedState::default());
        for (name, policy) in &document.policies {
            let at = *known.entry(policy).or_insert_with(|| {
                distinct.push(policy.clone());
                u32::try_from(distinct.len() - 1).unwrap_or(u32::MAX)
            });
            names.insert(name.as_str(), at);
        }
        distinct.shrink_to_fit();
        let ready = distinct.iter().map(|_| OnceLock::new()).collect();
        (Self { distinct, ready }, names)
    }

    /// Every policy, by place.
    pub(crate) fn distinct(&self) -> &[Policy] {
        &self.distinct
    }

    /// Whether the event passes the policy at that place. `paths` are those by which its `values` are known.
    pub(crate) fn admits(&self, at: u32, facts: &Facts<'_>, values: &Values<'_>, paths: &Paths) -> bool {
        match &self.distinct[at as usize] {
            Policy::EventMatcher(matcher) => admits(matcher, facts),
            Policy::EventPattern(pattern) => {
                let make_ready = || Box::new(Ready { flat: Flat::of(pattern, paths), shape: OnceLock::new() });
                let ready = self.ready[at as usize].get_or_init(make_ready);
                let in_full = || ready.shape.get_or_init(|| Shape::of(pattern)).admits(facts);
                ready.flat.admits(values).unwrap_or_else(in_full)
            }
        }
    }
}

fn admits(matcher: &EventMatcher, facts: &Facts<'_>) -> bool {
    (matcher.action.is_empty() || matcher.action.iter().any(|pattern| pattern.admits(facts.action)))
        && matcher.app.as_ref().is_none_or(|app| app_admits(app, facts.app))
        && matcher.model.as_ref().is_none_or(|model| facts.model() == Some(model))
        && matcher
            .client_ip
            .is_none_or(|net| facts.client_ip.is_some_and(|address| canonical_net(net).contains(&address)))
}
