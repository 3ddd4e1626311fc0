use serde_json::{Value, json};

use super::*;

fn faults(value: &Value) -> Vec<String> {
    EventPattern::read(value).unwrap_err().iter().map(|fault| format!("{} {}", fault.pointer, fault.what)).collect()
}

#[test]
fn a_pattern_is_stored_as_it_is_written() {
    let written = json!({
        "action": ["login", { "prefix": "model_" }, { "prefix": { "equals-ignore-case": "M" } }],
        "context": {
            "n": [null, true, 1, 1.0, { "numeric": ["=", 3] }, { "numeric": [">", 0, "<=", 5.5] }, { "numeric": ["<", 1] }],
            "t": [{ "suffix": "x" }, { "suffix": { "equals-ignore-case": "X" } }, { "wildcard": r"a*\*" }, { "wildcard": { "equals-ignore-case": r"É*\\" } }, { "equals-ignore-case": "é" }],
            "b": [{ "anything-but": "a" }, { "anything-but": [1, 2] }, { "anything-but": { "wildcard": ["*a", "b*"] } },
                { "anything-but": { "wildcard": { "equals-ignore-case": "*A" } } },
                { "anything-but": { "wildcard": { "equals-ignore-case": ["*A", "b*"] } } },
                { "anything-but": { "prefix": "a" } }, { "anything-but": { "suffix": ["a", "b"] } },
                { "anything-but": { "equals-ignore-case": "a" } }],
            "$or": [{ "a": [{ "exists": false }] }, { "b": { "c": [{ "cidr": "192.0.2.0/24" }, { "cidr": "2001:db8::1/128" }] } }],
        },
    });
    let pattern = EventPattern::read(&written).unwrap();
    assert_eq!(serde_json::to_value(&pattern).unwrap(), written);
    assert_eq!(serde_json::from_value::<EventPattern>(written).unwrap(), pattern);
}

#[test]
fn what_is_stored_is_checked_when_it_is_read() {
    let error = serde_json::from_value::<EventPattern>(json!({ "a": { "b": [] } })).unwrap_err();
    assert!(error.to_string().starts_with("/a/b: this list is empty"), "{error}");
}

#[test]
fn every_fault_is_found_with_its_place() {
    let value = json!({ "a/b": "x", "c": [{ "numeric": [">", "1", "!", 2] }, [], { "prefx": "a" }], "d": {} });
    assert_eq!(
        faults(&value),
        [
            r#"/a~1b "a/b" must be a list of values or an object of fields"#,
            "/c/0/numeric/1 numeric can compare only with a number",
            "/c/0/numeric/2 this is not a comparison operator",
            "/c/1 this list is inside a list of values",
            r#"/c/2/prefx "prefx" is not an operator that can be used here"#,
            "/d this object has no fields",
        ]
    );
}

#[test]
fn a_mapped_network_is_its_ipv4_form_and_bits_beyond_the_prefix_are_cleared() {
    for (written, stored) in [("::ffff:192.0.2.0/120", "192.0.2.0/24"), ("192.0.2.7/24", "192.0.2.0/24")] {
        let pattern = EventPattern::read(&json!({ "a": [{ "cidr": written }] })).unwrap();
        assert_eq!(serde_json::to_value(pattern).unwrap(), json!({ "a": [{ "cidr": stored }] }));
    }
}

/// `$or` of `width` alternatives under each of `count` fields.
fn wide(count: usize, width: usize, beside: usize) -> Value {
    let mut root: serde_json::Map<_, _> = (0..beside).map(|at| (format!("f{at}"), json!([1]))).collect();
    for at in 0..count {
        let alternatives: Vec<_> = (0..width).map(|at| json!({ format!("a{at}"): [1] })).collect();
        root.insert(format!("o{at}"), json!({ "$or": alternatives }));
    }
    Value::Object(root)
}

#[test]
fn combinations_are_limited() {
    assert!(EventPattern::read(&wide(3, 10, 0)).is_ok());
    assert_eq!(faults(&wide(1, 1001, 0)), [" the alternatives of $or make more than 1000 combinations"]);
    assert_eq!(faults(&wide(200, 10, 0)), [" the alternatives of $or make more than 1000 combinations"]);
    assert!(EventPattern::read(&wide(3, 10, 17)).is_ok());
    assert_eq!(faults(&wide(3, 10, 18)), [" the combinations of $or have more than 20000 fields in total"]);
    let inside = json!({ "$or": [wide(1, 500, 0), wide(1, 500, 0)] });
    assert!(EventPattern::read(&inside).is_ok(), "alternatives add up, fields multiply");
}

#[test]
fn nesting_is_limited() {
    let nested = |levels: usize| (0..levels).fold(json!([1]), |inner, _| json!({ "a": inner }));
    assert!(EventPattern::read(&nested(EventPattern::MAX_DEPTH)).is_ok());
    assert!(faults(&nested(EventPattern::MAX_DEPTH + 1))[0].ends_with("more than 64 levels of nesting"));
}
