//! Derives from a policy the clauses that every passing event satisfies.
//!
//! Owns the derivation. It adds every path that a policy names to the path tree. It may omit a condition of the policy
//! but never adds one. A policy can have several lists of clauses (one per combination of `$or` alternatives); a
//! passing event satisfies all clauses of at least one list.

use domain::event::ActionPattern;
use domain::rules_document::{
    AddressSet, EventMatcher, FieldPattern, Interval, ObjectPattern, Policy, Precondition, ValuePattern,
    compare_numbers,
};

use super::clauses::Clauses;
use super::path_tree::PathTree;
use super::query_clauses::add_query;
use super::term::{GRAM, Term, TermKind};
use crate::case_folding::fold;
use crate::event_view::canonical_net;
use crate::matcher_clauses::parse_query;

/// How many combinations of `$or` alternatives are kept apart; more are merged into weaker clauses.
const MAX_COMBINATIONS: usize = 64;
/// How many grams of a wildcard become clauses; further ones are ignored.
const MAX_GRAMS: usize = 32;

/// Derives the clauses of one policy after the other, and reuses its buffers.
#[derive(Debug)]
pub(super) struct RequiredClauses {
    /// One list of clauses per combination of alternatives. Never empty, so that its first list can be reused.
    combinations: Vec<Clauses>,
}

impl RequiredClauses {
    pub(super) fn new() -> Self {
        Self { combinations: vec![Clauses::default()] }
    }

    /// The lists of clauses of the policy: a passing event satisfies at least one list. Every event satisfies an empty
    /// list.
    pub(super) fn derive(&mut self, policy: &Policy, paths: &mut PathTree) -> &[Clauses] {
        self.combinations.truncate(1);
        let clauses = &mut self.combinations[0];
        clauses.clear();
        match policy {
            Policy::EventMatcher(matcher) => add_matcher(matcher, paths, clauses),
            Policy::EventPattern(pattern) => add_fields(pattern.root(), PathTree::ROOT, paths, &mut self.combinations),
            Policy::Expression(expression) => add_precondition(&expression.precondition, paths, clauses),
            Policy::Detection(detection) => {
                let producer = paths.child(PathTree::ROOT, "produced_by");
                let path = paths.child(producer, "detection");
                clauses.push([Term::whole(path, TermKind::Text, detection.name.as_bytes())]);
            }
        }
        &self.combinations
    }
}

fn add_precondition(precondition: &Precondition, paths: &mut PathTree, clauses: &mut Clauses) {
    add_actions(&precondition.action, paths, clauses);
    if let Some(app) = &precondition.app {
        clauses.push([app_term(app, paths)]);
    }
    if let Some(AddressSet { nets, or_none }) = &precondition.client_ip {
        let no_address = or_none.then(|| Term::whole(PathTree::ADDRESS, TermKind::Null, &[]));
        clauses.push(nets.iter().map(|net| Term::net(PathTree::ADDRESS, canonical_net(*net))).chain(no_address));
    }
}

fn add_actions(actions: &[ActionPattern], paths: &mut PathTree, clauses: &mut Clauses) {
    let matches_all = |pattern: &ActionPattern| matches!(pattern, ActionPattern::Prefix(start) if start.is_empty());
    if actions.is_empty() || actions.iter().any(matches_all) {
        return;
    }
    let path = paths.child(PathTree::ROOT, "action");
    let term = |pattern: &ActionPattern| match pattern {
        ActionPattern::Exact(action) => Term::whole(path, TermKind::Text, action.as_str().as_bytes()),
        ActionPattern::Prefix(start) => Term::start(path, TermKind::Prefix, start),
    };
    clauses.push(actions.iter().map(term));
}

fn app_term(app: &str, paths: &mut PathTree) -> Term {
    let path = paths.child(PathTree::ROOT, "app");
    Term::below(path, app).unwrap_or_else(|| Term::start(path, TermKind::Prefix, app))
}

fn add_matcher(matcher: &EventMatcher, paths: &mut PathTree, clauses: &mut Clauses) {
    add_actions(&matcher.action, paths, clauses);
    if let Some(app) = &matcher.app {
        clauses.push([app_term(app, paths)]);
    }
    if let Some(model) = &matcher.model {
        clauses.push([Term::whole(PathTree::MODEL, TermKind::Text, model.as_bytes())]);
    }
    if let Some(net) = matcher.client_ip {
        clauses.push([Term::net(PathTree::ADDRESS, canonical_net(net))]);
    }
    if let Some(query) = matcher.query.as_deref().and_then(parse_query) {
        add_query(&query, paths, clauses);
    }
}

