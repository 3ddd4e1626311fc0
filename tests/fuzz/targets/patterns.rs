//! Event patterns as they are written: each is read or refused, is stored as it was read, and the index finds what
//! asking each finds.
//!
//! An input is a case as in `tests/corpus/patterns`, or a list of them: every event is put to every pattern.

#![no_main]

use domain::event::Event;
use domain::ports::NoExpressions;
use domain::rules_document::{Binding, EventPattern, Policy, Rule, RulesDocument};
use libfuzzer_sys::{Corpus, fuzz_target};
use rules::RuleSet;
use serde_json::{Value, json};

const MOST: usize = 16;

fuzz_target!(|input: &[u8]| -> Corpus {
    let cases = match serde_json::from_slice(input) {
        Ok(Value::Array(cases)) => cases,
        Ok(case @ Value::Object(_)) => vec![case],
        _ => return Corpus::Reject,
    };
    let mut document = RulesDocument::default();
    for (at, case) in cases.iter().take(MOST).enumerate() {
        let Ok(pattern) = EventPattern::read(&case["pattern"]) else { continue };
        let stored = serde_json::to_value(&pattern).expect("a pattern is written");
        assert_eq!(serde_json::from_value::<EventPattern>(stored).ok().as_ref(), Some(&pattern), "loaded as stored");
        let name = format!("p{at}");
        document.policies.insert(name.clone(), Policy::EventPattern(pattern).into());
        document.rules.push(Rule { bindings: vec![Binding::to_policy(&*name)], ..Rule::named(name) });
    }
    let rules = RuleSet::compile(&document);
    for event in cases.iter().take(MOST).filter_map(|case| event(&case["event"])) {
        let explained = rules::explain(&document, &event, &NoExpressions);
        let each: Vec<_> = (0..explained.len()).filter(|&at| explained[at].matched).collect();
        assert_eq!(rules.matches(&event), each, "{}", event.to_json());
    }
    Corpus::Keep
});

fn event(given: &Value) -> Option<Event> {
    let mut event = json!({
        "pk": "018653ab-3bf8-7000-8000-000000000000", "user": {}, "action": "unasked", "app": "", "context": {},
        "client_ip": null, "created": "2023-02-15T15:33:42.771091Z", "expires": "2024-02-15T15:33:42.771091Z",
        "brand": {},
    });
    for (key, value) in given.as_object()? {
        event[key] = value.clone();
    }
    serde_json::from_value(event).ok()
}
