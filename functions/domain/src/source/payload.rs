//! Reads the body of a request: JSON, or a form with JSON in its field `payload`.

use serde_json::{Value, json as value};

use super::{InterpretedEvent, SourceRequest};
use crate::event::Object;
use crate::json::{self, FindingKind, JsonError};

/// The action of an event whose payload no preset explains.
const ACTION: &str = "webhook_received";

/// Why a payload cannot become events. Has no text of the payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}{}{what}", if place.is_empty() { "" } else { " " })]
pub struct Unmappable {
    /// The place in the request, such as `event.id`; empty for the whole payload.
    pub place: String,
    /// What is wrong there.
    pub what: String,
}

impl Unmappable {
    pub(super) fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

/// Reads a body by its content type: JSON unless it is a form, as GitHub and Slack can send it.
///
/// The values take at most `memory` bytes. U+0000, which no event may have, becomes U+FFFD.
///
/// # Errors
/// If the body is not JSON, or if the form has no field `payload` with JSON.
pub fn parse(content_type: Option<&str>, body: &[u8], memory: usize) -> Result<Value, Unmappable> {
    let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let mut fields = form_urlencoded::parse(body).filter(|(name, _)| name == "payload");
        let (_, text) = fields.next().ok_or_else(|| Unmappable::new("", "the form has no field payload"))?;
        return json_of(text.as_bytes(), "the form's field payload", memory);
    }
    json_of(body, "the body", memory)
}

fn json_of(text: &[u8], what: &str, memory: usize) -> Result<Value, Unmappable> {
    if json::without_bom(text).trim_ascii().is_empty() {
        return Err(Unmappable::new(what, "is empty"));
    }
    match json::parse_within(text, memory) {
        Ok(mut parsed) => {
            if parsed.findings.iter().any(|finding| finding.kind == FindingKind::Nul) {
                replace_nul(&mut parsed.value);
            }
            Ok(parsed.value)
        }
        Err(JsonError::Unacceptable { what: why, pointer, .. }) => {
            Err(Unmappable::new(format!("{what} at {pointer:?}"), format!("has a value that is not accepted: {why}")))
        }
        Err(error) => Err(Unmappable::new(what, format!("is not JSON: {error}"))),
    }
}

fn replace_nul(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.replace('\0', "\u{fffd}"),
        Value::Array(items) => items.iter_mut().for_each(replace_nul),
        Value::Object(object) => {
            for (key, mut value) in std::mem::take(object) {
                replace_nul(&mut value);
                object.insert(key.replace('\0', "\u{fffd}"), value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// One event that has the whole payload as its context.
pub(super) fn as_context(request: &SourceRequest) -> Result<Vec<InterpretedEvent>, Unmappable> {
    let context = match &request.payload {
        Value::Object(object) => object.clone(),
        other => Object::from_iter([("payload".to_owned(), value!(other))]),
    };
    Ok(vec![InterpretedEvent::of(ACTION, context)?])
}
