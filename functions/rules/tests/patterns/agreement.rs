//! The matcher and the definition agree on every pattern and every event.

use domain::ports::NoExpressions;
use proptest::prelude::*;
use proptest::sample::select;
use rules::RuleSet;
use serde_json::{Map, Value, json};

use super::{naive, world};

const KEYS: [&str; 3] = ["a", "b", "c"];

/// Few values, so that events and patterns often share one.
fn leaf() -> impl Strategy<Value = Value> {
    select(vec![
        json!("x"),
        json!("X"),
        json!("xy"),
        json!("yx"),
        json!("x*y"),
        json!("ſς"),
        json!("sΣ"),
        json!(""),
        json!(1),
        json!(1.0),
        json!(2.5),
        json!(-3),
        json!(null),
        json!(true),
        json!(false),
        json!("192.0.2.7"),
        json!("::1"),
        json!("1"),
    ])
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            2 => prop::collection::vec((select(&KEYS[..]), inner.clone()), 0..4).prop_map(object),
            2 => prop::collection::vec(inner, 0..4).prop_map(Value::Array),
        ]
    })
}

fn object(entries: Vec<(&'static str, Value)>) -> Value {
    Value::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn event() -> impl Strategy<Value = Value> {
    (
        prop::collection::vec((select(&KEYS[..]), value()), 0..4).prop_map(object),
        select(vec![json!(null), json!("192.0.2.7"), json!("2001:db8::1")]),
        select(vec!["x", "xy"]),
        proptest::option::of(select(vec!["x", "X"])),
    )
        .prop_map(|(context, client_ip, action, id)| {
            let mut event = json!({ "context": context, "client_ip": client_ip, "action": action });
            if let Some(id) = id {
                event["id"] = json!(id);
            }
            event
        })
}

fn test() -> impl Strategy<Value = Value> {
    let operators = select(vec![
        json!({ "exists": true }),
        json!({ "exists": false }),
        json!({ "exactly": "x" }),
        json!({ "prefix": "x" }),
        json!({ "prefix": "" }),
        json!({ "prefix": { "equals-ignore-case": "X" } }),
        json!({ "suffix": "y" }),
        json!({ "suffix": { "equals-ignore-case": "Y" } }),
        json!({ "equals-ignore-case": "xY" }),
        json!({ "wildcard": "x*y" }),
        json!({ "wildcard": "*x*" }),
        json!({ "wildcard": r"x\*y" }),
        json!({ "wildcard": { "equals-ignore-case": "X*Y" } }),
        json!({ "wildcard": { "equals-ignore-case": "*S*σ*" } }),
        json!({ "wildcard": { "equals-ignore-case": "Sσ" } }),
        json!({ "anything-but": { "wildcard": { "equals-ignore-case": ["*Y", "s*"] } } }),
        json!({ "anything-but": "x" }),
        json!({ "anything-but": ["x", "xy", ""] }),
        json!({ "anything-but": [1, 2.5] }),
        json!({ "anything-but": { "prefix": ["x", "1"] } }),
        json!({ "anything-but": { "suffix": "x" } }),
        json!({ "anything-but": { "equals-ignore-case": ["x", "xy"] } }),
        json!({ "anything-but": { "wildcard": "*x" } }),
        json!({ "numeric": ["=", 1] }),
        json!({ "numeric": [">", -3] }),
        json!({ "numeric": ["<=", 1.0] }),
        json!({ "numeric": [">=", 1, "<", 2.5] }),
        json!({ "cidr": "192.0.2.0/24" }),
        json!({ "cidr": "::/1" }),
    ]);
    prop_oneof![2 => leaf(), 3 => operators, 1 => Just(json!({ "exists": false }))]
}

/// Fields of an object, at times with `$or` beside them.
fn fields() -> impl Strategy<Value = Value> {
    let tests = prop::collection::vec(test(), 1..3).prop_map(Value::Array).boxed();
    let flat = prop::collection::vec((select(&KEYS[..]), tests.clone()), 1..4).prop_map(object);
    flat.prop_recursive(4, 12, 3, move |inner| {
        let entry = (select(&KEYS[..]), prop_oneof![1 => tests.clone(), 2 => inner.clone()]);
        let entries = prop::collection::vec(entry, 1..3).prop_map(object);
        let alternatives = prop::collection::vec(inner, 2..4);
        (entries, proptest::option::weighted(0.6, alternatives), any::<bool>()).prop_map(|(entries, or, alone)| {
            let mut fields = Map::new();
            if !alone || or.is_none() {
                fields.extend(entries.as_object().unwrap().clone());
            }
            fields.extend(or.map(|or| ("$or".to_owned(), Value::Array(or))));
            Value::Object(fields)
        })
    })
}

fn pattern() -> impl Strategy<Value = Value> {
    let outer = select(vec![
        None,
        Some(("client_ip", json!([{ "cidr": "192.0.2.0/24" }, null]))),
        Some(("id", json!([{ "exists": false }, "x"]))),
        Some(("action", json!([{ "anything-but": { "suffix": "y" } }]))),
        Some(("$or", json!([{ "id": ["x"] }, { "context": { "a": [{ "exists": true }] } }]))),
    ]);
    (fields(), outer).prop_map(|(context, outer)| {
        let mut pattern = json!({ "context": context });
        if let Some((key, value)) = outer {
            pattern[key] = value;
        }
        pattern
    })
}

/// The most combinations of leaves that the definition may have to try; some draws would take too long.
fn effort(pattern: &Value) -> usize {
    match pattern {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| match value {
                Value::Array(alternatives) if key == "$or" => alternatives.iter().map(effort).sum(),
                Value::Object(_) => effort(value),
                _ => 1,
            })
            .product(),
        _ => 1,
    }
}

const PATTERNS: usize = 8;
const EVENTS: usize = 10;

/// Patterns with several conditions on one list of values and flat objects.
fn about_one_list() -> impl Strategy<Value = Value> {
    let tests =
        || select(vec![json!([1]), json!([1, 2]), json!([{ "exists": false }]), json!([{ "anything-but": 1 }])]);
    let flat = || prop::collection::vec((select(&KEYS[..]), tests()), 1..3).prop_map(object);
    let wanted = move || prop_oneof![1 => Just(json!([1])), 1 => Just(json!([{ "exists": false }, 2])), 5 => flat()];
    let other = Just(json!({ "other": [1] }));
    let alternative =
        move || prop_oneof![4 => wanted().prop_map(|wanted| json!({ "list": wanted })), 1 => other.clone()];
    let choice = prop::collection::vec(alternative(), 2..4);
    (wanted(), choice, any::<bool>()).prop_map(|(wanted, choice, beside)| {
        let mut fields = json!({ "$or": choice });
        if beside {
            fields["list"] = wanted;
        }
        json!({ "context": fields })
    })
}

fn one_list() -> impl Strategy<Value = Value> {
    let number = select(vec![json!(1), json!(2)]);
    let flat = prop::collection::vec((select(&KEYS[..]), number.clone()), 0..4).prop_map(object);
    let item = prop_oneof![1 => number, 4 => flat];
    let items = prop::collection::vec(item, 0..4).prop_map(Value::Array);
    (items, any::<bool>()).prop_map(
        |(items, nested)| json!({ "context": { "list": if nested { json!([items]) } else { items }, "other": 2 } }),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_matcher_and_the_definition_agree(
        written in prop::collection::vec(pattern().prop_filter("few combinations", |one| effort(one) <= 40), PATTERNS),
        events in prop::collection::vec(event(), EVENTS),
    ) {
        agree(&written, &events)?;
    }

    #[test]
    fn they_agree_on_what_is_said_twice_of_one_list(
        written in prop::collection::vec(about_one_list(), PATTERNS),
        events in prop::collection::vec(one_list(), EVENTS),
    ) {
        agree(&written, &events)?;
    }

    #[test]
    fn a_pattern_is_stored_as_what_it_means(written in pattern()) {
        let pattern = world::pattern(&written);
        let stored = serde_json::to_string(&pattern).unwrap();
        prop_assert_eq!(serde_json::from_str::<domain::rules_document::EventPattern>(&stored).unwrap(), pattern);
    }
}

fn agree(written: &[Value], events: &[Value]) -> Result<(), TestCaseError> {
    let patterns: Vec<_> = written.iter().map(world::pattern).collect();
    let document = world::document(&patterns);
    let rules = RuleSet::compile(&document);
    for event in events {
        let event = world::event(event);
        let shown = serde_json::to_value(&event).unwrap();
        let defined: Vec<_> = (0..PATTERNS).filter(|&at| naive::admits(&written[at], &shown)).collect();
        let explained = rules::explain(&document, &event, &NoExpressions);
        let said: Vec<_> = (0..PATTERNS).filter(|&at| explained[at].matched).collect();
        prop_assert_eq!(rules.matches(&event), &defined[..], "{} {:#?}", shown, &written);
        prop_assert_eq!(said, &defined[..], "{} {:#?}", shown, explained);
    }
    Ok(())
}
