//! The distinct policies of a document, by number. Matchers and patterns with equal content are stored once; each
//! expression has its own number, because its effects name the policy.
//!
//! Owns the evaluation of every policy but expressions. A pattern is compiled when it is first evaluated: of many thousands,
//! most never are. Refuses to run expressions; `expression_runner` does.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use domain::event::app_matches;
use domain::query::search::SearchQuery;
use domain::rules_document::{AddressSet, EventMatcher, Policy, Precondition, RulesDocument};
use foldhash::fast::FixedState;

use crate::event_view::{EventView, canonical_net};
use crate::index::PathTree;
use crate::matcher_clauses::parse_query;
use crate::path_values::PathValues;
use crate::pattern::{PathMatcher, TreeMatcher};

/// The distinct policies, by number.
#[derive(Debug, Clone)]
pub(crate) struct PolicyTable {
    distinct: Vec<Arc<Policy>>,
    /// The compiled form of each pattern that has been evaluated; empty for other policies.
    compiled: Vec<OnceLock<Box<CompiledPattern>>>,
    /// The number and name of each expression, in ascending order.
    expressions: Vec<(u32, String)>,
    /// The number and query of each matcher that has one, in ascending order.
    queries: Vec<(u32, Option<SearchQuery>)>,
}

/// A pattern in its two compiled forms, of which the faster one is tried first.
#[derive(Debug, Clone)]
struct CompiledPattern {
    path_matcher: PathMatcher,
    /// Decides the events that `path_matcher` cannot decide; compiled on first use.
    tree_matcher: OnceLock<TreeMatcher>,
}

/// The number of each policy, by its name in the document.
pub(crate) type PolicyNumbers<'d> = HashMap<&'d str, u32, FixedState>;

impl PolicyTable {
    /// Collects the distinct policies of a document. Also returns the number of each policy name.
    pub(crate) fn from_document(document: &RulesDocument) -> (Self, PolicyNumbers<'_>) {
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
        let compiled = distinct.iter().map(|_| OnceLock::new()).collect();
        let query = |(at, policy): (u32, &Arc<Policy>)| match &**policy {
            Policy::EventMatcher(matcher) => Some((at, parse_query(matcher.query.as_deref()?))),
            Policy::EventPattern(_) | Policy::Expression(_) | Policy::Detection(_) => None,
        };
        let queries = (0..).zip(&distinct).filter_map(query).collect();
        (Self { distinct, compiled, expressions, queries }, names)
    }

    /// All distinct policies; the index is the number.
    pub(crate) fn distinct(&self) -> &[Arc<Policy>] {
        &self.distinct
    }

    /// The name of the expression with this number; empty for a matcher or pattern.
    pub(crate) fn name(&self, at: u32) -> &str {
        let found = self.expressions.binary_search_by_key(&at, |(number, _)| *number);
        found.map_or("", |index| &self.expressions[index].1)
    }

    /// Whether the event passes the matcher or pattern with this number. `values` holds the event's values, by the
    /// paths of the tree `paths`.
    pub(crate) fn matches(&self, at: u32, view: &EventView<'_>, values: &PathValues<'_>, paths: &PathTree) -> bool {
        match self.distinct[at as usize].as_ref() {
            Policy::EventPattern(pattern) => {
                let compile = || {
                    let path_matcher = PathMatcher::compile(pattern, paths);
                    Box::new(CompiledPattern { path_matcher, tree_matcher: OnceLock::new() })
                };
                let compiled = self.compiled[at as usize].get_or_init(compile);
                let by_tree = || compiled.tree_matcher.get_or_init(|| TreeMatcher::compile(pattern)).matches(view);
                compiled.path_matcher.matches(values).unwrap_or_else(by_tree)
            }
            Policy::EventMatcher(matcher) => fields_admit(matcher, view) && self.query_admits(at, view),
            other => admits(other, view),
        }
    }

    /// Whether the event satisfies the query of the matcher with this number; `true` if it has none.
    fn query_admits(&self, at: u32, view: &EventView<'_>) -> bool {
        let found = self.queries.binary_search_by_key(&at, |(number, _)| *number);
        found.map_or(true, |index| self.queries[index].1.as_ref().is_some_and(|query| query.holds(view.event)))
    }
}

/// Whether the event passes a matcher or pattern, or was written by the detection. Always `false` for an expression, which would have to be run.
pub(crate) fn admits(policy: &Policy, view: &EventView<'_>) -> bool {
    match policy {
        Policy::EventMatcher(matcher) => {
            let holds = |query: &String| parse_query(query).is_some_and(|query| query.holds(view.event));
            fields_admit(matcher, view) && matcher.query.as_ref().is_none_or(holds)
        }
        Policy::EventPattern(pattern) => TreeMatcher::compile(pattern).matches(view),
        Policy::Expression(_) => false,
        Policy::Detection(detection) => view.event.detection() == Some(&detection.name),
    }
}

/// Whether the event meets an expression's precondition. If not, the expression would return a false value without any
/// effect, so that it need not be run.
pub(crate) fn may_pass(precondition: &Precondition, view: &EventView<'_>) -> bool {
    let lies_in = |addresses: &AddressSet| match view.client_ip {
        Some(address) => addresses.nets.iter().any(|net| canonical_net(*net).contains(&address)),
        None => addresses.or_none,
    };
    (precondition.action.is_empty() || precondition.action.iter().any(|pattern| pattern.matches(view.action)))
        && precondition.app.as_ref().is_none_or(|app| app_matches(app, view.app))
        && precondition.client_ip.as_ref().is_none_or(lies_in)
}

/// Whether the event has the fields of the matcher. Ignores its query.
fn fields_admit(matcher: &EventMatcher, view: &EventView<'_>) -> bool {
    (matcher.action.is_empty() || matcher.action.iter().any(|pattern| pattern.matches(view.action)))
        && matcher.app.as_ref().is_none_or(|app| app_matches(app, view.app))
        && matcher.model.as_ref().is_none_or(|model| view.model() == Some(model))
        && matcher
            .client_ip
            .is_none_or(|net| view.client_ip.is_some_and(|address| canonical_net(net).contains(&address)))
}
