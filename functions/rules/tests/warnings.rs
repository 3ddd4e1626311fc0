//! What `nuncio check` says of a pattern, against what the pattern does: a warning that no event matches is certain.

use domain::admission::mask::Masker;
use domain::admission::{AdmissionContext, Draft};
use domain::rules_document::{Binding, Retention, Rule};
use domain::{Event, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;
use rules::RuleSet;
use serde_json::{Value, json};

/// An event as Nuncio stores what a caller posts.
fn accepted(posted: Value) -> Event {
    let admission = AdmissionContext {
        now: "2026-01-02T03:04:05.678901Z".parse::<Timestamp>().unwrap(),
        retention: &Retention::default(),
        masker: &Masker::default(),
        key: None,
        trace: None,
        origins: &(),
        random: 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef,
    };
    Draft::from_value(posted).unwrap().admit(&admission).unwrap().event
}

fn events() -> Vec<Event> {
    let posted = [
        json!({ "action": "login" }),
        json!({ "action": "fe80::1", "app": "192.0.2.7", "client_ip": "192.0.2.7", "id": "2001:db8::7", "source": "7" }),
        json!({ "action": "a", "app": "Shop", "client_ip": "2001:DB8:0::7", "id": 7, "source": "s",
            "created": "2023-02-15T15:33:42+02:00",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" }),
        json!({ "action": "skip", "client_ip": "::ffff:192.0.2.9", "user": { "username": "ann" },
            "context": { "password": "hunter2", "pin": 7, "message": "password=hunter2", "nested": { "token": ["x"] },
                "geo.country": "DE", "geo": { "country": "DE" } } }),
        json!({ "action": "z", "context": { "password": "", "pin": "0", "message": "ok" } }),
    ];
    posted.into_iter().map(accepted).collect()
}

/// The warnings of a file with this pattern, and for each event whether it matches.
fn check(pattern: &Value) -> Option<(Vec<String>, Vec<bool>)> {
    let file = json!({ "policies": { "p": { "event_pattern": pattern } } }).to_string();
    let checked = rulesfile::read_with_warnings(file).ok()?;
    let mut document = checked.document;
    document.rules.push(Rule { bindings: vec![Binding::to_policy("p")], ..Rule::named("r") });
    let rules = RuleSet::compile(&document);
    let matched = events().iter().map(|event| !rules.matches(event).is_empty()).collect();
    Some((checked.warnings.into_iter().map(|warning| warning.what).collect(), matched))
}

/// Texts that an event has, and texts that are nearly so.
fn text() -> impl Strategy<Value = String> {
    let known: Vec<String> = events()
        .iter()
        .flat_map(|event| {
            let json = serde_json::to_value(event).unwrap();
            let texts = json.as_object().unwrap().values().filter_map(Value::as_str).map(str::to_owned);
            texts.collect::<Vec<_>>()
        })
        .chain(["hunter2", "password=hunter2", "ok", "********************", "2026-01-02", "ſKIP"].map(str::to_owned))
        .collect();
    (select(known), 0..8_usize, any::<prop::sample::Index>()).prop_map(|(text, change, at)| match change {
        0 => text.to_uppercase(),
        1 => text.to_lowercase(),
        2 => text.chars().take(at.index(text.chars().count() + 1)).collect(),
        3 => text.chars().skip(at.index(text.chars().count() + 1)).collect(),
        4 => format!("{text} "),
        _ => text,
    })
}

fn test() -> impl Strategy<Value = Value> {
    let plain = select(vec![
        json!(null),
        json!(7),
        json!(true),
        json!({ "exists": true }),
        json!({ "exists": false }),
        json!({ "numeric": [">", 0] }),
        json!({ "cidr": "0.0.0.0/0" }),
        json!({ "cidr": "::/0" }),
        json!({ "anything-but": 7 }),
        json!({ "anything-but": { "prefix": "hunter" } }),
    ]);
    let operators = (text(), 0..9_usize).prop_map(|(text, operator)| match operator {
        0 => json!({ "prefix": text }),
        1 => json!({ "suffix": text }),
        2 => json!({ "equals-ignore-case": text }),
        3 => json!({ "prefix": { "equals-ignore-case": text } }),
        4 => json!({ "suffix": { "equals-ignore-case": text } }),
        5 => json!({ "wildcard": text }),
        6 => json!({ "wildcard": { "equals-ignore-case": text } }),
        7 => json!({ "anything-but": text }),
        _ => json!(text),
    });
    prop_oneof![1 => plain, 3 => operators]
}

fn field() -> impl Strategy<Value = Value> {
    let keys = domain::event::EVENT_KEYS.to_vec();
    let inner = || select(vec!["password", "pin", "message", "geo", "country", "nested", "token"]);
    let tests = || prop::collection::vec(test(), 1).prop_map(Value::Array);
    prop_oneof![
        5 => (select(keys), tests()).prop_map(|(key, tests)| json!({ key: tests })),
        2 => (inner(), tests()).prop_map(|(key, tests)| json!({ "context": { key: tests } })),
        1 => (inner(), inner(), tests()).prop_map(|(outer, key, tests)| json!({ "context": { outer: { key: tests } } })),
    ]
}

/// The pattern with another test in its only field.
fn with_test(pattern: &Value, test: &Value) -> Value {
    match pattern {
        Value::Object(fields) => fields.iter().map(|(key, inner)| (key.clone(), with_test(inner, test))).collect(),
        _ => json!([test]),
    }
}

/// The warnings that say nothing of whether an event matches.
const OTHER: [&str; 2] = ["is not a documented action", "is one name with a dot in it"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_event_matches_what_is_said_to_match_none(pattern in field()) {
        let Some((warnings, matched)) = check(&pattern) else { return Ok(()) };
        for warning in warnings.iter().filter(|warning| !OTHER.iter().any(|other| warning.contains(other))) {
            if warning.ends_with("this anything-but excludes") || warning.ends_with("anything-but excludes nothing") {
                let (_, present) = check(&with_test(&pattern, &json!({ "exists": true }))).unwrap();
                prop_assert_eq!(&matched, &present, "{} {}", pattern, warning);
            } else if warning.ends_with("matches every event") || warning.ends_with("matches in any case") {
                prop_assert!(!matched.contains(&false), "{} {}", pattern, warning);
            } else {
                prop_assert!(!matched.contains(&true), "{} {}", pattern, warning);
            }
        }
    }
}

#[test]
fn what_an_event_has_gives_no_warning() {
    for event in events() {
        let json = serde_json::to_value(&event).unwrap();
        for (key, value) in json.as_object().unwrap().iter().filter(|(_, value)| !value.is_object()) {
            let (warnings, matched) = check(&json!({ key: [value] })).unwrap();
            assert!(warnings.is_empty() && matched.contains(&true), "{key} {value}: {warnings:?}");
        }
    }
    for pattern in [
        json!({ "context": { "geo": { "country": ["DE"] }, "geo.country": [{ "exists": false }] } }),
        json!({ "context": { "http.request.method": ["GET"] } }),
        json!({ "context": { "password": [{ "exists": true }] } }),
        json!({ "client_ip": [null, { "cidr": "192.0.2.0/24" }] }),
        json!({ "id": [{ "exists": false }], "produced_by": { "policy": [{ "exists": true }] } }),
        json!({ "created": [{ "prefix": "2026-01" }], "action": [{ "prefix": "model_" }, { "suffix": "_failed" }] }),
        json!({ "a_field": { "b": [1] } }),
    ] {
        let (warnings, _) = check(&pattern).unwrap();
        let expected = usize::from(pattern["context"].get("geo.country").is_some() || pattern.get("a_field").is_some());
        assert_eq!(warnings.len(), expected, "{pattern}: {warnings:?}");
    }
}
