//! An event: what happened, to whom, where, and for how long it is kept.

mod action;
mod producer;

pub use crate::id::{EventPk, PkError};
pub use action::{Action, ActionError, ActionPattern, KNOWN_ACTIONS};
pub use producer::Producer;

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::trace::TraceParent;

/// A JSON object with its keys in the caller's order.
pub type Object = Map<String, Value>;

/// How far a caller's clock may run ahead.
pub const MAX_AHEAD: SignedDuration = SignedDuration::from_mins(15);

/// The most bytes an event may have as JSON, once its secrets are masked.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;

/// A stored event. It is never changed after it was stored, but for its expiry.
///
/// As JSON the keys come in the order of the fields; `id` and `source` are there only where the
/// caller named the event, `traceparent` where the caller named a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The time-ordered name that Nuncio gave it.
    pub pk: EventPk,
    /// Who did it; `{}` when nobody is known.
    pub user: Object,
    /// What was done.
    pub action: Action,
    /// What reported it; `""` when the caller did not say.
    pub app: String,
    /// Everything else the caller knows about it.
    pub context: Object,
    /// Where it came from.
    pub client_ip: Option<IpAddr>,
    /// When it happened.
    #[serde(with = "crate::time::micros")]
    pub created: Timestamp,
    /// When it is forgotten. From this instant on it is invisible.
    #[serde(with = "crate::time::micros")]
    pub expires: Timestamp,
    /// The tenant or brand it belongs to; `{}` when the caller did not say.
    pub brand: Object,
    /// The caller's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What makes the caller's `id` unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The trace that its caller named; see [`Event::trace`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<TraceParent>,
    /// What produced it, where that was Nuncio. Callers cannot write it; see [`crate::loop_guard`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub produced_by: Option<Producer>,
}

/// An event for unit tests, of the beginning of 1970.
#[cfg(test)]
pub(crate) fn sample(user: Value, context: Value) -> Event {
    let object = |value: Value| value.as_object().cloned().unwrap_or_default();
    Event {
        pk: EventPk::unnamed(Timestamp::UNIX_EPOCH, 0),
        user: object(user),
        action: Action::parse("login").unwrap(),
        app: String::new(),
        context: object(context),
        client_ip: None,
        created: Timestamp::UNIX_EPOCH,
        expires: Timestamp::MAX,
        brand: Object::new(),
        id: None,
        source: None,
        traceparent: None,
        produced_by: None,
    }
}

impl Event {
    /// Whether it is still to be seen at `now`.
    pub fn is_visible(&self, now: Timestamp) -> bool {
        self.expires > now
    }

    /// The trace that it belongs to: the caller's, or one that its pk gives it.
    pub fn trace(&self) -> TraceParent {
        self.traceparent.unwrap_or_else(|| self.pk.trace())
    }

    /// The event as one line of JSON.
    pub fn to_json(&self) -> String {
        // Every key is a string and no field can refuse, so this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A string at `context.<key>`.
    pub fn context_str(&self, key: &str) -> Option<&str> {
        self.context.get(key).and_then(Value::as_str)
    }

    /// A non-empty string at `user.<key>`.
    pub fn user_str(&self, key: &str) -> Option<&str> {
        self.user.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// `app_label.model_name` of the object the event is about, from `context.model`.
    pub fn model(&self) -> Option<String> {
        let model = self.context.get("model")?.as_object()?;
        let app = model.get("app")?.as_str()?;
        let name = model.get("model_name")?.as_str()?;
        Some([app, ".", name].concat())
    }

    /// The key of the object the event is about, from `context.model.pk`: a text, or a number as it is written.
    pub fn model_pk(&self) -> Option<String> {
        match self.context.get("model")?.get("pk")? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}
