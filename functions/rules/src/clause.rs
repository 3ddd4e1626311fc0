//! One clause of an event matcher at a time, in words.
//!
//! Owns the sentences; a clause that is not configured does not exist here.

use std::fmt::Display;

use domain::event::ActionPattern;
use domain::query::app_admits;
use domain::rules_document::EventMatcher;
use ipnet::IpNet;

use crate::facts::{Facts, canonical_net};

/// A configured clause put to an event.
pub(crate) struct Clause {
    /// The field with the event's value.
    pub(crate) found: String,
    /// The event's value beside what was wanted, where they do not agree.
    pub(crate) failure: Option<String>,
}

/// The configured clauses of `matcher`, in the order in which they are documented.
pub(crate) fn all(matcher: &EventMatcher, facts: &Facts<'_>) -> Vec<Clause> {
    let mut clauses = Vec::new();
    let mut clause = |name, holds: bool, value: &dyn Fn() -> String, wanted: &dyn Display| {
        let found = format!("{name} is {}", value());
        let failure = (!holds).then(|| format!("{found}, wanted {wanted}"));
        clauses.push(Clause { found, failure });
    };
    if !matcher.action.is_empty() {
        let holds = matcher.action.iter().any(|pattern| pattern.admits(facts.action));
        clause("action", holds, &|| quoted(facts.action.as_str()), &one_of(&matcher.action));
    }
    if let Some(app) = &matcher.app {
        clause("app", app_admits(app, facts.app), &|| quoted(facts.app), &format_args!("{app} or below it"));
    }
    if let Some(model) = &matcher.model {
        let found = || facts.model().map_or_else(|| "missing".to_owned(), quoted);
        clause("model", facts.model() == Some(model), &found, model);
    }
    if let Some(net) = matcher.client_ip {
        let holds = facts.client_ip.is_some_and(|address| canonical_net(net).contains(&address));
        let found = || facts.client_ip.map_or_else(|| "missing".to_owned(), |address| address.to_string());
        clause("client_ip", holds, &found, &net_text(net));
    }
    clauses
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn one_of(patterns: &[ActionPattern]) -> String {
    let names: Vec<_> = patterns.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [only] => only.clone(),
        several => format!("one of {}", several.join(", ")),
    }
}

/// A network of one address is written as that address.
fn net_text(net: IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
}
