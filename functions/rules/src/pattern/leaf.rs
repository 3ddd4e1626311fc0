//! Tests one value against the tests of a field.
//!
//! Owns what each operator means. Does not decide whether a field is missing: a value that is tested exists.

use std::net::IpAddr;

use domain::rules_document::{AnythingBut, Interval, Test, Wildcard, compare_numbers};
use serde_json::Number;

/// A value of an event that is neither an object nor a list.
#[derive(Clone, Copy)]
pub(crate) enum Leaf<'a> {
    Null,
    Boolean(bool),
    Number(&'a Number),
    Text(&'a str),
    /// The event's client address, which needs no parsing.
    Address(IpAddr),
}

impl Leaf<'_> {
    /// Whether the value passes at least one of the tests.
    pub(crate) fn passes_one(self, tests: &[Test]) -> bool {
        tests.iter().any(|wanted| self.passes(wanted))
    }

    fn passes(self, wanted: &Test) -> bool {
        match (wanted, self) {
            (Test::Exists(wanted), _) => *wanted,
            (Test::AnythingBut(but), leaf) => !leaf.is_excluded(but),
            (Test::Null, Leaf::Null) => true,
            (Test::Boolean(wanted), Leaf::Boolean(value)) => *wanted == value,
            (Test::Number(wanted), Leaf::Number(number)) => compare_numbers(wanted, number).is_eq(),
            (Test::Numeric(interval), Leaf::Number(number)) => lies_in(number, interval),
            (Test::Cidr(net), Leaf::Address(address)) => net.contains(&address),
            (wanted, Leaf::Text(text)) => text_passes(text, wanted),
            _ => false,
        }
    }

    /// Whether `anything-but` excludes the value. A value of another type than the excluded ones is not excluded.
    fn is_excluded(self, but: &AnythingBut) -> bool {
        match (but, self) {
            (AnythingBut::Numbers(numbers), Leaf::Number(number)) => {
                numbers.iter().any(|excluded| compare_numbers(excluded, number).is_eq())
            }
            (AnythingBut::Texts(texts), Leaf::Text(text)) => texts.iter().any(|excluded| excluded == text),
            (AnythingBut::EqualsIgnoreCase(texts), Leaf::Text(text)) => {
                texts.iter().any(|excluded| equals_ignoring_case(text, excluded))
            }
            (AnythingBut::Prefix(starts), Leaf::Text(text)) => {
                starts.iter().any(|start| text.starts_with(start.as_str()))
            }
            (AnythingBut::Suffix(ends), Leaf::Text(text)) => ends.iter().any(|end| text.ends_with(end.as_str())),
            (AnythingBut::Wildcard(wildcards), Leaf::Text(text)) => {
                wildcards.iter().any(|wildcard| fits(text, wildcard))
            }
            _ => false,
        }
    }
}

fn text_passes(text: &str, wanted: &Test) -> bool {
    match wanted {
        Test::Text(wanted) => wanted == text,
        Test::EqualsIgnoreCase(wanted) => equals_ignoring_case(text, wanted),
        Test::Prefix(start) => text.starts_with(start.as_str()),
        Test::PrefixIgnoreCase(start) => starts_with(folded(text), folded(start)),
        Test::Suffix(end) => text.ends_with(end.as_str()),
        Test::SuffixIgnoreCase(end) => starts_with(folded(text).rev(), folded(end).rev()),
        Test::Wildcard(wildcard) => fits(text, wildcard),
        Test::Cidr(net) => text.parse().is_ok_and(|address: IpAddr| net.contains(&address.to_canonical())),
        Test::Null | Test::Boolean(_) | Test::Number(_) | Test::Numeric(_) | Test::AnythingBut(_) | Test::Exists(_) => {
            false
        }
    }
}

fn lies_in(number: &Number, interval: &Interval) -> bool {
    let above = interval.lower.as_ref().is_none_or(|end| {
        let order = compare_numbers(number, &end.value);
        order.is_gt() || (end.included && order.is_eq())
    });
    let below = interval.upper.as_ref().is_none_or(|end| {
        let order = compare_numbers(number, &end.value);
        order.is_lt() || (end.included && order.is_eq())
    });
    above && below
}

/// The text in lower case, character by character, so that the result never depends on neighbouring characters.
fn folded(text: &str) -> impl DoubleEndedIterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

fn equals_ignoring_case(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() { one.eq_ignore_ascii_case(other) } else { folded(one).eq(folded(other)) }
}

fn starts_with(mut text: impl Iterator<Item = char>, start: impl Iterator<Item = char>) -> bool {
    let mut start = start;
    start.all(|wanted| text.next() == Some(wanted))
}

/// The first and the last piece are fixed; each other one is taken where it first occurs, which leaves
/// the most for those after it.
fn fits(text: &str, wildcard: &Wildcard) -> bool {
    let [first, between @ .., last] = wildcard.pieces() else {
        return wildcard.pieces().first().is_none_or(|only| only == text);
    };
    let Some(rest) = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str())) else {
        return false;
    };
    let rest =
        between.iter().try_fold(rest, |rest, piece| rest.find(piece.as_str()).map(|at| &rest[at + piece.len()..]));
    rest.is_some()
}
