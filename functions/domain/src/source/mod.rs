//! What the requests of sources mean: the events that a payload becomes, and the handshakes that a sender expects.
//!
//! Owns one file per preset: how its sender signs, how it names requests, and what its payloads say. Refuses to verify:
//! the `sources` crate does that before a payload gets here.

mod github;
mod gitlab;
mod grafana;
mod okta;
mod pagerduty;
mod payload;
mod sentry;
mod slack;
mod standard_webhooks;
mod stripe;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub use okta::CHALLENGE as OKTA_CHALLENGE;
pub use payload::{Unmappable, parse};

use crate::admission::{Draft, Rejection};
use crate::event::Object;
use crate::rules_document::{EventSource, IdLocation, SecretRef, SourcePreset, Verification};

/// A verified request, as it is interpreted.
#[derive(Debug, Clone)]
pub struct SourceRequest {
    /// The headers by their names in lower case; of one that occurs twice, the first.
    pub headers: BTreeMap<String, String>,
    /// The payload.
    pub payload: Value,
}

impl SourceRequest {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    fn object(&self) -> Result<&Object, Unmappable> {
        self.payload.as_object().ok_or_else(|| Unmappable::new("", "the payload is not a JSON object"))
    }

    /// The text at a path of the payload, such as `["event", "id"]`; `None` if there is none, or if it is empty.
    fn text(&self, path: &[&str]) -> Option<&str> {
        let found = path.iter().try_fold(&self.payload, |value, key| value.get(key));
        found.and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The same, or the fault that it is missing.
    fn required(&self, path: &[&str]) -> Result<&str, Unmappable> {
        self.text(path).ok_or_else(|| Unmappable::new(path.join("."), "is missing, or is not a text"))
    }

    fn required_header(&self, name: &str) -> Result<&str, Unmappable> {
        self.header(name).ok_or_else(|| Unmappable::new(format!("the header {name}"), "is missing"))
    }
}

/// What a request means.
#[derive(Debug, Clone, PartialEq)]
pub enum Interpretation {
    /// It reports these events.
    Events(Vec<InterpretedEvent>),
    /// It asks for this answer, and reports nothing.
    Handshake(Value),
}

/// An event of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct InterpretedEvent {
    /// The event as a caller would post it, without `app`, `id` and `source`.
    pub event: Object,
    /// The event's own name, if the payload has one; `None` to name it by the request and its place.
    pub id: Option<String>,
}

impl InterpretedEvent {
    /// An event of this action (another system's name for it) that has `context`.
    fn of(action: &str, context: Object) -> Result<Self, Unmappable> {
        let action = crate::event::Action::from_foreign(action)
            .map_err(|error| Unmappable::new("the action", error.to_string()))?;
        let mut event = Object::new();
        event.insert("action".to_owned(), json!(action.as_str()));
        event.insert("context".to_owned(), Value::Object(context));
        Ok(Self { event, id: None })
    }

    /// The draft of the event. Its name is that of the source with its own, or with the request's and its place in it.
    ///
    /// # Errors
    /// If the event is not well-formed.
    pub fn into_draft(self, source: &EventSource, request: Option<&str>, place: usize) -> Result<Draft, Rejection> {
        let mut draft = Draft::from_value(Value::Object(self.event))?;
        draft.id = self.id.or_else(|| match (request, place) {
            (Some(id), 0) => Some(id.to_owned()),
            (Some(id), place) => Some(format!("{id}/{place}")),
            (None, _) => None,
        });
        draft.source = Some(source.name.clone());
        draft.is_named_alone = true;
        if draft.app.is_empty() {
            draft.app.clone_from(&source.name);
        }
        Ok(draft)
    }

    fn named(mut self, id: Option<&str>) -> Self {
        self.id = id.map(str::to_owned);
        self
    }

    fn by(mut self, username: Option<&str>) -> Self {
        if let Some(username) = username.filter(|name| !name.is_empty()) {
            self.event.insert("user".to_owned(), json!({ "username": username }));
        }
        self
    }

