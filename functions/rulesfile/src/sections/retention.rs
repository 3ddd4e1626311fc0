//! `retention` and `retention_by_action`: how long events are kept.
//!
//! Owns where a period or pattern stands; what one is, the domain says.

use domain::event::ActionPattern;
use domain::rules_document::{Period, PeriodError};

use crate::fault::{At, Findings};
use crate::names;
use crate::shape;
use crate::tree::Node;

pub(crate) fn default(node: &Node, findings: &mut Findings) -> Option<Period> {
    period(node, "retention", findings)
}

pub(crate) fn by_action(node: &Node, findings: &mut Findings) -> Vec<(ActionPattern, Period)> {
    let entries = shape::named(node, "retention_by_action", "periods", findings).unwrap_or_default();
    let mut periods = Vec::new();
    for (key, value) in entries {
        let pattern = action(&key.text, key.at, findings);
        let period = period(value, "the period", findings);
        periods.extend(pattern.zip(period));
    }
    periods
}

/// An action or the start of one followed by `*`.
pub(crate) fn action(text: &str, at: At, findings: &mut Findings) -> Option<ActionPattern> {
    let pattern = ActionPattern::parse(text).ok();
    if pattern.is_none() {
        let hint = "an action has a-z first, then a-z, 0-9, _ . : - only, and may end in *, such as model_*";
        findings.fault(at, format!("{} is not an action", names::shown(text)), hint);
    }
    pattern
}

pub(crate) fn period(node: &Node, name: &str, findings: &mut Findings) -> Option<Period> {
    let error = match Period::parse(shape::text(node, name, findings)?) {
        Ok(period) => return Some(period),
        Err(error) => error,
    };
    let hint = match error {
        PeriodError::Malformed => "write key=value pairs joined by ;, such as days=365 or hours=3;minutes=1",
        PeriodError::UnknownUnit => "the units are microseconds, milliseconds, seconds, minutes, hours, days, weeks",
        PeriodError::NotANumber => "a value must be a number that is not negative",
        PeriodError::OutOfRange => "it must be longer than nothing and shorter than 1000 years",
    };
    findings.fault(node.at, format!("{name} is not a period"), hint);
    None
}
