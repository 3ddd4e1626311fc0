//! An event as a caller posted it: checks it, and turns it into an admitted event.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::mask::Masker;
use super::origin::OriginLookup;
use crate::event::{
    Action, EVENT_KEYS, Event, EventPk, MAX_AHEAD, MAX_EVENT_BYTES, Object, Producer, SerializedEvent, app_matches,
};
use crate::loop_guard;
use crate::rules_document::Retention;
use crate::trace::TraceParent;

/// How long the pk of a named event that gave no `created` is remembered.
pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// The apps, with what is below them, whose events only Nuncio itself writes.
const RESERVED_APPS: [&str; 2] = ["nuncio.detections", "nuncio.audit"];

/// An event before its admission: every field is well-formed, nothing is masked yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The caller's own id for the event.
    pub id: Option<String>,
    /// The namespace in which `id` is unique; without it, the app is the namespace.
    pub source: Option<String>,
    /// The user who acted, such as `{"username": "ann"}`; empty if the caller gives none.
    pub user: Object,
    /// What happened, such as `login_failed`. Every event must have it.
    pub action: Action,
    /// The application that reports the event; empty if the caller names none.
    pub app: String,
    /// All other data, under keys that the caller chooses; empty if there is none.
    pub context: Object,
    /// The IP address that the action came from.
    pub client_ip: Option<IpAddr>,
    /// When the event happened, to the microsecond; `None` for the time of its reception.
    pub created: Option<Timestamp>,
    /// The tenant or brand.
    pub brand: Object,
    /// The event's own trace, if it differs from that of the request.
    pub traceparent: Option<TraceParent>,
    /// The part of Nuncio that produced the event; `None` for a caller's.
    pub produced_by: Option<Producer>,
    /// Whether the name alone identifies the event, whatever its body: a sender's retry may differ in what changes.
    pub is_named_alone: bool,
}

/// Why an event is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// JSON pointer, within the event, to the fault.
    pub pointer: String,
    /// The fault and how to fix it, without the caller's text.
    pub detail: String,
    /// The kind of the fault.
    pub kind: RejectionKind,
}

/// The kinds of rejection that the response's status depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionKind {
    /// The event is malformed.
    Malformed,
    /// The event is too large.
    TooLarge,
}

impl Rejection {
    /// The rejection of a malformed event. `pointer` is `""` if the whole event is at fault.
    pub fn malformed(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into(), kind: RejectionKind::Malformed }
    }

    /// The rejection of an event that has U+0000 in the text or the key at `pointer`.
    pub fn nul(pointer: impl Into<String>) -> Self {
        Self::malformed(pointer, "contains a NUL character (U+0000); remove it")
    }
}

/// The inputs of an admission, apart from the event.
#[derive(Debug)]
pub struct AdmissionContext<'a> {
    /// When the event was received.
    pub now: Timestamp,
    /// The retention settings, which determine the expiry.
    pub retention: &'a Retention,
    /// Masks the event's secrets.
    pub masker: &'a Masker,
    /// The request's `Idempotency-Key` and the event's place in the request.
    pub key: Option<(&'a str, usize)>,
    /// The trace that the request came with.
    pub trace: Option<TraceParent>,
    /// Resolves the event's IP address to a location.
    pub origins: &'a dyn OriginLookup,
    /// Random bits, for the pk of an unnamed event.
    pub random: u128,
}

/// An event ready to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct AdmittedEvent {
    /// The event with its pk and its expiry, and with secrets masked.
    pub event: Event,
    /// The event as JSON, as its size was counted.
    pub json: String,
    /// The hash of the event's name, if the caller named the event but gave no time; the store remembers the pk of its
    /// first arrival under this hash for 24 hours.
    pub remember: Option<[u8; 32]>,
}

impl From<AdmittedEvent> for SerializedEvent {
    fn from(admitted: AdmittedEvent) -> Self {
        Self::new(admitted.event, admitted.json)
    }
}

