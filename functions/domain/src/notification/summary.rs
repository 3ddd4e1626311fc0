//! Summarises an event in one line that fits a lock screen: the event's own message, or the parts of its context that
//! say what happened.
//!
//! Owns which parts are mere circumstances and left out. A view of the whole event shows its context as well.

use serde_json::Value;

use crate::admission::mask::MASK;
use crate::event::{Event, Object};
use crate::text::{describe, truncate};

const SUMMARY_CHARS: usize = 1000;

/// Keys of the context that are left out: long, alike in most events, and rarely the point.
const CIRCUMSTANCES: [&str; 7] = ["http_request", "geo", "asn", "brand", "diff", "exception", "auth_method_args"];

/// The event's `context.message` if there is one, else its action and its context in one line: objects and places by
/// name, changes by the names of their fields, masked values left out. Up to 1,000 characters, except for
/// `context.message`.
pub fn summary(event: &Event) -> String {
    match event.context.get("message") {
        Some(Value::String(message)) if !message.is_empty() => return message.clone(),
        Some(Value::Null) | None => {}
        Some(other) => return describe(other),
    }
    let mut details = essentials(&event.context);
    if details.is_empty() {
        details = event.context.iter().map(|(key, value)| format!("{key}: {}", describe(value))).collect();
    }
    if details.is_empty() {
        return event.action.to_string();
    }
    truncate(&format!("{}: {}", event.action, details.join(", ")), SUMMARY_CHARS)
}

fn essentials(context: &Object) -> Vec<String> {
    let told = |(key, value): &(&String, &Value)| !CIRCUMSTANCES.contains(&key.as_str()) && **value != *MASK;
    let mut details: Vec<_> =
        context.iter().filter(told).map(|(key, value)| format!("{key}: {}", named(value))).collect();
    if let Some(Value::Object(diff)) = context.get("diff") {
        details.extend(list("changed", diff.keys().map(String::as_str)));
    }
    if let Some(Value::Object(geo)) = context.get("geo") {
        let parts = ["city", "country"].map(|key| geo.get(key).and_then(Value::as_str).unwrap_or_default());
        details.extend(list("from", parts.into_iter()));
    }
    details
}

fn list<'a>(what: &str, parts: impl Iterator<Item = &'a str>) -> Option<String> {
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| format!("{what}: {}", parts.join(", ")))
}

/// An object by its name and its kind, if it has a name; any other value as [`describe`] writes it.
fn named(value: &Value) -> String {
    let Value::Object(object) = value else { return describe(value) };
    let text = |key| object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    match (text("model_name"), text("name").or_else(|| text("username"))) {
        (Some(model), Some(name)) => format!("{model} {name}"),
        (None, Some(name)) => name.to_owned(),
        (_, None) => describe(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::admission::{AdmissionContext, Draft};

    fn said(context: Value) -> String {
        let draft = Draft::from_value(json!({ "action": "seen", "context": context })).unwrap();
        let retention = crate::rules_document::Retention::default();
        let masker = crate::admission::mask::Masker::new(&crate::rules_document::RedactSettings::default());
        let now = crate::Timestamp::UNIX_EPOCH;
        let admission = AdmissionContext {
            now,
            retention: &retention,
            masker: &masker,
            key: None,
            trace: None,
            origins: &(),
            random: 0,
        };
        summary(&draft.admit(&admission).unwrap().event)
    }

    #[test]
    fn a_message_says_it_all() {
        assert_eq!(said(json!({ "message": "Out of paper", "geo": { "city": "Oslo" } })), "Out of paper");
        assert_eq!(said(json!({})), "seen");
    }

    #[test]
    fn circumstances_are_left_out_and_names_stand_for_objects() {
        let context = json!({
            "username": "ann", "password": "x",
            "stage": { "app": "stages", "model_name": "passwordstage", "name": "default", "pk": "7" },
            "user": { "pk": 3, "username": "bob", "email": "bob@example.org" },
            "http_request": { "path": "/", "method": "GET" },
            "diff": { "email": { "previous_value": "a", "new_value": "b" }, "name": {} },
            "geo": { "city": "", "country": "KE", "lat": 1.5 },
        });
        assert_eq!(
            said(context),
            "seen: username: ann, stage: passwordstage default, user: bob, changed: email, name, from: KE"
        );
    }

    #[test]
    fn where_there_are_only_circumstances_they_are_told() {
        assert_eq!(said(json!({ "http_request": { "method": "GET" } })), "seen: http_request: (method: GET)");
    }
}
