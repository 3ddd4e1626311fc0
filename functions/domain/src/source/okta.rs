//! Okta's event hooks: a shared `Authorization` header, and a list of events of the System Log.
//! <https://developer.okta.com/docs/concepts/event-hooks/>

use serde_json::Value;

use super::{InterpretedEvent, SourceRequest, Unmappable};
use crate::rules_document::{SecretRef, Verification};

/// The header of the one-time check of a new hook, which Okta sends by `GET`.
pub const CHALLENGE: &str = "x-okta-verification-challenge";

pub(super) fn verification(secrets: Vec<SecretRef>) -> Verification {
    Verification::Header { header: "authorization".to_owned(), prefix: String::new(), tokens: secrets }
}

/// `okta.<event type>` for each event, named by its uuid.
pub(super) fn events(request: &SourceRequest) -> Result<Vec<InterpretedEvent>, Unmappable> {
    let events = request.payload.pointer("/data/events").and_then(Value::as_array);
    let events = events.ok_or_else(|| Unmappable::new("data.events", "is missing, or is not a list"))?;
    events.iter().enumerate().map(|(place, event)| one(place, event)).collect()
}

fn one(place: usize, event: &Value) -> Result<InterpretedEvent, Unmappable> {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let missing = || Unmappable::new(format!("data.events[{place}].eventType"), "is missing, or is not a text");
    let action = format!("okta.{}", text("/eventType").ok_or_else(missing)?);
    let context = event.as_object().cloned().unwrap_or_default();
    Ok(InterpretedEvent::of(&action, context)?
        .named(text("/uuid"))
        .by(text("/actor/alternateId"))
        .at(event.get("published"))
        .with_address(text("/client/ipAddress")))
}