/// Adds the clauses of the fields to each combination.
fn add_fields(fields: &ObjectPattern, parent: u32, paths: &mut PathTree, combinations: &mut Vec<Clauses>) {
    for (name, field) in &fields.fields {
        match field {
            FieldPattern::Object(inner) => {
                let path = paths.child(parent, name);
                add_fields(inner, path, paths, combinations);
            }
            FieldPattern::Value(tests) => {
                let path = paths.child_for_tests(parent, name, tests);
                match combinations.as_mut_slice() {
                    // A field that may be missing requires no term.
                    _ if tests.contains(&ValuePattern::Exists(false)) => {}
                    [only] => add_tests(tests, path, only),
                    several => {
                        let mut clauses = Clauses::default();
                        add_tests(tests, path, &mut clauses);
                        for combination in several {
                            combination.extend(&clauses);
                        }
                    }
                }
            }
        }
    }
    if fields.any_of.is_empty() {
        return;
    }
    let mut all = Vec::new();
    for alternative in &fields.any_of {
        let mut demands = vec![Clauses::default()];
        add_fields(alternative, parent, paths, &mut demands);
        all.append(&mut demands);
    }
    if all.len() * combinations.len() <= MAX_COMBINATIONS {
        let with = |one: &Clauses, other| {
            let mut both = one.clone();
            both.extend(other);
            both
        };
        *combinations = combinations.iter().flat_map(|one| all.iter().map(|other| with(one, other))).collect();
    } else {
        for combination in combinations {
            combination.push_one_of(&all);
        }
    }
}

/// Adds the clauses of a single test; of several tests, one clause that is satisfied if one of them passes.
fn add_tests(tests: &[ValuePattern], path: u32, clauses: &mut Clauses) {
    if let [only] = tests {
        return add_test(only, path, clauses);
    }
    let demands = tests.iter().map(|test| {
        let mut demand = Clauses::default();
        add_test(test, path, &mut demand);
        demand
    });
    clauses.push_one_of(&demands.collect::<Vec<_>>());
}

/// Adds at least one clause.
fn add_test(wanted: &ValuePattern, path: u32, clauses: &mut Clauses) {
    let present = || Term::whole(path, TermKind::Present, &[]);
    clauses.push([match wanted {
        ValuePattern::Null => Term::whole(path, TermKind::Null, &[0; 8]),
        ValuePattern::Boolean(value) => Term::whole(path, TermKind::Boolean, &[u8::from(*value); 8]),
        ValuePattern::Number(number) => Term::number(path, number),
        ValuePattern::Text(text) => Term::whole(path, TermKind::Text, text.as_bytes()),
        ValuePattern::EqualsIgnoreCase(text) => Term::whole(path, TermKind::Folded, fold(text).as_bytes()),
        ValuePattern::Prefix(start) => Term::start(path, TermKind::Prefix, start),
        ValuePattern::PrefixIgnoreCase(start) => Term::start(path, TermKind::FoldedPrefix, &fold(start)),
        ValuePattern::Suffix(end) => Term::end(path, TermKind::Suffix, end),
        ValuePattern::SuffixIgnoreCase(end) => Term::end(path, TermKind::FoldedSuffix, &fold(end)),
        ValuePattern::Wildcard(wildcard) => return add_wildcard(wildcard.pieces(), &EXACT_PIECES, path, clauses),
        ValuePattern::WildcardIgnoreCase(wildcard) => {
            let pieces: Vec<String> = wildcard.pieces().iter().map(|piece| fold(piece)).collect();
            return add_wildcard(&pieces, &FOLDED_PIECES, path, clauses);
        }
        ValuePattern::Cidr(net) => Term::net(path, *net),
        ValuePattern::Numeric(Interval { lower: Some(lower), upper: Some(upper) })
            if compare_numbers(&lower.value, &upper.value).is_eq() =>
        {
            Term::number(path, &lower.value)
        }
        ValuePattern::Numeric(interval) => return clauses.push(Term::blocks(path, interval)),
        ValuePattern::AnythingBut(_) | ValuePattern::Exists(_) => present(),
    }]);
}

/// The kinds of the terms that describe the pieces of a wildcard.
struct PieceKinds {
    whole: TermKind,
    first: TermKind,
    last: TermKind,
    gram: TermKind,
}

const EXACT_PIECES: PieceKinds =
    PieceKinds { whole: TermKind::Text, first: TermKind::Prefix, last: TermKind::Suffix, gram: TermKind::Gram };

const FOLDED_PIECES: PieceKinds = PieceKinds {
    whole: TermKind::Folded,
    first: TermKind::FoldedPrefix,
    last: TermKind::FoldedSuffix,
    gram: TermKind::FoldedGram,
};

fn add_wildcard(pieces: &[String], kinds: &PieceKinds, path: u32, clauses: &mut Clauses) {
    let before = clauses.len();
    if let [first, between @ .., last] = pieces {
        if !first.is_empty() {
            clauses.push([Term::start(path, kinds.first, first)]);
        }
        if !last.is_empty() {
            clauses.push([Term::end(path, kinds.last, last)]);
        }
        let grams = between.iter().flat_map(|piece| piece.as_bytes().array_windows::<GRAM>());
        for gram in grams.take(MAX_GRAMS) {
            clauses.push([Term::gram(path, kinds.gram, *gram)]);
        }
    } else if let [only] = pieces {
        clauses.push([Term::whole(path, kinds.whole, only.as_bytes())]);
    }
    if clauses.len() == before {
        clauses.push([Term::whole(path, TermKind::Present, &[])]);
    }
}
