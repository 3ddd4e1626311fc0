//! What an event must have to pass a policy.
//!
//! Owns the derivation, which may leave conditions out but never adds one. A clause is a list of terms of
//! which one must be there; clauses must all hold; a policy passes only if one of its lists of clauses does.

use domain::document::{EventMatcher, EventPattern, Field, Fields, Interval, Policy, Test, Wildcard, compare_numbers};
use domain::event::ActionPattern;

use super::paths::{ADDRESS, MODEL, Paths, ROOT};
use super::term::{GRAM, Kind, Term, folded};
use crate::facts::canonical_net;

/// One of these must be there.
type Clause = Vec<Term>;
/// All of these must hold.
type Clauses = Vec<Clause>;

/// More combinations of `$or` than these are taken together.
const MAX_COMBINATIONS: usize = 64;
/// More pieces of a text that is looked for anywhere are not looked for.
const MAX_GRAMS: usize = 32;

/// One of these lists of clauses must hold. There is one at least; an empty list says nothing.
pub(super) fn of(policy: &Policy, paths: &mut Paths) -> Vec<Clauses> {
    match policy {
        Policy::EventMatcher(matcher) => vec![of_matcher(matcher, paths)],
        Policy::EventPattern(pattern) => of_pattern(pattern, paths),
    }
}

fn of_matcher(matcher: &EventMatcher, paths: &mut Paths) -> Clauses {
    let mut clauses = Vec::new();
    let everything = |pattern: &ActionPattern| matches!(pattern, ActionPattern::Prefix(start) if start.is_empty());
    if !matcher.action.is_empty() && !matcher.action.iter().any(everything) {
        let path = paths.path(ROOT, "action");
        let term = |pattern: &ActionPattern| match pattern {
            ActionPattern::Exact(action) => Term::whole(path, Kind::Text, action.as_str().as_bytes()),
            ActionPattern::Prefix(start) => Term::start(path, Kind::Prefix, start),
        };
        clauses.push(matcher.action.iter().map(term).collect());
    }
    if let Some(app) = &matcher.app {
        let path = paths.path(ROOT, "app");
        clauses.push(vec![Term::below(path, app).unwrap_or_else(|| Term::start(path, Kind::Prefix, app))]);
    }
    if let Some(model) = &matcher.model {
        clauses.push(vec![Term::whole(MODEL, Kind::Text, model.as_bytes())]);
    }
    if let Some(net) = matcher.client_ip {
        clauses.push(vec![Term::net(ADDRESS, canonical_net(net))]);
    }
    clauses
}

fn of_pattern(pattern: &EventPattern, paths: &mut Paths) -> Vec<Clauses> {
    let mut combinations = vec![Clauses::new()];
    of_fields(pattern.root(), ROOT, paths, &mut combinations);
    combinations
}

/// Adds to each combination what the fields demand.
fn of_fields(fields: &Fields, parent: u32, paths: &mut Paths, combinations: &mut Vec<Clauses>) {
    for (name, field) in &fields.fields {
        match field {
            Field::Object(inner) => {
                let path = paths.path(parent, name);
                of_fields(inner, path, paths, combinations);
            }
            // What may be missing demands nothing.
            Field::Value(tests) if tests.contains(&Test::Exists(false)) => {}
            Field::Value(tests) => {
                let clauses = of_tests(tests, parent, name, paths);
                for combination in &mut *combinations {
                    combination.extend_from_slice(&clauses);
                }
            }
        }
    }
    if fields.any_of.is_empty() {
        return;
    }
    let mut all = Vec::new();
    for alternative in &fields.any_of {
        let mut demands = vec![Clauses::new()];
        of_fields(alternative, parent, paths, &mut demands);
        all.append(&mut demands);
    }
    if all.len() * combinations.len() <= MAX_COMBINATIONS {
        let with = |one: &Clauses| all.iter().map(|other| [&one[..], other].concat()).collect::<Vec<_>>();
        *combinations = combinations.iter().flat_map(with).collect();
    } else if let Some(clause) = one_of_each(&all) {
        for combination in combinations {
            combination.push(clause.clone());
        }
    }
}

