//! Builds events from a few of their fields, and evaluates one pattern on one event.

use domain::Event;
use domain::ports::NoExpressions;
use domain::rules_document::{Binding, EventPattern, Policy, Rule, RulesDocument};
use rules::RuleSet;
use serde_json::{Value, json};

/// An event with these fields; the other fields have values that no pattern of the tests matches.
pub(crate) fn event(given: &Value) -> Event {
    let mut event = json!({
        "pk": "018653ab-3bf8-7000-8000-000000000000", "user": {}, "action": "unasked", "app": "", "context": {},
        "client_ip": null, "created": "2023-02-15T15:33:42.771091Z", "expires": "2024-02-15T15:33:42.771091Z",
        "brand": {},
    });
    for (key, value) in given.as_object().unwrap() {
        event[key] = value.clone();
    }
    serde_json::from_value(event).unwrap_or_else(|error| panic!("{given}: {error}"))
}

pub(crate) fn pattern(written: &Value) -> EventPattern {
    EventPattern::read(written).unwrap_or_else(|faults| panic!("{written}: {faults:#?}"))
}

/// A document with one rule for each pattern.
pub(crate) fn document(patterns: &[EventPattern]) -> RulesDocument {
    let mut document = RulesDocument::default();
    for (at, pattern) in patterns.iter().enumerate() {
        let name = format!("p{at}");
        document.policies.insert(name.clone(), Policy::EventPattern(pattern.clone()).into());
        document.rules.push(Rule { bindings: vec![Binding::to_policy(&*name)], ..Rule::named(name) });
    }
    document
}

/// Whether the pattern admits the event, and why; both evaluations must say the same.
pub(crate) fn verdict(pattern: EventPattern, event: &Event) -> (bool, String) {
    let document = document(&[pattern]);
    let rules = RuleSet::compile(&document);
    let mut explained = rules::explain(&document, event, &NoExpressions).swap_remove(0);
    let matched = rules.matches(event) == [0];
    assert_eq!(explained.matched, matched, "both evaluations agree: {explained:?}");
    (matched, explained.policies.swap_remove(0).why)
}
