//! Runs a transport's mappings: Python that may change the notification, replace the body, and add headers.
//!
//! Owns which values a mapping may return, and which headers it must not set: those that frame or sign the request. A
//! mapping that raises fails the attempt; its effects report the exception.

use std::borrow::Cow;
use std::panic::resume_unwind;
use std::sync::Arc;

use domain::delivery::Failure;
use domain::expression::{Effects, NoPolicies, Part, Raised, Returned, Runner, Scope, View};
use domain::notification::Notification;
use domain::rules_document::{RulesDocument, Transport};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::Channels;
use crate::http::FRAMING;

/// The variable of a body mapping with the default body.
const ORIGINAL: &str = "original_body";
const MAX_HEADERS: usize = 64;
/// The most bytes of one header's value.
const MAX_HEADER_BYTES: usize = 8 * 1024;
/// The headers that identify and sign a delivery.
const SIGNING: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

/// A notification after its transport's mappings.
pub(crate) struct Mapped<'a> {
    pub(crate) notification: Cow<'a, Notification>,
    /// Replaces the default body; `None` if no mapping returned one.
    pub(crate) body: Option<Value>,
    /// Added to the default headers, and replacing those of the same name.
    pub(crate) headers: HeaderMap,
}

/// Runs the transport's mappings, if it has any. `original` is the default body.
pub(crate) async fn apply<'a>(
    channels: &Channels,
    notification: &'a Notification,
    original: Option<Value>,
    transport: &Transport,
    document: &RulesDocument,
    effects: &mut Vec<Effects>,
) -> Result<Mapped<'a>, Failure> {
    let mut mapped = Mapped { notification: Cow::Borrowed(notification), body: None, headers: HeaderMap::new() };
    if transport.mappings.is_empty() {
        return Ok(mapped);
    }
    let groups = Arc::new(document.groups.clone());
    let mut run = MappingRun { channels, transport, delivery: notification, effects };
    if let Some(source) = &transport.mappings.body {
        let mut scope = Scope::mapping(notification, Arc::clone(&groups));
        if let Some(original) = original {
            scope = scope.with(ORIGINAL, original);
        }
        let (returned, view) = run.evaluate(Part::Body, source, scope).await?;
        if let Some(view) = view {
            let changed = view.applied_to(notification).map_err(|why| run.refuse(Part::Body, why))?;
            mapped.notification = Cow::Owned(changed);
        }
        // A mapping that returns None has changed the notification at most; the default body contains that.
        mapped.body = Some(returned.value).filter(|value| !value.is_null());
    }
    if let Some(source) = &transport.mappings.headers {
        let scope = Scope::mapping(&mapped.notification, groups);
        let (returned, _) = run.evaluate(Part::Headers, source, scope).await?;
        mapped.headers = headers(&returned.value).map_err(|why| run.refuse(Part::Headers, why))?;
    }
    Ok(mapped)
}

/// Runs the mappings of one attempt.
struct MappingRun<'a> {
    channels: &'a Channels,
    transport: &'a Transport,
    delivery: &'a Notification,
    effects: &'a mut Vec<Effects>,
}

impl MappingRun<'_> {
    /// Evaluates one mapping on a blocking thread.
    async fn evaluate(&mut self, part: Part, source: &str, scope: Scope) -> Result<(Returned, Option<View>), Failure> {
        let (expressions, body) = (Arc::clone(&self.channels.expressions), source.to_owned());
        // Never an error: the semaphore is never closed.
        let permit = self.channels.mapping_permits.acquire().await;
        let evaluated = tokio::task::spawn_blocking(move || expressions.evaluate(&body, &scope, &NoPolicies));
        let mut evaluation = evaluated.await.unwrap_or_else(|error| resume_unwind(error.into_panic()));
        drop(permit);
        self.effects.extend(Effects::take(self.runner(part), &mut evaluation));
        let returned = evaluation.outcome.map_err(|raised| failure(part, &raised, source))?;
        Ok((returned, evaluation.notification))
    }

    /// A returned value that cannot be sent counts as an exception of the mapping.
    fn refuse(&mut self, part: Part, why: &str) -> Failure {
        let raised = Raised { kind: "ValueError".to_owned(), message: why.to_owned(), line: None };
        let failure = Failure::Mapping(format!("the mapping of the {}: {why}", part.as_str()));
        self.effects.push(Effects {
            of: self.runner(part),
            raised: Some(raised),
            created: Vec::new(),
            log: Vec::new(),
        });
        failure
    }

    fn runner(&self, part: Part) -> Runner {
        Runner::Mapping { transport: self.transport.name.clone(), part, delivery: self.delivery.delivery }
    }
}

