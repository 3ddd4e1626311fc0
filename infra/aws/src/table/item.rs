//! Builds items and reads their attributes.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use domain::ports::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::keys::{BODY, PK, SK, TTL};
use crate::codec;

/// An item: attribute names and values.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The value of a string attribute (`S`).
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// The value of a number attribute (`N`), which DynamoDB transfers as text.
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// An item that has its two key attributes only.
pub(crate) fn keys((partition, sort): (String, String)) -> Item {
    HashMap::from([(PK.to_owned(), text(partition)), (SK.to_owned(), text(sort))])
}

/// An item with a body and, if it expires, its time to live. An item without one is kept for ever.
pub(crate) fn record<T: Serialize>(
    place: (String, String),
    content: T,
    expires: Option<Timestamp>,
) -> Result<Item, StoreError> {
    Ok(record_of_body(place, codec::to_stored(content)?, expires))
}

/// The same for a body that is encoded already.
pub(crate) fn record_of_body(place: (String, String), body: Vec<u8>, expires: Option<Timestamp>) -> Item {
    let mut item = keys(place);
    item.insert(BODY.to_owned(), AttributeValue::B(Blob::new(body)));
    if let Some(expires) = expires {
        item.insert(TTL.to_owned(), number(domain::time::ttl_seconds(expires)));
    }
    item
}

/// Decodes an item's body.
pub(crate) fn content<T: DeserializeOwned>(item: &Item) -> Result<T, StoreError> {
    match item.get(BODY) {
        Some(AttributeValue::B(bytes)) => codec::from_stored(bytes.as_ref()),
        _ => Err(StoreError::Corrupt("an item has no body".to_owned())),
    }
}

/// Decodes an item's body, with the [escaped size](domain::query::escaped_len) of its JSON.
pub(crate) fn measured_content<T: DeserializeOwned>(item: &Item) -> Result<(T, usize), StoreError> {
    match item.get(BODY) {
        Some(AttributeValue::B(bytes)) => codec::from_stored_measured(bytes.as_ref()),
        _ => Err(StoreError::Corrupt("an item has no body".to_owned())),
    }
}

/// What was decoded from an item of a list; `None` if the item cannot be read, which is logged: one such item must not
/// hide the others.
pub(crate) fn readable<T>(item: &Item, decoded: Result<T, StoreError>) -> Option<T> {
    decoded
        .inspect_err(|error| {
            let [partition, key] = [PK, SK].map(|name| string(item, name).unwrap_or_default());
            tracing::error!(partition, key, %error, "a stored item cannot be read; it is left out");
        })
        .ok()
}

/// The bodies of those items that can be read.
pub(crate) fn readable_contents<T: DeserializeOwned>(items: &[Item]) -> Vec<T> {
    items.iter().filter_map(|item| readable(item, content(item))).collect()
}

/// Reads a string attribute; an error if it is missing or of another type.
pub(crate) fn string<'a>(item: &'a Item, name: &str) -> Result<&'a str, StoreError> {
    match item.get(name) {
        Some(AttributeValue::S(value)) => Ok(value),
        _ => Err(StoreError::Corrupt(format!("an item has no {name}"))),
    }
}
