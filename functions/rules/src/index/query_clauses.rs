//! Derives from a query the clauses that every event satisfies that it matches.
//!
//! Owns which comparisons mean the same as a term of the index: that a value equals a text, a number or a boolean, or
//! that an address lies in a network. From all others nothing is derived, such as from those that ignore case: a search
//! and the index do so in different ways.

use domain::query::search::{Comparison, FieldTest, Literal, SearchField, SearchQuery};
use ipnet::IpNet;

use super::clauses::Clauses;
use super::path_tree::PathTree;
use super::term::{Term, TermKind};
use crate::event_view::canonical_net;

/// Adds the clauses of the query. It may omit a condition, but never adds one.
pub(super) fn add_query(query: &SearchQuery, paths: &mut PathTree, clauses: &mut Clauses) {
    match query {
        SearchQuery::Comparison(comparison) => add_comparison(comparison, paths, clauses),
        SearchQuery::All(parts) => parts.iter().for_each(|part| add_query(part, paths, clauses)),
        SearchQuery::Any(parts) => {
            let alternatives: Vec<Clauses> = parts
                .iter()
                .map(|part| {
                    let mut alternative = Clauses::default();
                    add_query(part, paths, &mut alternative);
                    alternative
                })
                .collect();
            clauses.push_one_of(&alternatives);
        }
    }
}

fn add_comparison(comparison: &Comparison, paths: &mut PathTree, clauses: &mut Clauses) {
    let values = match &comparison.test {
        _ if comparison.denied => return,
        FieldTest::Equals(value) => std::slice::from_ref(value),
        FieldTest::Among(values) => values,
        FieldTest::Above(_)
        | FieldTest::AtLeast(_)
        | FieldTest::Below(_)
        | FieldTest::AtMost(_)
        | FieldTest::Contains(_)
        | FieldTest::Starts(_)
        | FieldTest::Ends(_) => return,
    };
    let terms: Option<Vec<Term>> = match &comparison.field {
        SearchField::ClientIp => values.iter().map(address).collect(),
        SearchField::Action => values.iter().map(|value| term(value, &["action"], paths)).collect(),
        SearchField::App => values.iter().map(|value| term(value, &["app"], paths)).collect(),
        SearchField::Id => values.iter().map(|value| term(value, &["id"], paths)).collect(),
        SearchField::Source => values.iter().map(|value| term(value, &["source"], paths)).collect(),
        SearchField::User(keys) => values.iter().map(|value| term(value, &below("user", keys), paths)).collect(),
        SearchField::Brand(keys) => values.iter().map(|value| term(value, &below("brand", keys), paths)).collect(),
        SearchField::Context(keys) => values.iter().map(|value| term(value, &below("context", keys), paths)).collect(),
        SearchField::Created | SearchField::Expires | SearchField::Pk => None,
    };
    if let Some(terms) = terms {
        clauses.push(terms);
    }
}

fn below<'k>(root: &'k str, keys: &'k [String]) -> Vec<&'k str> {
    std::iter::once(root).chain(keys.iter().map(String::as_str)).collect()
}

/// The term of an event whose value at the path equals `value`; `None` if there is none, because nothing or `null` also
/// equals it.
fn term(value: &Literal, path: &[&str], paths: &mut PathTree) -> Option<Term> {
    let path = path.iter().fold(PathTree::ROOT, |parent, key| paths.child(parent, key));
    match value {
        // A list also equals its JSON, which is no text of the event.
        Literal::Text(text) if text.starts_with(['[', '{']) => None,
        Literal::Text(text) => Some(Term::whole(path, TermKind::Text, text.as_bytes())),
        Literal::Number(number) => Some(Term::number(path, number)),
        Literal::Bool(value) => Some(Term::whole(path, TermKind::Boolean, &[u8::from(*value); 8])),
        Literal::None => None,
    }
}

fn address(value: &Literal) -> Option<Term> {
    let Literal::Text(text) = value else { return None };
    let net = text.parse::<IpNet>().or_else(|_| text.parse().map(|address: std::net::IpAddr| IpNet::from(address)));
    Some(Term::net(PathTree::ADDRESS, canonical_net(net.ok()?)))
}
