//! Converts a CloudEvent 1.0 into a draft.
//!
//! `type` becomes the action, `source` the app and the scope of the name, `id` the name, and `time` the time. The keys
//! of `data` become keys of the context. The other attributes are added to the context, too; if `data` has the same
//! key, the attribute moves under the key `cloudevents`. No attribute is lost.

use std::iter;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::admission::{Draft, Rejection, RejectionKind};
use domain::event::Object;
use domain::json::{Finding, JsonError, pointer_segment};
use domain::rules_document::RulesDocument;
use serde_json::Value;
use serde_json::map::Entry;

use super::data::{self, EventData};

/// The JSON pointer to the encoded data.
const ENCODED: &str = "/data_base64";

/// Converts the JSON of a CloudEvent. JSON in its `data_base64` uses at most `memory` bytes, which are subtracted; what is
/// wrong with it is added to `findings`.
pub(super) fn read(
    value: Value,
    document: &RulesDocument,
    memory: &mut usize,
    findings: &mut Vec<Finding>,
) -> Result<Draft, Rejection> {
    let Value::Object(mut attributes) = value else {
        return Err(Rejection::malformed("", "a CloudEvent is a JSON object with specversion, id, source and type"));
    };
    // Producers may send an unset attribute as null.
    attributes.retain(|_, value| !value.is_null());
    if attributes.shift_remove("specversion").is_none_or(|version| version != "1.0") {
        return Err(Rejection::malformed("/specversion", "specversion is required and must be \"1.0\""));
    }
    let id = required(&mut attributes, "id")?;
    let source = required(&mut attributes, "source")?;
    let event_type = required(&mut attributes, "type")?;
    let action = document.cloudevent_action(&event_type).map_err(|error| {
        Rejection::malformed(
            "/type",
            format!("type cannot be converted to an action: {error}; map it under cloudevents.actions"),
        )
    })?;
    let time = attributes.shift_remove("time");
    check_extensions(&attributes)?;
    let data = data_of(&mut attributes, memory, findings)?;
    let context = context(event_type, attributes, data);

    let mut event = Object::new();
    event.insert("id".to_owned(), Value::String(id));
    event.insert("app".to_owned(), Value::String(source.clone()));
    event.insert("source".to_owned(), Value::String(source));
    event.insert("action".to_owned(), Value::String(action.into()));
    event.insert("created".to_owned(), time.unwrap_or_default());
    event.insert("context".to_owned(), Value::Object(context));
    Draft::from_value(Value::Object(event))
}

/// Rejects attributes that no CloudEvent can have: CloudEvents 1.0.2, "Naming conventions" and "Type system".
fn check_extensions(attributes: &Object) -> Result<(), Rejection> {
    for (name, value) in attributes.iter().filter(|(name, _)| !matches!(name.as_str(), "data" | "data_base64")) {
        let fault = if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            "the name of an attribute consists of a-z and 0-9; move other values into data"
        } else if value.as_str().is_some()
            || value.is_boolean()
            || value.as_i64().is_some_and(|n| i32::try_from(n).is_ok())
        {
            continue;
        } else {
            "an attribute is a string, a boolean or a 32-bit integer; move other values into data"
        };
        return Err(Rejection::malformed(pointer_segment(name), fault));
    }
    Ok(())
}

/// Words a fault of the converted event in terms of the CloudEvent.
pub(crate) fn in_cloudevent_terms(mut rejection: Rejection) -> Rejection {
    if rejection.pointer == "/created" {
        "/time".clone_into(&mut rejection.pointer);
        if let Some(rest) = rejection.detail.strip_prefix("created") {
            rejection.detail = format!("time{rest}");
        }
    }
    rejection
}

fn required(attributes: &mut Object, name: &str) -> Result<String, Rejection> {
    match attributes.shift_remove(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(Rejection::malformed(
            format!("/{name}"),
            format!("{name} is required in a CloudEvent and must be a string that is not empty"),
        )),
    }
}

