//! An event: what happened, who did it, where, and how long it is kept.
//!
//! Owns the stored form. Refuses to check or mask anything; see [`crate::admission`].

mod action;
mod producer;

pub use crate::id::{EventPk, PkError};
pub use action::{Action, ActionError, ActionPattern, KNOWN_ACTIONS};
pub use producer::Producer;

use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::trace::TraceParent;

/// A JSON object with its keys in the caller's order.
pub type Object = Map<String, Value>;

/// How far in the future an event's `created` may lie when it is received.
pub const MAX_AHEAD: SignedDuration = SignedDuration::from_mins(15);

/// The most bytes an event may have as JSON, once its secrets are masked.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;

/// Every top-level key that the JSON of an event can have, in the order of the fields of [`Event`].
pub const EVENT_KEYS: [&str; 14] = [
    "pk",
    "user",
    "action",
    "app",
    "context",
    "client_ip",
    "created",
    "received",
    "expires",
    "brand",
    "id",
    "source",
    "traceparent",
    "produced_by",
];

/// Whether `app` is `wanted` or below it: `a.b` matches `a.b.c`, but not `a.bc`.
pub fn app_matches(wanted: &str, app: &str) -> bool {
    app.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// A stored event. Only its expiry ever changes.
///
/// Its JSON has the keys in the order of the fields. `id` and `source` are present only if the caller named the event,
/// `traceparent` only if the caller sent one, `received` only if it is earlier than `created`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The time-ordered id that Nuncio assigned.
    pub pk: EventPk,
    /// The user who acted; `{}` if unknown.
    pub user: Object,
    /// What happened, such as `login_failed`.
    pub action: Action,
    /// The application that reported the event; `""` if the caller did not name one.
    pub app: String,
    /// All other data of the caller.
    pub context: Object,
    /// The IP address that the action came from.
    pub client_ip: Option<IpAddr>,
    /// When the event happened.
    #[serde(with = "crate::time::micros")]
    pub created: Timestamp,
    /// When Nuncio received the event, if its sender's clock was ahead, so that `created` is later than that.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::time::micros_option")]
    pub received: Option<Timestamp>,
    /// When the event expires. From this instant on, no reader sees it.
    #[serde(with = "crate::time::micros")]
    pub expires: Timestamp,
    /// The tenant or brand; `{}` if the caller did not name one.
    pub brand: Object,
    /// The caller's own id for the event, which makes posting it again harmless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The namespace within which `id` is unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The caller's trace; see [`Event::trace`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<TraceParent>,
    /// The part of Nuncio that produced the event; `None` for a caller's. Callers cannot set it; see
    /// [`crate::loop_guard`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub produced_by: Option<Producer>,
}

/// An event with its JSON, so that no stage serialises it again.
#[derive(Debug, Clone, PartialEq)]
pub struct SerializedEvent {
    event: Arc<Event>,
    json: String,
}

impl SerializedEvent {
    /// Joins an event and the result of its [`Event::to_json`].
    pub(crate) fn new(event: Event, json: String) -> Self {
        Self { event: Arc::new(event), json }
    }

    /// The event that the JSON describes.
    pub fn event(&self) -> &Arc<Event> {
        &self.event
    }

    /// The event as one line of JSON, as it is stored and logged.
    pub fn json(&self) -> &str {
        &self.json
    }
}

impl From<Arc<Event>> for SerializedEvent {
    fn from(event: Arc<Event>) -> Self {
        Self { json: event.to_json(), event }
    }
}

impl Event {
    /// Whether readers see the event at `now`.
    pub fn is_visible(&self, now: Timestamp) -> bool {
        self.expires > now
    }

    /// The event's trace: the caller's, or one derived from the pk.
    pub fn trace(&self) -> TraceParent {
        self.traceparent.unwrap_or_else(|| self.pk.trace())
    }

    /// The event as one line of JSON.
    pub fn to_json(&self) -> String {
        // Every key is a string and no field can refuse, so this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The name of the detection that wrote the event; `None` if none did.
    pub fn detection(&self) -> Option<&String> {
        match &self.produced_by {
            Some(Producer::Detection(name)) => Some(name),
            _ => None,
        }
    }

    /// The string at `context.<key>`; `None` if there is no string.
    pub fn context_str(&self, key: &str) -> Option<&str> {
        self.context.get(key).and_then(Value::as_str)
    }

    /// The string at `user.<key>`; `None` if there is no string or it is empty.
    pub fn user_str(&self, key: &str) -> Option<&str> {
        self.user.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The type of the object that the event is about, `app_label.model_name`, from `context.model`.
    pub fn model(&self) -> Option<String> {
        let model = self.context.get("model")?.as_object()?;
        let app = model.get("app")?.as_str()?;
        let name = model.get("model_name")?.as_str()?;
        Some([app, ".", name].concat())
    }

    /// The key of the object that the event is about, from `context.model.pk`: a string, or a number as written.
    pub fn model_pk(&self) -> Option<String> {
        match self.context.get("model")?.get("pk")? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}
