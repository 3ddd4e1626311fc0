//! What a transport's own Python makes of a notification: its body, more headers, other words.
//!
//! Owns what such a body may return, and what it must not reach: the headers that frame a request or sign
//! it. Runs nothing itself; a body that raises fails the attempt, and says so by its effects.

use std::borrow::Cow;
use std::panic::resume_unwind;
use std::sync::Arc;

use domain::delivery::Failure;
use domain::expression::{Effects, NoPolicies, Part, Raised, Returned, Runner, Scope, View};
use domain::notification::Notification;
use domain::rules_document::{RulesDocument, Transport, TransportKind};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::http::FRAMING;
use crate::{Channels, slack, webhook};

/// The key under which a mapping of the body finds what would be sent without it.
const ORIGINAL: &str = "original_body";
const MAX_HEADERS: usize = 64;
/// Of one header.
const MAX_HEADER_BYTES: usize = 8 * 1024;
/// These tell and prove which delivery it is.
const SIGNING: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

/// A notification as its transport's mappings left it.
pub(crate) struct Mapped<'a> {
    pub(crate) notification: Cow<'a, Notification>,
    /// In the place of the default one.
    pub(crate) body: Option<Value>,
    /// Besides the default ones, and over them.
    pub(crate) headers: HeaderMap,
}

/// Runs the mappings that there are.
pub(crate) async fn apply<'a>(
    channels: &Channels,
    notification: &'a Notification,
    transport: &Transport,
    document: &RulesDocument,
    effects: &mut Vec<Effects>,
) -> Result<Mapped<'a>, Failure> {
    let mut mapped = Mapped { notification: Cow::Borrowed(notification), body: None, headers: HeaderMap::new() };
    if transport.mappings.is_empty() {
        return Ok(mapped);
    }
    let groups = Arc::new(document.groups.clone());
    let mut run = Run { channels, transport, delivery: notification, effects };
    if let Some(source) = &transport.mappings.body {
        let mut scope = Scope::mapping(notification, Arc::clone(&groups));
        if let Some(original) = original(notification, transport) {
            scope = scope.with(ORIGINAL, original);
        }
        let (returned, view) = run.evaluate(Part::Body, source, scope).await?;
        if let Some(view) = view {
            let changed = view.applied_to(notification).map_err(|why| run.refuse(Part::Body, why))?;
            mapped.notification = Cow::Owned(changed);
        }
        // One that returns nothing has changed the notification; the default body tells of it.
        mapped.body = Some(returned.value).filter(|value| !value.is_null());
    }
    if let Some(source) = &transport.mappings.headers {
        let scope = Scope::mapping(&mapped.notification, groups);
        let (returned, _) = run.evaluate(Part::Headers, source, scope).await?;
        mapped.headers = headers(&returned.value).map_err(|why| run.refuse(Part::Headers, why))?;
    }
    Ok(mapped)
}

fn original(notification: &Notification, transport: &Transport) -> Option<Value> {
    match transport.kind {
        TransportKind::Webhook { .. } => Some(webhook::body(notification)),
        TransportKind::WebhookSlack { .. } => Some(slack::payload(notification)),
        TransportKind::Local | TransportKind::Email { .. } => None,
    }
}

/// One attempt's mappings.
struct Run<'a> {
    channels: &'a Channels,
    transport: &'a Transport,
    delivery: &'a Notification,
    effects: &'a mut Vec<Effects>,
}

impl Run<'_> {
    /// Beside the threads that send: a body takes its time.
    async fn evaluate(&mut self, part: Part, source: &str, scope: Scope) -> Result<(Returned, Option<View>), Failure> {
        let (expressions, source) = (Arc::clone(&self.channels.expressions), source.to_owned());
        // Nobody closes the turns.
        let turn = self.channels.mapping.acquire().await;
        let evaluated = tokio::task::spawn_blocking(move || expressions.evaluate(&source, &scope, &NoPolicies));
        let mut evaluation = evaluated.await.unwrap_or_else(|error| resume_unwind(error.into_panic()));
        drop(turn);
        self.effects.extend(Effects::take(self.runner(part), &mut evaluation));
        let returned = evaluation.outcome.map_err(|raised| failure(part, &raised))?;
        Ok((returned, evaluation.notification))
    }

    /// What was returned cannot be sent, which is as good as raised.
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

/// Without the exception's own text, which may be the event's.
fn failure(part: Part, raised: &Raised) -> Failure {
    let place = raised.line.map(|line| format!(" in line {line}")).unwrap_or_default();
    Failure::Mapping(format!("the mapping of the {} raised {}{place}", part.as_str(), raised.kind))
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
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "a name is no header name")?;
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
    fn headers_frame_and_sign_nothing_and_end_no_line() {
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