/// Names the exception's type and line, and an unknown attribute that the mapping itself writes; not the rest of the
/// message, which may contain data of the event.
fn failure(part: Part, raised: &Raised, source: &str) -> Failure {
    let place = raised.line.map(|line| format!(" in line {line}")).unwrap_or_default();
    let unknown = unknown_attribute(raised, source).map(|name| format!(": no attribute {name}")).unwrap_or_default();
    Failure::Mapping(format!("the mapping of the {} raised {}{place}{unknown}", part.as_str(), raised.kind))
}

/// The attribute that an object does not have, as in `'Event' object has no attribute 'actoin'`.
fn unknown_attribute<'r>(raised: &'r Raised, source: &str) -> Option<&'r str> {
    let (_, name) = raised.message.strip_suffix('\'')?.rsplit_once('\'')?;
    let is_own = source.split(|one: char| !one.is_alphanumeric() && one != '_').any(|word| word == name);
    (raised.kind == "AttributeError" && is_own).then_some(name)
}

fn headers(returned: &Value) -> Result<HeaderMap, &'static str> {
    let fields = match returned {
        Value::Null => return Ok(HeaderMap::new()),
        Value::Object(fields) if fields.len() <= MAX_HEADERS => fields,
        Value::Object(_) => return Err("more than 64 headers"),
        _ => return Err("return the headers as a dict of names to texts"),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| "a header name contains a character that is not allowed")?;
        if FRAMING.contains(&name) || SIGNING.contains(&name.as_str()) {
            return Err("a header that frames or signs the request cannot be set");
        }
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Array(_) | Value::Object(_) => return Err("a header's value must be a text"),
        };
        if text.len() > MAX_HEADER_BYTES {
            return Err("a header's value is longer than 8192 bytes");
        }
        let value = HeaderValue::from_str(&text)
            .map_err(|_| "a header's value must be one line, without control characters")?;
        headers.insert(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_failure_names_an_unknown_attribute_and_nothing_else_of_the_exception() {
        let raised =
            |kind: &str, message: &str| Raised { kind: kind.to_owned(), message: message.to_owned(), line: Some(2) };
        let source = "event = notification.event\nreturn {'a': event.actoin}";
        for (kind, message, said) in [
            ("AttributeError", "'Event' object has no attribute 'actoin'", ": no attribute actoin"),
            ("AttributeError", "'Event' object has no attribute 'a secret'", ""),
            ("AttributeError", "'Event' object has no attribute 'hunter2'", ""),
            ("ValueError", "'actoin'", ""),
        ] {
            let failure = failure(Part::Body, &raised(kind, message), source);
            assert_eq!(failure, Failure::Mapping(format!("the mapping of the body raised {kind} in line 2{said}")));
        }
    }

    #[test]
    fn headers_cannot_frame_or_sign_a_request_or_end_a_line() {
        for name in FRAMING.iter().map(HeaderName::as_str).chain(SIGNING) {
            for name in [name.to_owned(), name.to_uppercase()] {
                assert!(headers(&json!({ &name: "x" })).is_err(), "{name}");
            }
        }
        for name in ["", "X Y", "X:Y", "X\r\nY", "X\n", "é", "X\0"] {
            assert!(headers(&json!({ name: "x" })).is_err(), "{name:?}");
        }
        for value in ["a\r\nX-Evil: 1", "a\nb", "a\rb", "\0", "\u{7f}"] {
            assert!(headers(&json!({ "X-A": value })).is_err(), "{value:?}");
        }
        let taken = headers(&json!({ "X-A": "é\t", "x-a": 7, "Content-Type": "text/plain", "X-B": null })).unwrap();
        assert_eq!(taken.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["x-a", "content-type"]);
        assert_eq!(taken["x-a"], "7");
    }
}
