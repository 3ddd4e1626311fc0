//! Tests one value against the tests of a field.
//!
//! Owns what each operator means. Does not decide whether a field is missing: a value that is tested exists.

use std::net::IpAddr;

use domain::rules_document::{AnythingBut, Interval, ValuePattern, Wildcard, compare_numbers};
use serde_json::Number;

use crate::case_folding::{fold, folded_chars};
use crate::event_view::Leaf;

impl Leaf<'_> {
    /// Whether the value passes at least one of the tests.
    pub(crate) fn passes_one(self, tests: &[ValuePattern]) -> bool {
        tests.iter().any(|wanted| self.passes(wanted))
    }

    fn passes(self, wanted: &ValuePattern) -> bool {
        match (wanted, self) {
            (ValuePattern::Exists(wanted), _) => *wanted,
            (ValuePattern::AnythingBut(but), leaf) => !leaf.is_excluded(but),
            (ValuePattern::Null, Leaf::Null) => true,
            (ValuePattern::Boolean(wanted), Leaf::Boolean(value)) => *wanted == value,
            (ValuePattern::Number(wanted), Leaf::Number(number)) => compare_numbers(wanted, number).is_eq(),
            (ValuePattern::Numeric(interval), Leaf::Number(number)) => lies_in(number, interval),
            (ValuePattern::Cidr(net), Leaf::Address(address)) => net.contains(&address),
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
                wildcards.iter().any(|wildcard| fits(text, wildcard.pieces()))
            }
            (AnythingBut::WildcardIgnoreCase(wildcards), Leaf::Text(text)) => {
                let text = fold(text);
                wildcards.iter().any(|wildcard| folded_fits(&text, wildcard))
            }
            _ => false,
        }
    }
}

fn text_passes(text: &str, wanted: &ValuePattern) -> bool {
    match wanted {
        ValuePattern::Text(wanted) => wanted == text,
        ValuePattern::EqualsIgnoreCase(wanted) => equals_ignoring_case(text, wanted),
        ValuePattern::Prefix(start) => text.starts_with(start.as_str()),
        ValuePattern::PrefixIgnoreCase(start) => starts_with(folded_chars(text), folded_chars(start)),
        ValuePattern::Suffix(end) => text.ends_with(end.as_str()),
        ValuePattern::SuffixIgnoreCase(end) => starts_with(folded_chars(text).rev(), folded_chars(end).rev()),
        ValuePattern::Wildcard(wildcard) => fits(text, wildcard.pieces()),
        ValuePattern::WildcardIgnoreCase(wildcard) => folded_fits(&fold(text), wildcard),
        ValuePattern::Cidr(net) => text.parse().is_ok_and(|address: IpAddr| net.contains(&address.to_canonical())),
        ValuePattern::Null
        | ValuePattern::Boolean(_)
        | ValuePattern::Number(_)
        | ValuePattern::Numeric(_)
        | ValuePattern::AnythingBut(_)
        | ValuePattern::Exists(_) => false,
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

fn equals_ignoring_case(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        one.eq_ignore_ascii_case(other)
    } else {
        folded_chars(one).eq(folded_chars(other))
    }
}

fn starts_with(mut text: impl Iterator<Item = char>, start: impl Iterator<Item = char>) -> bool {
    let mut start = start;
    start.all(|wanted| text.next() == Some(wanted))
}

/// The first and the last piece are fixed; each other one is taken where it first occurs, which leaves
/// the most for those after it.
fn fits(text: &str, pieces: &[String]) -> bool {
    let [first, between @ .., last] = pieces else {
        return pieces.first().is_none_or(|only| only == text);
    };
    let Some(rest) = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str())) else {
        return false;
    };
    let rest =
        between.iter().try_fold(rest, |rest, piece| rest.find(piece.as_str()).map(|at| &rest[at + piece.len()..]));
    rest.is_some()
}

/// Whether a text in its folded case fits the wildcard in any case.
fn folded_fits(text: &str, wildcard: &Wildcard) -> bool {
    let pieces: Vec<String> = wildcard.pieces().iter().map(|piece| fold(piece)).collect();
    fits(text, &pieces)
}
