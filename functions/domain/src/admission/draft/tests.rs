use super::*;
use serde_json::json;

const NOW: &str = "2026-01-02T03:04:05.678901Z";

fn admit_keyed(value: Value, key: Option<(&str, usize)>, random: u128) -> Result<AdmittedEvent, Rejection> {
    Draft::from_value(value)?.admit(&AdmissionContext {
        now: NOW.parse().unwrap(),
        retention: &Retention::default(),
        masker: &Masker::default(),
        key,
        trace: None,
        origins: &(),
        random,
    })
}

fn admit(value: Value) -> Result<AdmittedEvent, Rejection> {
    admit_keyed(value, None, 1)
}

fn pk(value: Value) -> EventPk {
    admit(value).unwrap().event.pk
}

#[test]
fn the_smallest_event() {
    let admitted = admit(json!({ "action": "login" })).unwrap();
    assert_eq!(admitted.remember, None);
    assert_eq!(
        serde_json::to_string(&admitted.event).unwrap(),
        format!(
            r#"{{"pk":"{}","user":{{}},"action":"login","app":"","context":{{}},"client_ip":null,"created":"2026-01-02T03:04:05.678901Z","expires":"2027-01-02T03:04:05.678901Z","brand":{{}}}}"#,
            admitted.event.pk
        )
    );
}

#[test]
fn no_field_keeps_a_credential() {
    // Assembled here so that no credential-like text stands in the source.
    let credential = ["gh", "p_", &"a1B2".repeat(9)].concat();
    let admitted = admit(json!({
        "action": "login", "id": credential, "source": credential, "app": credential, "user": { "username": credential },
        "context": { "note": credential }, "brand": { "name": credential }
    }))
    .unwrap();
    assert!(!admitted.json.contains(&credential), "{}", admitted.json);
    assert_eq!(admitted.json.matches(crate::admission::mask::MASK).count(), 6, "{}", admitted.json);
}

#[test]
fn faults_name_their_place() {
    for (value, pointer) in [
        (json!([]), ""),
        (json!({}), "/action"),
        (json!({ "action": 1 }), "/action"),
        (json!({ "action": "Nope" }), "/action"),
        (json!({ "action": "a", "client_ip": "300.1.1.1" }), "/client_ip"),
        (json!({ "action": "a", "client_ip": 3 }), "/client_ip"),
        (json!({ "action": "a", "created": "yesterday" }), "/created"),
        (json!({ "action": "a", "created": "2026-01-02T03:20:00Z" }), "/created"),
        (json!({ "action": "a", "created": "1969-12-31T23:59:59Z" }), "/created"),
        (json!({ "action": "a", "user": "root" }), "/user"),
        (json!({ "action": "a", "contxt": {} }), "/contxt"),
        (json!({ "action": "a", "context": { "blob": "x".repeat(MAX_EVENT_BYTES) } }), ""),
    ] {
        assert_eq!(admit(value.clone()).unwrap_err().pointer, pointer, "{value}");
    }
    assert!(admit(json!({ "action": "a", "created": "2026-01-02T03:19:05Z" })).is_ok());
    let last = admit(json!({ "action": "a", "created": "9999-12-31T23:59:59Z" })).unwrap_err();
    assert!(last.detail.contains("in the future"), "it is an instant, although none that can be kept: {}", last.detail);
}

#[test]
fn a_named_event_finds_itself_again() {
    let named = json!({ "action": "login", "pk": "7", "app": "shop", "created": "2025-01-01T00:00:00Z", "context": { "a": 1, "b": 2 } });
    let reordered = json!({ "context": { "b": 2, "a": 1 }, "created": "2025-01-01T01:00:00+01:00", "pk": 7, "app": "shop", "action": "login" });
    assert_eq!(pk(named.clone()), pk(reordered));
    for (key, other) in [
        ("pk", json!("8")),
        ("app", json!("web")),
        ("created", json!("2025-01-01T00:00:00.000001Z")),
        ("context", json!({ "a": 1 })),
    ] {
        let mut changed = named.clone();
        changed[key] = other;
        assert_ne!(pk(named.clone()), pk(changed), "{key}");
    }
    assert_eq!(admit(named).unwrap().event.id.as_deref(), Some("7"));
}

/// Were it another, events posted again across a change of version would be stored twice.
#[test]
fn the_pk_of_a_named_event_is_the_same_in_every_version() {
    let named = json!({
        "action": "login", "id": "7", "source": "s", "created": "2025-01-01T00:00:00Z", "client_ip": "::1",
        "context": { "b": [{ "z": 1.5, "a": null }], "a": { "d": "é\"", "c": true } },
    });
    assert_eq!(pk(named).to_string(), "01941f29-7c00-8f3d-91bc-1ff661dd8de8");
}

#[test]
fn no_secret_decides_a_pk() {
    let with = |password: &str| json!({ "action": "login", "id": "1", "source": "s", "created": "2025-01-01T00:00:00Z", "context": { "password": password } });
    assert_eq!(pk(with("a")), pk(with("b")));
}

#[test]
fn without_a_time_the_name_is_remembered() {
    let value = json!({ "action": "login", "id": "1", "source": "s" });
    let first = admit(value.clone()).unwrap();
    assert!(first.remember.is_some());
    assert_eq!(first.event.created, first.event.pk.instant());
    assert_eq!(admit(value).unwrap().remember, first.remember);
}

#[test]
fn a_request_key_names_by_place() {
    let value = json!({ "action": "login" });
    let named = |place| admit_keyed(value.clone(), Some(("k", place)), 9).unwrap().remember;
    assert!(named(0).is_some());
    assert_ne!(named(0), named(1));
    assert_ne!(
        admit_keyed(value.clone(), None, 1).unwrap().event.pk,
        admit_keyed(value.clone(), None, 2).unwrap().event.pk
    );
}
