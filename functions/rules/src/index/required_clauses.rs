//! What an event must have to pass a policy.
//!
//! Owns the derivation, which makes every path known that a policy names, may leave conditions out but never
//! adds one. A clause is a list of terms of which one must be there; clauses must all hold; a policy passes
//! only if one of its lists of clauses does.

use domain::document::{
    Addresses, EventMatcher, Field, Fields, Interval, Policy, Precondition, Test, Wildcard, compare_numbers,
};
use domain::event::ActionPattern;

use super::clauses::Clauses;
use super::path_tree::PathTree;
use super::term::{GRAM, Term, TermKind, folded};
use crate::event_view::canonical_net;

/// More combinations of `$or` than these are taken together.
const MAX_COMBINATIONS: usize = 64;
/// More pieces of a text that is looked for anywhere are not looked for.
const MAX_GRAMS: usize = 32;

/// Finds for one policy after the other what it needs.
#[derive(Debug)]
pub(super) struct RequiredClauses {
    /// Kept for the next policy, as there are many. There is one at least.
    combinations: Vec<Clauses>,
}

impl RequiredClauses {
    pub(super) fn new() -> Self {
        Self { combinations: vec![Clauses::default()] }
    }

    /// One of these lists of clauses must hold; an empty list says nothing.
    pub(super) fn of(&mut self, policy: &Policy, paths: &mut PathTree) -> &[Clauses] {
        self.combinations.truncate(1);
        let clauses = &mut self.combinations[0];
        clauses.clear();
        match policy {
            Policy::EventMatcher(matcher) => of_matcher(matcher, paths, clauses),
            Policy::EventPattern(pattern) => of_fields(pattern.root(), PathTree::ROOT, paths, &mut self.combinations),
            Policy::Expression(expression) => of_precondition(&expression.precondition, paths, clauses),
        }
        &self.combinations
    }
}

fn of_precondition(needed: &Precondition, paths: &mut PathTree, clauses: &mut Clauses) {
    of_actions(&needed.action, paths, clauses);
    if let Some(app) = &needed.app {
        clauses.push([of_app(app, paths)]);
    }
    if let Some(Addresses { nets, or_none }) = &needed.client_ip {
        let nowhere = or_none.then(|| Term::whole(PathTree::ADDRESS, TermKind::Null, &[]));
        clauses.push(nets.iter().map(|net| Term::net(PathTree::ADDRESS, canonical_net(*net))).chain(nowhere));
    }
}

fn of_actions(actions: &[ActionPattern], paths: &mut PathTree, clauses: &mut Clauses) {
    let everything = |pattern: &ActionPattern| matches!(pattern, ActionPattern::Prefix(start) if start.is_empty());
    if actions.is_empty() || actions.iter().any(everything) {
        return;
    }
    let path = paths.path(PathTree::ROOT, "action");
    let term = |pattern: &ActionPattern| match pattern {
        ActionPattern::Exact(action) => Term::whole(path, TermKind::Text, action.as_str().as_bytes()),
        ActionPattern::Prefix(start) => Term::start(path, TermKind::Prefix, start),
    };
    clauses.push(actions.iter().map(term));
}

fn of_app(app: &str, paths: &mut PathTree) -> Term {
    let path = paths.path(PathTree::ROOT, "app");
    Term::below(path, app).unwrap_or_else(|| Term::start(path, TermKind::Prefix, app))
}

fn of_matcher(matcher: &EventMatcher, paths: &mut PathTree, clauses: &mut Clauses) {
    of_actions(&matcher.action, paths, clauses);
    if let Some(app) = &matcher.app {
        clauses.push([of_app(app, paths)]);
    }
    if let Some(model) = &matcher.model {
        clauses.push([Term::whole(PathTree::MODEL, TermKind::Text, model.as_bytes())]);
    }
    if let Some(net) = matcher.client_ip {
        clauses.push([Term::net(PathTree::ADDRESS, canonical_net(net))]);
    }
}

/// Adds to each combination what the fields demand.
fn of_fields(fields: &Fields, parent: u32, paths: &mut PathTree, combinations: &mut Vec<Clauses>) {
    for (name, field) in &fields.fields {
        match field {
            Field::Object(inner) => {
                let path = paths.path(parent, name);
                of_fields(inner, path, paths, combinations);
            }
            Field::Value(tests) => {
                let path = paths.path_of_tests(parent, name, tests);
                match combinations.as_mut_slice() {
                    // What may be missing demands nothing.
                    _ if tests.contains(&Test::Exists(false)) => {}
                    [only] => of_tests(tests, path, only),
                    several => {
                        let mut clauses = Clauses::default();
                        of_tests(tests, path, &mut clauses);
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
        of_fields(alternative, parent, paths, &mut demands);
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

/// Of one test all that it demands; of several, one clause that holds if one of them does.
fn of_tests(tests: &[Test], path: u32, clauses: &mut Clauses) {
    if let [only] = tests {
        return of_test(only, path, clauses);
    }
    let demands = tests.iter().map(|test| {
        let mut demand = Clauses::default();
        of_test(test, path, &mut demand);
        demand
    });
    clauses.push_one_of(&demands.collect::<Vec<_>>());
}

/// Adds one clause at least.
fn of_test(wanted: &Test, path: u32, clauses: &mut Clauses) {
    let present = || Term::whole(path, TermKind::Present, &[]);
    clauses.push([match wanted {
        Test::Null => Term::whole(path, TermKind::Null, &[0; 8]),
        Test::Boolean(value) => Term::whole(path, TermKind::Boolean, &[u8::from(*value); 8]),
        Test::Number(number) => Term::number(path, number),
        Test::Text(text) => Term::whole(path, TermKind::Text, text.as_bytes()),
        Test::EqualsIgnoreCase(text) => Term::whole(path, TermKind::Folded, folded(text).as_bytes()),
        Test::Prefix(start) => Term::start(path, TermKind::Prefix, start),
        Test::PrefixIgnoreCase(start) => Term::start(path, TermKind::FoldedPrefix, &folded(start)),
        Test::Suffix(end) => Term::end(path, TermKind::Suffix, end),
        Test::SuffixIgnoreCase(end) => Term::end(path, TermKind::FoldedSuffix, &folded(end)),
        Test::Wildcard(wildcard) => return of_wildcard(wildcard, path, clauses),
        Test::Cidr(net) => Term::net(path, *net),
        Test::Numeric(Interval { lower: Some(lower), upper: Some(upper) })
            if compare_numbers(&lower.value, &upper.value).is_eq() =>
        {
            Term::number(path, &lower.value)
        }
        Test::Numeric(interval) => return clauses.push(Term::blocks(path, interval)),
        Test::AnythingBut(_) | Test::Exists(_) => present(),
    }]);
}

fn of_wildcard(wildcard: &Wildcard, path: u32, clauses: &mut Clauses) {
    let before = clauses.len();
    if let [first, between @ .., last] = wildcard.pieces() {
        if !first.is_empty() {
            clauses.push([Term::start(path, TermKind::Prefix, first)]);
        }
        if !last.is_empty() {
            clauses.push([Term::end(path, TermKind::Suffix, last)]);
        }
        let grams = between.iter().flat_map(|piece| piece.as_bytes().array_windows::<GRAM>());
        for gram in grams.take(MAX_GRAMS) {
            clauses.push([Term::gram(path, *gram)]);
        }
    } else if let [only] = wildcard.pieces() {
        clauses.push([Term::whole(path, TermKind::Text, only.as_bytes())]);
    }
    if clauses.len() == before {
        clauses.push([Term::whole(path, TermKind::Present, &[])]);
    }
}
