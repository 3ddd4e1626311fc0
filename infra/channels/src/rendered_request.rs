//! Shows an HTTP request that would be sent. Masks the values of headers that name a secret.

use std::collections::BTreeMap;

use domain::admission::mask::Masker;
use domain::event::Object;
use domain::notification::rendered::RenderedMessage;
use domain::rules_document::RulesDocument;
use http::{HeaderMap, HeaderValue};
use serde_json::Value;

/// The request's headers, masked by the document's `redact`, and its body. Leaves out the URL, which is a secret.
pub(crate) fn rendered_request(headers: &HeaderMap, body: Value, document: &RulesDocument) -> RenderedMessage {
    let text = |value: &HeaderValue| Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned());
    let mut shown: Object = headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    Masker::new(&document.redact).mask_object(&mut shown);
    let headers: BTreeMap<String, String> =
        shown.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect();
    RenderedMessage::Request { headers, body }
}