impl Draft {
    /// Checks one native event.
    ///
    /// # Errors
    /// The first fault found, with its position.
    pub fn from_value(value: Value) -> Result<Self, Rejection> {
        let Value::Object(mut object) = value else {
            return Err(Rejection::malformed(
                "",
                "an event must be a JSON object, such as {\"action\": \"login_failed\"}",
            ));
        };
        if let Some(unknown) = object.keys().find(|key| !EVENT_KEYS.contains(&key.as_str())) {
            return Err(Rejection::malformed(
                crate::json::pointer_segment(unknown),
                "an event cannot have a key of this name; put your own data under \"context\"",
            ));
        }
        let action = match object.remove("action") {
            None => {
                return Err(Rejection::malformed(
                    "/action",
                    "action is required; name what happened, such as \"login_failed\"",
                ));
            }
            Some(Value::String(text)) => {
                Action::parse(&text).map_err(|error| Rejection::malformed("/action", error.to_string()))?
            }
            Some(_) => {
                return Err(Rejection::malformed("/action", "action must be a string, such as \"login_failed\""));
            }
        };
        // The caller's `pk` is its own name for the event; Nuncio gives the event another.
        let pk = take_name(&mut object, "pk")?;
        let id = take_name(&mut object, "id")?;
        let context = take_object(&mut object, "context")?;
        Ok(Self {
            id: id.or(pk),
            source: take_name(&mut object, "source")?,
            user: take_object(&mut object, "user")?,
            action,
            app: take_text(&mut object, "app")?.unwrap_or_default(),
            traceparent: take_trace(&mut object, &context)?,
            produced_by: None,
            is_named_alone: false,
            context,
            client_ip: take_ip(&mut object)?,
            created: take_time(&mut object, "created")?,
            brand: take_object(&mut object, "brand")?,
        })
    }

    /// Masks the event, assigns its pk, adds its location and sets its expiry.
    ///
    /// The pk of a named event depends only on its name, its time and its masked body, not on its trace or on the
    /// location that its address has today. If [`is_named_alone`](Self::is_named_alone), it does not depend on the body.
    ///
    /// # Errors
    /// If `created` is more than 15 minutes ahead or before 1970, or if the event is larger than 256 KiB.
    pub fn admit(mut self, admission: &AdmissionContext<'_>) -> Result<AdmittedEvent, Rejection> {
        if self.created.is_some_and(|created| created > crate::time::later(admission.now, MAX_AHEAD)) {
            return Err(Rejection::malformed(
                "/created",
                "created is more than 15 minutes in the future; check the sender's clock",
            ));
        }
        if self.produced_by.is_none()
            && let Some(reserved) = RESERVED_APPS.into_iter().find(|reserved| app_matches(reserved, &self.app))
        {
            let detail = format!("only Nuncio itself writes events of the app {reserved}; choose another app");
            return Err(Rejection::malformed("/app", detail));
        }
        self.mask(admission.masker);
        let digest = self.name(admission.key).map(|name| self.digest(&name));
        let pk = |created| match &digest {
            Some(digest) => EventPk::named(created, digest),
            None => EventPk::unnamed(created, admission.random),
        };
        let (created, remember) = match (self.created, digest) {
            (Some(created), _) => (created, None),
            // The time must be readable from the pk alone, in case the name is remembered.
            (None, Some(digest)) => (crate::time::to_millis(admission.now), Some(digest)),
            (None, None) => (crate::time::to_micros(admission.now), None),
        };
        if let Some(address) = self.client_ip {
            admission.origins.look_up(address).add_to(&mut self.context);
        }
        let event = Event {
            pk: pk(created),
            expires: crate::time::to_micros(admission.retention.expiry(&self.action, admission.now)),
            user: self.user,
            action: self.action,
            app: self.app,
            context: self.context,
            client_ip: self.client_ip,
            created,
            received: Some(crate::time::to_micros(admission.now)).filter(|received| *received < created),
            brand: self.brand,
            id: self.id,
            source: self.source,
            traceparent: self.traceparent.or(admission.trace),
            produced_by: self.produced_by,
        };
        let event = Event { produced_by: loop_guard::producer_of_new(&event), ..event };
        let json = event.to_json();
        let bytes = json.len();
        if bytes > MAX_EVENT_BYTES {
            let detail = format!("the event has {bytes} bytes; at most {MAX_EVENT_BYTES} (256 KiB) are allowed");
            return Err(Rejection { pointer: String::new(), detail, kind: RejectionKind::TooLarge });
        }
        Ok(AdmittedEvent { event, json, remember })
    }

    fn mask(&mut self, masker: &Masker) {
        for (root, object) in [("user", &mut self.user), ("context", &mut self.context), ("brand", &mut self.brand)] {
            masker.mask_field(root, object);
        }
        for text in [Some(&mut self.app), self.id.as_mut(), self.source.as_mut()].into_iter().flatten() {
            masker.mask_string(text);
        }
    }