/// A clause that holds if one of the combinations does; there is none if one of them demands nothing.
fn one_of_each(combinations: &[Clauses]) -> Option<Clause> {
    let dear = |clause: &&Clause| (clause.iter().map(|term| term.kind).max(), clause.len());
    let cheapest: Option<Vec<&Clause>> = combinations.iter().map(|one| one.iter().min_by_key(dear)).collect();
    cheapest.map(|clauses| clauses.into_iter().flatten().copied().collect())
}

/// Of one test all that it demands; of several, one clause that holds if one of them does.
fn of_tests(tests: &[Test], parent: u32, name: &str, paths: &mut Paths) -> Clauses {
    if (parent, name) == (ROOT, "client_ip")
        && let Some(terms) = tests.iter().map(of_address).collect()
    {
        return vec![terms];
    }
    let path = paths.path(parent, name);
    let mut demands: Vec<Clauses> = tests.iter().map(|test| of_test(test, path)).collect();
    match demands.as_mut_slice() {
        [only] => std::mem::take(only),
        several => one_of_each(several).into_iter().collect(),
    }
}

/// The event's own address need not be written and read again to be compared.
fn of_address(test: &Test) -> Option<Term> {
    match test {
        Test::Cidr(net) => Some(Term::net(ADDRESS, *net)),
        _ => None,
    }
}

/// There is one clause at least.
fn of_test(wanted: &Test, path: u32) -> Clauses {
    let present = || Term::whole(path, Kind::Present, &[]);
    let term = match wanted {
        Test::Null => Term::whole(path, Kind::Null, &[]),
        Test::Boolean(value) => Term::whole(path, Kind::Boolean, &[u8::from(*value)]),
        Test::Number(number) => Term::number(path, number),
        Test::Text(text) => Term::whole(path, Kind::Text, text.as_bytes()),
        Test::EqualsIgnoreCase(text) => Term::whole(path, Kind::Folded, folded(text).as_bytes()),
        Test::Prefix(start) => Term::start(path, Kind::Prefix, start),
        Test::PrefixIgnoreCase(start) => Term::start(path, Kind::FoldedPrefix, &folded(start)),
        Test::Suffix(end) => Term::end(path, Kind::Suffix, end),
        Test::SuffixIgnoreCase(end) => Term::end(path, Kind::FoldedSuffix, &folded(end)),
        Test::Wildcard(wildcard) => return of_wildcard(wildcard, path).into_iter().map(|term| vec![term]).collect(),
        Test::Cidr(net) => Term::net(path, *net),
        Test::Numeric(Interval { lower: Some(lower), upper: Some(upper) })
            if compare_numbers(&lower.value, &upper.value).is_eq() =>
        {
            Term::number(path, &lower.value)
        }
        Test::Numeric(Interval { lower, upper }) => {
            let [lower, upper] = [lower, upper].map(|end| end.as_ref().map(|end| &end.value));
            return vec![Term::blocks(path, lower, upper)];
        }
        Test::AnythingBut(_) | Test::Exists(_) => present(),
    };
    vec![vec![term]]
}

/// All of these must be there; there is one at least.
fn of_wildcard(wildcard: &Wildcard, path: u32) -> Vec<Term> {
    let (first, between, last) = match wildcard.pieces() {
        [first, between @ .., last] => (first, between, last),
        [only] => return vec![Term::whole(path, Kind::Text, only.as_bytes())],
        [] => return vec![Term::whole(path, Kind::Present, &[])],
    };
    let mut terms = Vec::new();
    if !first.is_empty() {
        terms.push(Term::start(path, Kind::Prefix, first));
    }
    if !last.is_empty() {
        terms.push(Term::end(path, Kind::Suffix, last));
    }
    let grams = between.iter().flat_map(|piece| piece.as_bytes().windows(GRAM));
    terms.extend(grams.take(MAX_GRAMS).map(|gram| Term::whole(path, Kind::Gram, gram)));
    if terms.is_empty() {
        terms.push(Term::whole(path, Kind::Present, &[]));
    }
    terms
}
