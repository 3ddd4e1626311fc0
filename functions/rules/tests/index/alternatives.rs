//! Values that are longer than the index keeps, and policies with more alternatives than it keeps.

use domain::Event;
use domain::rules_document::{Binding, EventPattern, Policy, Rule, RulesDocument};
use rules::RuleSet;
use serde_json::{Value, json};

use super::mixes::{self, Draw};

fn fires(written: &Value, event: &Event) -> bool {
    let pattern = EventPattern::read(written).unwrap_or_else(|faults| panic!("{written}: {faults:?}"));
    let mut document = RulesDocument::default();
    document.policies.insert("p".to_owned(), Policy::EventPattern(pattern).into());
    document.rules.push(Rule { bindings: vec![Binding::to_policy("p")], ..Rule::named("r") });
    RuleSet::compile(&document).matches(event) == [0]
}

fn event(context: Value) -> Event {
    let mut event = mixes::event(&mut Draw(1), 10);
    event.context = context.as_object().cloned().unwrap();
    event
}

fn a_hundred(last: Value) -> Value {
    let mut alternatives: Vec<_> = (0..99).map(|at| json!({ "a": [at], "b": [{ "prefix": "x" }] })).collect();
    alternatives.push(last);
    json!({ "context": { "$or": alternatives } })
}

#[test]
fn each_of_a_hundred_alternatives_is_found() {
    let written = a_hundred(json!({ "c": ["z"] }));
    for at in 0..99 {
        assert!(fires(&written, &event(json!({ "a": at, "b": "xy" }))), "{at}");
        assert!(!fires(&written, &event(json!({ "a": at, "b": "y" }))), "{at}");
    }
    assert!(fires(&written, &event(json!({ "a": 99, "c": "z" }))));
    assert!(!fires(&written, &event(json!({ "a": 99, "b": "xy" }))));
}

#[test]
fn an_alternative_that_asks_for_nothing_to_be_there_is_found() {
    let written = a_hundred(json!({ "c": [{ "exists": false }] }));
    assert!(fires(&written, &event(json!({ "a": 99 }))));
    assert!(!fires(&written, &event(json!({ "a": 99, "c": 1 }))));
}

#[test]
fn long_texts_are_told_apart_behind_what_the_index_remembers_of_them() {
    let long = "long/".repeat(100);
    for (operator, fitting, other) in [
        ("prefix", format!("{long}x and more"), format!("{long}y and more")),
        ("suffix", format!("more x{long}x"), format!("more y{long}x")),
        ("equals-ignore-case", format!("{}X", long.to_uppercase()), format!("{long}y")),
        ("wildcard", format!("{long}x"), format!("{long}y")),
    ] {
        let wanted = if operator == "suffix" { format!("x{long}x") } else { format!("{long}x") };
        let written = json!({ "context": { "a": [{ operator: wanted }] } });
        assert!(fires(&written, &event(json!({ "a": fitting }))), "{operator}");
        assert!(!fires(&written, &event(json!({ "a": other }))), "{operator}");
    }
}