/// Takes the data out of the attributes; `None` if there is none.
fn data_of(
    attributes: &mut Object,
    memory: &mut usize,
    findings: &mut Vec<Finding>,
) -> Result<Option<EventData>, Rejection> {
    let wrong = |detail: String| Err(Rejection::malformed(ENCODED, detail));
    let text = match (attributes.shift_remove("data"), attributes.shift_remove("data_base64")) {
        (data, None) => return Ok(data.map(EventData::Value)),
        (Some(_), Some(_)) => return wrong("send either data or data_base64, not both".to_owned()),
        (None, Some(Value::String(text))) => text,
        (None, Some(_)) => return wrong("data_base64 must be a string".to_owned()),
    };
    let Ok(bytes) = STANDARD.decode(&text) else {
        return wrong("data_base64 is not Base64 (RFC 4648, section 4)".to_owned());
    };
    let content_type = attributes.get("datacontenttype").and_then(Value::as_str).unwrap_or_default();
    let mut found = Vec::new();
    match data::interpret(content_type, &bytes, memory, &mut found) {
        Ok(data) => {
            findings
                .extend(found.into_iter().map(|one| Finding { pointer: format!("{ENCODED}{}", one.pointer), ..one }));
            Ok(Some(data))
        }
        Err(JsonError::Unacceptable { what, pointer, .. }) => {
            Err(Rejection::malformed(format!("{ENCODED}{pointer}"), what))
        }
        Err(error @ JsonError::TooCostly(_)) => {
            let detail = format!("data_base64: {error}; send the JSON as data");
            Err(Rejection { pointer: ENCODED.to_owned(), detail, kind: RejectionKind::TooLarge })
        }
        Err(error) => wrong(format!("data_base64 is not JSON, which datacontenttype says it is: {error}")),
    }
}

