//! The `webhook` transport: a signed JSON POST.
//! Owns the body's keys and the `webhook-*` headers. Says nothing of the event beyond what the keys name.

use std::sync::Arc;

use domain::delivery::{Failure, Outcome};
use domain::event::Event;
use domain::notification::{Digested, Notification, summary};
use domain::rules_document::{SecretRef, Text};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use ipnet::IpNet;
use serde_json::{Value, json};

use crate::http::Post;
use crate::mapping::Mapped;
use crate::sign::{self, Key, NoKey};
use crate::{Channels, secret};

/// What the transport says of its receiver.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) url: &'a Text,
    pub(crate) ca: Option<&'a str>,
    pub(crate) secrets: &'a [SecretRef],
    pub(crate) content_type: &'a str,
}

pub(crate) async fn send(
    channels: &Channels,
    mapped: Mapped<'_>,
    target: Target<'_>,
    allow: &[IpNet],
) -> Result<Outcome, Failure> {
    let url = secret::text(target.url, &*channels.secrets).await?;
    let mut hidden = url.hidden();
    let mut keys = Vec::with_capacity(target.secrets.len());
    for reference in target.secrets {
        let text = secret::resolve(reference, &*channels.secrets).await?;
        keys.push(Key::read(&text).map_err(|why| unusable(reference, why))?);
        hidden.add_key(&text);
    }
    // The same on every attempt: the receiver's key for telling a repetition from a second notification.
    let id = format!("msg_{}", mapped.notification.delivery);
    let (mut headers, body) = compose(mapped, target.content_type)?;
    let body = body.to_string().into_bytes();
    let timestamp = channels.clock.now().as_second();

    if !keys.is_empty() {
        headers.insert("webhook-signature", printable(&sign::signatures(&keys, &id, timestamp, &body))?);
    }
    headers.insert("webhook-id", printable(&id)?);
    headers.insert("webhook-timestamp", HeaderValue::from(timestamp));
    channels.http.post(Post { url: &url, hidden: &hidden, headers, body, allow, ca: target.ca }).await
}

/// All of the request but its signature.
pub(crate) fn compose(mapped: Mapped<'_>, content_type: &str) -> Result<(HeaderMap, Value), Failure> {
    let Mapped { notification, body: own, headers: more } = mapped;
    let mut headers = crate::http::traced(&notification);
    headers.insert(CONTENT_TYPE, self::content_type(content_type)?);
    headers.extend(more);
    Ok((headers, own.unwrap_or_else(|| body(&notification))))
}

/// Exactly these keys, in this order; those of the event's user only where it has one. A digest is of several events:
/// in the place of a user it has how many, when, and some of them.
pub(crate) fn body(notification: &Notification) -> Value {
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

fn digested(digest: &Digested) -> Value {
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
        Failure::Misconfigured("the transport's content_type is not one; write it like application/json".to_owned())
    })
}

fn printable(text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(text).map_err(|_| Failure::Misconfigured("the delivery's id is no header text".to_owned()))
}

fn unusable(reference: &SecretRef, why: NoKey) -> Failure {
    Failure::Misconfigured(format!("the secret {reference} cannot sign: {why}"))
}
