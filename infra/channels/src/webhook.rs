//! The `webhook` transport: a signed JSON POST.
//! Owns the keys of the body and the `webhook-*` headers. The body contains no other data of the event.

use std::sync::Arc;

use async_trait::async_trait;
use domain::delivery::{AttemptOutcome, Failure};
use domain::event::Event;
use domain::notification::rendered::RenderedMessage;
use domain::notification::{DigestSummary, Notification, summary};
use domain::rules_document::{PlainOrSecret, RulesDocument, SecretRef};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::http::PostRequest;
use crate::mapping::Mapped;
use crate::rendered_request::rendered_request;
use crate::secret;
use crate::sign::{self, Key, KeyError};
use crate::transport_handler::{SendContext, TransportHandler};

/// The settings of a `webhook` transport.
pub(crate) struct Webhook<'a> {
    pub(crate) url: &'a PlainOrSecret,
    /// The signing secrets: one, or several during a rotation. Without any, requests are not signed.
    pub(crate) secrets: &'a [SecretRef],
    pub(crate) content_type: &'a str,
}

#[async_trait]
impl TransportHandler for Webhook<'_> {
    fn default_body(&self, notification: &Notification) -> Option<Value> {
        Some(body(notification))
    }

    fn render(&self, mapped: Mapped<'_>, document: &RulesDocument) -> Result<RenderedMessage, Failure> {
        let (headers, body) = self.compose(mapped)?;
        Ok(rendered_request(&headers, body, document))
    }

    async fn send(&self, mapped: Mapped<'_>, context: SendContext<'_>) -> Result<AttemptOutcome, Failure> {
        let SendContext { channels, document, ca } = context;
        let url = secret::text(self.url, &*channels.secrets).await?;
        let mut redactor = url.redactor();
        let mut keys = Vec::with_capacity(self.secrets.len());
        for reference in self.secrets {
            let text = secret::resolve(reference, &*channels.secrets).await?;
            keys.push(Key::parse(&text).map_err(|why| unusable(reference, why))?);
            redactor.add_signing_secret(&text);
        }
        // The same on every attempt, so that a receiver can tell a repeated request from another notification.
        let id = format!("msg_{}", mapped.notification.delivery);
        let (mut headers, body) = self.compose(mapped)?;
        let body = body.to_string().into_bytes();
        let timestamp = channels.clock.now().as_second();

        // Inserted last: a mapping cannot replace them.
        if !keys.is_empty() {
            headers.insert("webhook-signature", header_value(&sign::signatures(&keys, &id, timestamp, &body))?);
        }
        headers.insert("webhook-id", header_value(&id)?);
        headers.insert("webhook-timestamp", HeaderValue::from(timestamp));
        let allow = &document.allow_networks;
        channels.http.post(PostRequest { url: &url, redactor: &redactor, headers, body, allow, ca }).await
    }
}

impl Webhook<'_> {
    /// The request without the `webhook-*` headers.
    fn compose(&self, mapped: Mapped<'_>) -> Result<(HeaderMap, Value), Failure> {
        let Mapped { notification, body: mapped_body, headers: mapped_headers } = mapped;
        let mut headers = crate::http::traced(&notification);
        headers.insert(CONTENT_TYPE, content_type(self.content_type)?);
        headers.extend(mapped_headers);
        Ok((headers, mapped_body.unwrap_or_else(|| body(&notification))))
    }
}

/// The default body: exactly these keys, in this order. The `event_user_*` keys are only present if the event has a
/// user. A digest, which is about several events, has the key `digest` instead: their count, their time range, and
/// samples.
fn body(notification: &Notification) -> Value {
    let mut body = json!({
        "body": notification.body,
        "severity": notification.severity,
        "user_email": notification.recipient.email,
        "user_username": notification.recipient.username,
    });
    if let Some(digest) = &notification.digest {
        body["digest"] = digested(digest);
        return body;
    }
    let user = &notification.event.user;
    if !user.is_empty() {
        for key in ["email", "username"] {
            body[format!("event_user_{key}")] = user.get(key).cloned().unwrap_or_default();
        }
    }
    body
}

fn digested(digest: &DigestSummary) -> Value {
    let sample = |event: &Arc<Event>| {
        let created = domain::time::format(event.created);
        json!({ "pk": event.pk, "action": event.action, "created": created, "body": summary(event) })
    };
    json!({
        "count": digest.count,
        "first": domain::time::format(digest.first),
        "last": domain::time::format(digest.last),
        "samples": digest.samples.iter().map(sample).collect::<Vec<_>>(),
    })
}

fn content_type(text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(text).map_err(|_| {
        Failure::Misconfigured("the transport's content_type is not valid; write it like application/json".to_owned())
    })
}

fn header_value(text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(text)
        .map_err(|_| Failure::Misconfigured("the delivery's id cannot be sent in a header".to_owned()))
}

fn unusable(reference: &SecretRef, why: KeyError) -> Failure {
    Failure::Misconfigured(format!("the secret {reference} cannot sign: {why}"))
}