fn context(event_type: String, attributes: Object, data: Option<EventData>) -> Object {
    let mut context = match data {
        Some(EventData::Value(Value::Object(data))) => data,
        Some(EventData::Value(data)) => Object::from_iter([("data".to_owned(), data)]),
        Some(EventData::Encoded(data)) => Object::from_iter([("data_base64".to_owned(), Value::String(data))]),
        None => Object::new(),
    };
    let mut displaced = Object::new();
    for (name, value) in iter::once(("type".to_owned(), Value::String(event_type))).chain(attributes) {
        match context.entry(name) {
            Entry::Vacant(vacant) => {
                vacant.insert(value);
            }
            Entry::Occupied(occupied) => {
                displaced.insert(occupied.key().clone(), value);
            }
        }
    }
    if !displaced.is_empty() {
        let mut name = "cloudevents".to_owned();
        while context.contains_key(&name) {
            name.push('_');
        }
        context.insert(name, Value::Object(displaced));
    }
    context
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_default(value: Value) -> Result<Draft, Rejection> {
        let mut memory = usize::MAX;
        read(value, &RulesDocument::default(), &mut memory, &mut Vec::new())
    }

    fn with(more: Value) -> Value {
        let mut event = json!({ "specversion": "1.0", "id": "7", "source": "/shop", "type": "com.example.OrderPaid" });
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    }

    fn context_of(more: Value) -> Value {
        Value::Object(read_default(with(more)).unwrap().context)
    }

    #[test]
    fn attributes_become_the_events_fields() {
        let draft = read_default(with(json!({ "time": "2025-01-02T03:04:05Z", "subject": "order/7" }))).unwrap();
        assert_eq!(
            (draft.action.as_str(), draft.app.as_str(), draft.id.as_deref(), draft.source.as_deref()),
            ("order_paid", "/shop", Some("7"), Some("/shop"))
        );
        assert_eq!(draft.created, Some("2025-01-02T03:04:05Z".parse().unwrap()));
        assert_eq!(Value::Object(draft.context), json!({ "type": "com.example.OrderPaid", "subject": "order/7" }));
    }

    #[test]
    fn data_joins_the_context() {
        assert_eq!(
            context_of(json!({ "data": { "amount": 3 }, "tenant": "a", "dataschema": "x:y", "clientip": "::1" })),
            json!({ "amount": 3, "type": "com.example.OrderPaid", "tenant": "a", "dataschema": "x:y", "clientip": "::1" })
        );
        assert_eq!(context_of(json!({ "data": [1] }))["data"], json!([1]));
        assert_eq!(context_of(json!({ "data_base64": "AAEC" }))["data_base64"], "AAEC");
        assert_eq!(context_of(json!({ "data": null, "subject": null })), json!({ "type": "com.example.OrderPaid" }));
    }

    #[test]
    fn encoded_data_is_what_its_type_says() {
        let encoded = |bytes: &[u8]| STANDARD.encode(bytes);
        for (content_type, bytes, key, value) in [
            (Some("application/json"), &br#"{"amount": 3}"#[..], "amount", json!(3)),
            (Some("application/vnd.x+json; charset=utf-8"), b"[1]", "data", json!([1])),
            (Some("text/plain"), b"hello", "data", json!("hello")),
            (Some("application/xml"), b"<much wow=\"xml\"/>", "data", json!("<much wow=\"xml\"/>")),
            (Some("image/png"), b"[1]", "data_base64", json!("WzFd")),
            (None, b"[1]", "data", json!([1])),
            (None, b"hello", "data_base64", json!("aGVsbG8=")),
        ] {
            let context = context_of(json!({ "datacontenttype": content_type, "data_base64": encoded(bytes) }));
            assert_eq!(context[key], value, "{content_type:?}");
            assert_eq!(context.get("datacontenttype").and_then(Value::as_str), content_type);
        }
        for (bytes, pointer, detail) in [
            (&b"{"[..], "/data_base64", "is not JSON, which datacontenttype says it is"),
            (br#"{"a": [1e400]}"#, "/data_base64/a/0", "out of range"),
            (b"\"\xff\"", "/data_base64", "UTF-8"),
        ] {
            let event = json!({ "datacontenttype": "application/json", "data_base64": encoded(bytes) });
            let rejection = read_default(with(event)).unwrap_err();
            assert_eq!(rejection.pointer, pointer, "{}", rejection.detail);
            assert!(rejection.detail.contains(detail), "{}", rejection.detail);
        }
        let event = with(json!({ "datacontenttype": "application/json", "data_base64": encoded(b"[[],[],[]]") }));
        let rejection = read(event, &RulesDocument::default(), &mut 100, &mut Vec::new()).unwrap_err();
        assert_eq!((rejection.kind, rejection.pointer.as_str()), (RejectionKind::TooLarge, "/data_base64"));
    }

    #[test]
    fn extensions_are_strings_booleans_and_integers() {
        let extensions = json!({ "sampledrate": -2_147_483_648, "partitionkey": "p", "replayed": true, "x1": "" });
        let mut expected = extensions.clone();
        expected["type"] = "com.example.OrderPaid".into();
        assert_eq!(context_of(extensions), expected);
    }

    #[test]
    fn the_datas_own_keys_come_first() {
        assert_eq!(
            context_of(json!({ "data": { "type": "visa", "cloudevents": 1 }, "subject": "s" })),
            json!({ "type": "visa", "cloudevents": 1, "subject": "s", "cloudevents_": { "type": "com.example.OrderPaid" } })
        );
        assert_eq!(
            context_of(json!({ "data": { "tenant": "b" }, "tenant": "a" }))["cloudevents"],
            json!({ "tenant": "a" })
        );
    }

    #[test]
    fn what_is_missing_or_wrong_is_pointed_at() {
        for (more, pointer) in [
            (json!({ "specversion": "0.3" }), "/specversion"),
            (json!({ "specversion": null }), "/specversion"),
            (json!({ "id": null }), "/id"),
            (json!({ "id": 7 }), "/id"),
            (json!({ "source": "" }), "/source"),
            (json!({ "type": null }), "/type"),
            (json!({ "type": "42" }), "/type"),
            (json!({ "time": "noon" }), "/time"),
            (json!({ "data": 1, "data_base64": "AA==" }), "/data_base64"),
            (json!({ "data_base64": 1 }), "/data_base64"),
            (json!({ "data_base64": "AA" }), "/data_base64"),
            (json!({ "data_base64": "no base64!" }), "/data_base64"),
            (json!({ "Bad_Name": "x" }), "/Bad_Name"),
            (json!({ "client_ip": "::1" }), "/client_ip"),
            (json!({ "a/b": "x" }), "/a~1b"),
            (json!({ "": "x" }), "/"),
            (json!({ "extension": { "a": 1 } }), "/extension"),
            (json!({ "extension": [1] }), "/extension"),
            (json!({ "extension": 1.5 }), "/extension"),
            (json!({ "extension": 2_147_483_648_i64 }), "/extension"),
        ] {
            assert_eq!(in_cloudevent_terms(read_default(with(more.clone())).unwrap_err()).pointer, pointer, "{more}");
        }
        assert_eq!(read_default(json!([])).unwrap_err().pointer, "");
        let noon = in_cloudevent_terms(read_default(with(json!({ "time": "noon" }))).unwrap_err());
        assert!(noon.detail.starts_with("time must be an RFC 3339 time"), "{}", noon.detail);
    }
}
