//! Checks each clause of an event matcher and describes the result in words.
//!
//! Owns the wording. A clause that is not configured has no result.

use std::fmt::Display;

use domain::event::ActionPattern;
use domain::event::app_matches;
use domain::query::search::SearchQuery;
use domain::rules_document::EventMatcher;
use domain::text::truncate;
use ipnet::IpNet;

use crate::event_view::{EventView, canonical_net};

/// How many characters of a query's condition are shown.
const MAX_CONDITION_CHARS: usize = 200;

/// The result of checking one configured clause.
pub(crate) struct ClauseResult {
    /// The field and the event's value: `app is "shop"`.
    pub(crate) found: String,
    /// The same with the wanted value, if the clause failed: `app is "shop", wanted blog or below it`.
    pub(crate) failure: Option<String>,
}

/// Checks the configured clauses of `matcher`, in the order in which they are documented.
pub(crate) fn check_all(matcher: &EventMatcher, view: &EventView<'_>) -> Vec<ClauseResult> {
    let mut clauses = Vec::new();
    let mut clause = |name, holds: bool, value: &dyn Fn() -> String, wanted: &dyn Display| {
        let found = format!("{name} is {}", value());
        let failure = (!holds).then(|| format!("{found}, wanted {wanted}"));
        clauses.push(ClauseResult { found, failure });
    };
    if !matcher.action.is_empty() {
        let holds = matcher.action.iter().any(|pattern| pattern.matches(view.action));
        clause("action", holds, &|| quoted(view.action.as_str()), &one_of(&matcher.action));
    }
    if let Some(app) = &matcher.app {
        clause("app", app_matches(app, view.app), &|| quoted(view.app), &format_args!("{app} or below it"));
    }
    if let Some(model) = &matcher.model {
        let found = || view.model().map_or_else(|| "missing".to_owned(), quoted);
        clause("model", view.model() == Some(model), &found, model);
    }
    if let Some(net) = matcher.client_ip {
        let holds = view.client_ip.is_some_and(|address| canonical_net(net).contains(&address));
        let found = || view.client_ip.map_or_else(|| "missing".to_owned(), |address| address.to_string());
        clause("client_ip", holds, &found, &net_text(net));
    }
    if let Some(query) = &matcher.query {
        clauses.push(check_query(query, view));
    }
    clauses
}

/// The query that a checked document has as `source`. `None`, which no event satisfies, if it cannot be parsed.
pub(crate) fn parse_query(source: &str) -> Option<SearchQuery> {
    SearchQuery::parse(source).ok()
}

fn check_query(source: &str, view: &EventView<'_>) -> ClauseResult {
    let query = parse_query(source);
    let failure = match &query {
        Some(query) => {
            let condition = query.first_failure(view.event);
            condition
                .map(|condition| format!("query requires {}", truncate(&condition.to_string(), MAX_CONDITION_CHARS)))
        }
        None => Some("query cannot be read".to_owned()),
    };
    ClauseResult { found: "query holds".to_owned(), failure }
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

/// The network as text; a network of a single address is written as that address.
fn net_text(net: IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
}
