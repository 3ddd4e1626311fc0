//! An event as the JSON that it is shown as, without writing that JSON.
//!
//! Owns which keys an event has; a text is only made for a key that is asked for.

use std::borrow::Cow;

use domain::Event;
use domain::event::Object;
use serde_json::Value;

use super::leaf::Leaf;

/// Every key that an event can have.
pub(crate) const EVENT_KEYS: [&str; 12] = [
    "pk",
    "user",
    "action",
    "app",
    "context",
    "client_ip",
    "created",
    "expires",
    "brand",
    "id",
    "source",
    "traceparent",
];

/// What has fields.
#[derive(Clone, Copy)]
pub(crate) enum Holder<'a> {
    Event(&'a Event),
    Object(&'a Object),
}

/// What a field holds.
pub(crate) enum Slot<'a> {
    Text(Cow<'a, str>),
    Null,
    Object(&'a Object),
    Json(&'a Value),
}

impl<'a> Holder<'a> {
    pub(crate) fn get(self, key: &str) -> Option<Slot<'a>> {
        let event = match self {
            Self::Object(object) => return object.get(key).map(Slot::Json),
            Self::Event(event) => event,
        };
        let made = |text: String| Some(Slot::Text(Cow::Owned(text)));
        let kept = |text: &'a str| Some(Slot::Text(Cow::Borrowed(text)));
        match key {
            "pk" => made(event.pk.to_string()),
            "user" => Some(Slot::Object(&event.user)),
            "action" => kept(event.action.as_str()),
            "app" => kept(&event.app),
            "context" => Some(Slot::Object(&event.context)),
            "client_ip" => event.client_ip.map_or(Some(Slot::Null), |address| made(address.to_string())),
            "created" => made(domain::time::format(event.created)),
            "expires" => made(domain::time::format(event.expires)),
            "brand" => Some(Slot::Object(&event.brand)),
            "id" => event.id.as_deref().and_then(kept),
            "source" => event.source.as_deref().and_then(kept),
            "traceparent" => event.traceparent.and_then(|trace| made(trace.to_string())),
            _ => None,
        }
    }
}

impl<'a> Slot<'a> {
    /// Whether one of the values there passes: the slot itself, or what its lists hold at any depth.
    pub(super) fn any_leaf(&self, passes: &mut dyn FnMut(Leaf<'_>) -> bool) -> bool {
        match self {
            Self::Text(text) => passes(Leaf::Text(text)),
            Self::Null => passes(Leaf::Null),
            Self::Object(_) => false,
            Self::Json(value) => any_leaf(value, passes),
        }
    }

    /// The same of the objects there.
    pub(super) fn any_object(&self, passes: &mut dyn FnMut(&'a Object) -> bool) -> bool {
        match self {
            Self::Text(_) | Self::Null => false,
            Self::Object(object) => passes(object),
            Self::Json(value) => any_object(value, passes),
        }
    }
}

fn any_leaf(value: &Value, passes: &mut dyn FnMut(Leaf<'_>) -> bool) -> bool {
    match value {
        Value::Null => passes(Leaf::Null),
        Value::Bool(value) => passes(Leaf::Boolean(*value)),
        Value::Number(number) => passes(Leaf::Number(number)),
        Value::String(text) => passes(Leaf::Text(text)),
        Value::Array(items) => items.iter().any(|item| any_leaf(item, passes)),
        Value::Object(_) => false,
    }
}

fn any_object<'a>(value: &'a Value, passes: &mut dyn FnMut(&'a Object) -> bool) -> bool {
    match value {
        Value::Object(object) => passes(object),
        Value::Array(items) => items.iter().any(|item| any_object(item, passes)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
