//! The values of an event's fields, as its JSON has them, without serialising the event.
//!
//! Owns how the values inside lists are visited. Tests no value.

use std::net::IpAddr;

use domain::event::Object;
use serde_json::{Number, Value};

use super::EventView;

/// The event or an object inside it.
#[derive(Clone, Copy)]
pub(crate) enum ObjectView<'a> {
    Event(&'a EventView<'a>),
    Object(&'a Object),
}

/// The value of a field.
pub(crate) enum FieldValue<'a> {
    Text(&'a str),
    Null,
    Object(&'a Object),
    Json(&'a Value),
}

/// A value of an event that is neither an object nor a list.
#[derive(Clone, Copy)]
pub(crate) enum Leaf<'a> {
    Null,
    Boolean(bool),
    Number(&'a Number),
    Text(&'a str),
    /// The event's client address, which needs no parsing.
    Address(IpAddr),
}

impl<'a> ObjectView<'a> {
    pub(crate) fn get(self, key: &str) -> Option<FieldValue<'a>> {
        match self {
            Self::Object(object) => object.get(key).map(FieldValue::Json),
            Self::Event(view) => view.field(key),
        }
    }
}

impl<'a> FieldValue<'a> {
    /// Whether `passes` returns `true` for the value itself or, if it is a list, for a value in it at any depth. Skips
    /// objects.
    pub(crate) fn any_leaf(&self, passes: &mut dyn FnMut(Leaf<'_>) -> bool) -> bool {
        match self {
            Self::Text(text) => passes(Leaf::Text(text)),
            Self::Null => passes(Leaf::Null),
            Self::Object(_) => false,
            Self::Json(value) => any_leaf(value, passes),
        }
    }

    /// Whether `passes` returns `true` for the object itself or, if the value is a list, for an object in it at any
    /// depth.
    pub(crate) fn any_object(&self, passes: &mut dyn FnMut(&'a Object) -> bool) -> bool {
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
