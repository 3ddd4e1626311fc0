//! Any payload either becomes events that can be accepted, or says what is wrong.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::admission::Draft;

fn source(preset: Option<SourcePreset>) -> EventSource {
    let verification = verification(SourcePreset::Github, Vec::new());
    EventSource { name: "s".to_owned(), preset, verification, id: None }
}

fn headers() -> BTreeMap<String, String> {
    [("x-github-event", "push"), ("sentry-hook-resource", "issue"), ("x-github-delivery", "d1")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// JSON with the keys that presets look for.
fn payloads() -> impl Strategy<Value = Value> {
    let keys = prop::sample::select(vec![
        "action",
        "alerts",
        "challenge",
        "created",
        "data",
        "event",
        "event_type",
        "events",
        "eventType",
        "fingerprint",
        "id",
        "object_kind",
        "object_attributes",
        "published",
        "sender",
        "login",
        "startsAt",
        "status",
        "timestamp",
        "type",
        "user",
        "username",
        "uuid",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("2026-01-02T03:04:05Z")),
        Just(json!("url_verification")),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keys.clone(), inner, 0..6)
                .prop_map(|entries| entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn what_a_payload_becomes_can_be_accepted(payload in payloads()) {
        let request = SourceRequest { headers: headers(), payload };
        for preset in SourcePreset::ALL.map(Some).into_iter().chain([None]) {
            let source = source(preset);
            let _ = request_id(&source, &request);
            match interpret(&source, &request) {
                Ok(Interpretation::Events(events)) => {
                    for one in events {
                        prop_assert!(Draft::from_value(Value::Object(one.event.clone())).is_ok(), "{:?}", one.event);
                    }
                }
                Ok(Interpretation::Handshake(_)) => prop_assert_eq!(preset, Some(SourcePreset::Slack)),
                Err(why) => prop_assert!(!why.to_string().is_empty()),
            }
        }
    }

    #[test]
    fn a_body_is_read_as_json_whatever_its_type_says(body in "\\PC{0,60}", kind in "[a-z/;= -]{0,40}") {
        let parsed = parse(Some(&kind), body.as_bytes(), 1 << 20);
        let is_form = kind.trim_start().starts_with("application/x-www-form-urlencoded");
        let expected = serde_json::from_str::<Value>(&body).ok().filter(|_| !is_form);
        if let Some(expected) = expected {
            prop_assert_eq!(parsed.ok(), Some(expected));
        }
    }
}

#[test]
fn a_form_has_json_in_its_field_payload() {
    let form = Some("application/x-www-form-urlencoded; charset=utf-8");
    let parsed = parse(form, b"a=1&payload=%7B%22action%22%3A%22opened%22%7D", 1 << 20);
    assert_eq!(parsed, Ok(json!({ "action": "opened" })));
    for body in ["", "a=1", "payload=", "payload=x"] {
        assert!(parse(form, body.as_bytes(), 1 << 20).is_err(), "{body}");
    }
}

#[test]
fn a_request_is_named_by_its_header_or_by_a_path() {
    let payload = json!({ "data": { "id": 7, "text": "x", "none": null } });
    let mut request = SourceRequest { headers: headers(), payload };
    let named = |id: Option<IdLocation>, preset, request: &SourceRequest| {
        request_id(&EventSource { id, ..source(preset) }, request)
    };
    assert_eq!(named(None, Some(SourcePreset::Github), &request).as_deref(), Some("d1"));
    assert_eq!(named(None, None, &request), None);
    for (path, name) in [("data.id", Some("7")), ("data.text", Some("x")), ("data.none", None), ("data", None)] {
        assert_eq!(named(Some(IdLocation::Payload(path.to_owned())), None, &request).as_deref(), name, "{path}");
    }
    request.headers.insert("svix-id".to_owned(), "m1".to_owned());
    let signed = verification(SourcePreset::StandardWebhooks, Vec::new());
    let standard = EventSource { verification: signed, ..source(None) };
    assert_eq!(request_id(&standard, &request).as_deref(), Some("m1"));
}