    fn name(&self, key: Option<(&str, usize)>) -> Option<Vec<String>> {
        let source = self.source.as_deref().unwrap_or(&self.app);
        match (&self.id, key) {
            (Some(id), _) if !source.is_empty() => Some(vec!["named".to_owned(), source.to_owned(), id.clone()]),
            (_, Some((key, place))) => Some(vec!["request".to_owned(), key.to_owned(), place.to_string()]),
            _ => None,
        }
    }

    fn digest(&self, name: &[String]) -> [u8; 32] {
        if self.is_named_alone {
            return Sha256::digest(serde_json::to_vec(&(name, "alone")).unwrap_or_default()).into();
        }
        let body = (
            SortedObject(&self.user),
            self.action.as_str(),
            &self.app,
            SortedObject(&self.context),
            self.client_ip,
            SortedObject(&self.brand),
            &self.id,
            &self.source,
        );
        let created = self.created.map(crate::time::format);
        // Every key is a string and no part can refuse, so this cannot fail.
        Sha256::digest(serde_json::to_vec(&(name, created, body)).unwrap_or_default()).into()
    }
}

/// Serialises an object with its keys in order, at every level, because the order of keys has no meaning.
struct SortedObject<'a>(&'a Object);

/// Serialises any value like [`SortedObject`].
struct Sorted<'a>(&'a Value);

impl Serialize for SortedObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries: Vec<_> = self.0.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| key.as_str());
        serializer.collect_map(entries.into_iter().map(|(key, value)| (key, Sorted(value))))
    }
}

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(object) => SortedObject(object).serialize(serializer),
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            scalar => scalar.serialize(serializer),
        }
    }
}

fn take_name(object: &mut Object, key: &str) -> Result<Option<String>, Rejection> {
    let name = match object.remove(key) {
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::String(text)) => Some(text),
        None | Some(Value::Null) => None,
        Some(_) => {
            return Err(Rejection::malformed(
                format!("/{key}"),
                format!("{key} must be a string; leave it out if there is none"),
            ));
        }
    };
    match name {
        Some(name) if name.is_empty() => Ok(None),
        Some(name) if name.len() > 1024 => Err(Rejection::malformed(
            format!("/{key}"),
            format!("{key} has {} bytes; at most 1024 are allowed", name.len()),
        )),
        other => Ok(other),
    }
}

fn take_text(object: &mut Object, key: &str) -> Result<Option<String>, Rejection> {
    match object.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Rejection::malformed(
            format!("/{key}"),
            format!("{key} must be a string; leave it out if there is none"),
        )),
    }
}

fn take_object(object: &mut Object, key: &str) -> Result<Object, Rejection> {
    match object.remove(key) {
        None | Some(Value::Null) => Ok(Object::new()),
        Some(Value::Object(inner)) => Ok(inner),
        Some(_) => {
            let detail = format!("{key} must be a JSON object; leave it out if there is none");
            Err(Rejection::malformed(format!("/{key}"), detail))
        }
    }
}

fn take_ip(object: &mut Object) -> Result<Option<IpAddr>, Rejection> {
    let Some(text) = take_text(object, "client_ip")? else { return Ok(None) };
    // An IPv4 address in IPv6's notation (RFC 4291, 2.5.5.2) is kept as the address that filters and rules know it by.
    text.parse().map(|address: IpAddr| Some(address.to_canonical())).map_err(|_| {
        Rejection::malformed(
            "/client_ip",
            "client_ip must be one IPv4 or IPv6 address, such as 192.0.2.7 or 2001:db8::1, or null",
        )
    })
}

fn take_time(object: &mut Object, key: &str) -> Result<Option<Timestamp>, Rejection> {
    let Some(text) = take_text(object, key)? else { return Ok(None) };
    let instant = crate::time::parse_saturating(&text).ok_or_else(|| {
        Rejection::malformed(
            format!("/{key}"),
            format!("{key} must be an RFC 3339 time with its offset, such as 2023-02-15T15:33:42.771091Z"),
        )
    })?;
    if instant < Timestamp::UNIX_EPOCH {
        return Err(Rejection::malformed(format!("/{key}"), format!("{key} is before 1970; check the sender's clock")));
    }
    Ok(Some(crate::time::to_micros(instant)))
}

/// The event's `traceparent`, or else that of its context, which is where CloudEvents' extensions are.
fn take_trace(object: &mut Object, context: &Object) -> Result<Option<TraceParent>, Rejection> {
    match take_text(object, "traceparent")? {
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|error| Rejection::malformed("/traceparent", format!("traceparent is {error}"))),
        None => Ok(context.get("traceparent").and_then(Value::as_str).and_then(|text| text.parse().ok())),
    }
}

#[cfg(test)]
mod tests;
