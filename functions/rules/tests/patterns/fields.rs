//! The top-level fields of an event, each as the event's JSON has it.

use domain::event::EVENT_KEYS;
use serde_json::{Map, Value, json};

use super::world;

/// An event that has every field.
fn full() -> Value {
    json!({
        "user": { "username": "ann" }, "action": "login", "app": "shop", "context": { "n": 1 }, "client_ip": "2001:db8::7",
        "brand": { "name": "b" }, "id": "order-7", "source": "shop", "received": "2023-02-15T15:30:00.000000Z",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "produced_by": { "policy": "p" },
    })
}

/// A pattern that only this value matches: every text, number or null in it must be the same.
fn exactly(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), exactly(value))).collect::<Map<_, _>>().into()
        }
        leaf => json!([leaf]),
    }
}

#[test]
fn every_field_is_matched_as_the_events_json_has_it() {
    let event = world::event(&full());
    let json = serde_json::to_value(&event).unwrap();
    let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, EVENT_KEYS);
    for key in EVENT_KEYS {
        let (matched, why) = world::verdict(world::pattern(&json!({ key: exactly(&json[key]) })), &event);
        assert!(matched, "{key}: {why}");
    }
}

#[test]
fn a_field_that_the_event_lacks_is_missing() {
    let event = world::event(&json!({}));
    for key in ["id", "source", "received", "traceparent", "produced_by"] {
        assert!(world::verdict(world::pattern(&json!({ key: [{ "exists": false }] })), &event).0, "{key}");
        assert!(!world::verdict(world::pattern(&json!({ key: [{ "exists": true }] })), &event).0, "{key}");
    }
    let caller = world::event(&json!({ "produced_by": "caller" }));
    assert!(world::verdict(world::pattern(&json!({ "produced_by": ["caller"] })), &caller).0);
    assert!(!world::verdict(world::pattern(&json!({ "produced_by": { "policy": ["p"] } })), &caller).0);
}
