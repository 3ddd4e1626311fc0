//! Reads `retention` and `retention_by_action`: how long events are kept.
//!
//! Owns the positions of periods and actions, and the warning of a misspelt action. The domain parses them.

use domain::event::{ActionPattern, KNOWN_ACTIONS};
use domain::rules_document::{Period, PeriodError};

use crate::diagnostics::Diagnostics;
use crate::names;
use crate::shape;
use crate::source_map::Position;
use crate::tree::Node;

pub(crate) fn default(node: &Node, diagnostics: &mut Diagnostics) -> Option<Period> {
    period(node, "retention", diagnostics)
}

pub(crate) fn by_action(node: &Node, diagnostics: &mut Diagnostics) -> Vec<(ActionPattern, Period)> {
    let entries = shape::named(node, "retention_by_action", "periods", diagnostics).unwrap_or_default();
    let mut periods = Vec::new();
    for (key, value) in entries {
        let pattern = action(&key.text, key.at, diagnostics);
        let period = period(value, "the period", diagnostics);
        periods.extend(pattern.zip(period));
    }
    periods
}

/// Reads an action, or a prefix of actions followed by `*`.
pub(crate) fn action(text: &str, at: Position, diagnostics: &mut Diagnostics) -> Option<ActionPattern> {
    let pattern = ActionPattern::parse(text).ok();
    if pattern.is_none() {
        let hint = "an action starts with a-z, continues with a-z, 0-9, _ . : - and may end in *, such as model_*";
        diagnostics.fault(at, format!("{} is not an action", names::shown(text)), hint);
    }
    pattern
}

/// Warns of an action that resembles a documented one. Custom actions are allowed, but this one is probably misspelt.
pub(super) fn warn_of_misspelling(name: &str, at: Position, diagnostics: &mut Diagnostics) {
    if KNOWN_ACTIONS.contains(&name) || name.starts_with("custom_") {
        return;
    }
    if let Some(near) = names::nearest(name, KNOWN_ACTIONS, diagnostics) {
        diagnostics.warning(at, format!("{name} is not a documented action"), format!("did you mean {near}?"));
    }
}

pub(crate) fn period(node: &Node, name: &str, diagnostics: &mut Diagnostics) -> Option<Period> {
    parse(node, name, Period::parse, diagnostics)
}

/// Reads a length of time with `parse`: [`Period::parse`], or [`Period::parse_or_zero`] where it may be zero.
pub(crate) fn parse<T>(
    node: &Node,
    name: &str,
    parse: fn(&str) -> Result<T, PeriodError>,
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    let error = match parse(shape::text(node, name, diagnostics)?) {
        Ok(period) => return Some(period),
        Err(error) => error,
    };
    let (what, hint) = match error {
        PeriodError::Malformed => {
            ("is not a period", "write unit=number pairs joined by ;, such as days=365 or hours=3;minutes=1")
        }
        PeriodError::UnknownUnit => {
            ("has an unknown unit", "the units are microseconds, milliseconds, seconds, minutes, hours, days, weeks")
        }
        PeriodError::NotANumber => {
            ("has a unit without a number", "write zero or a positive number behind each =, such as days=7")
        }
        PeriodError::Zero => ("is zero", "write a period longer than zero"),
        PeriodError::TooLong => ("is longer than 1000 years", "write a shorter period"),
    };
    diagnostics.fault(node.at, format!("{name} {what}"), hint);
    None
}