    /// Sets the time at which it happened: RFC 3339, or seconds since 1970. What is neither is left out.
    fn at(mut self, created: Option<&Value>) -> Self {
        let text = match created {
            Some(Value::String(text)) => text.parse().ok(),
            Some(Value::Number(number)) => {
                number.as_i64().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
            }
            _ => None,
        };
        if let Some(at) = text {
            self.event.insert("created".to_owned(), json!(crate::time::format(at)));
        }
        self
    }

    fn with_address(mut self, address: Option<&str>) -> Self {
        if let Some(address) = address.and_then(|text| text.parse::<std::net::IpAddr>().ok()) {
            self.event.insert("client_ip".to_owned(), json!(address));
        }
        self
    }
}

/// The events of a verified request, or the answer that its sender expects.
///
/// # Errors
/// If the payload is not what the source's sender documents.
pub fn interpret(source: &EventSource, request: &SourceRequest) -> Result<Interpretation, Unmappable> {
    match source.preset {
        Some(SourcePreset::Github) => github::events(request),
        Some(SourcePreset::Gitlab) => gitlab::events(request),
        Some(SourcePreset::Stripe) => stripe::events(request),
        Some(SourcePreset::Slack) => return slack::interpret(request),
        Some(SourcePreset::StandardWebhooks) => standard_webhooks::events(request),
        Some(SourcePreset::Grafana) => grafana::events(request),
        Some(SourcePreset::Sentry) => sentry::events(request),
        Some(SourcePreset::Pagerduty) => pagerduty::events(request),
        Some(SourcePreset::Okta) => okta::events(request),
        None => payload::as_context(request),
    }
    .map(Interpretation::Events)
}

/// The name of a request, by which the sender's retries are recognised; `None` if it has none.
pub fn request_id(source: &EventSource, request: &SourceRequest) -> Option<String> {
    let header = |name: &str| request.header(name).map(str::to_owned);
    match &source.id {
        Some(IdLocation::Header(name)) => header(name),
        Some(IdLocation::Payload(path)) => {
            let found = path.split('.').try_fold(&request.payload, |value, key| value.get(key));
            match found {
                Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
                Some(Value::Number(number)) => Some(number.to_string()),
                _ => None,
            }
        }
        None => {
            let own = source.preset.and_then(|preset| match preset {
                SourcePreset::Github => header("x-github-delivery"),
                SourcePreset::Gitlab => header("idempotency-key").or_else(|| header("x-gitlab-event-uuid")),
                SourcePreset::Sentry => header("request-id"),
                _ => None,
            });
            own.or_else(|| header(source.verification.id_header()?)).or_else(|| {
                source.verification.id_header()?;
                header("svix-id")
            })
        }
    }
}

/// How a preset's sender proves that it made a request, with these secrets.
pub fn verification(preset: SourcePreset, secrets: Vec<SecretRef>) -> Verification {
    match preset {
        SourcePreset::Github => github::verification(secrets),
        SourcePreset::Gitlab => gitlab::verification(secrets),
        SourcePreset::Stripe => stripe::verification(secrets),
        SourcePreset::Slack => slack::verification(secrets),
        SourcePreset::StandardWebhooks => standard_webhooks::verification(secrets),
        SourcePreset::Grafana => grafana::verification(secrets),
        SourcePreset::Sentry => sentry::verification(secrets),
        SourcePreset::Pagerduty => pagerduty::verification(secrets),
        SourcePreset::Okta => okta::verification(secrets),
    }
}

/// The signature of a whole body in one header, in hex.
fn body_signature(header: &str, prefix: &str, secrets: Vec<SecretRef>) -> Verification {
    use crate::rules_document::{HmacHash, SignatureEncoding, SignatureScheme, SignedPart};
    let signature = SignatureScheme {
        header: header.to_owned(),
        prefix: prefix.to_owned(),
        encoding: SignatureEncoding::Hex,
        signed: vec![SignedPart::Body],
        timestamp: None,
        id_header: None,
    };
    Verification::Hmac { hash: HmacHash::Sha256, signature, secrets }
}

/// How far the timestamp of a signed request may be from now, where a sender recommends five minutes.
const TOLERANCE: crate::rules_document::Period = crate::rules_document::Period::minutes(5);
