//! The event that a firing writes.
//!
//! Its pk follows from the group and the firing alone, so that writing it twice makes one event.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Firing, FiringState, GroupId, group_paths};
use crate::event::{Action, ActionError, Event, EventPk, Object, Producer};
use crate::rules_document::{Detection, DetectionKind, RulesDocument};
use crate::text::describe;

/// The action of every detection event.
pub const ACTION: &str = "detection";
/// The app of every detection event. Callers cannot post events of it.
pub const APP: &str = "nuncio.detections";

const SOURCE: &str = "nuncio";

impl Firing {
    /// The event that this firing of a group writes, received at `now`. `values` are those of the group.
    ///
    /// # Errors
    /// Never: the action is a constant and well-formed.
    pub fn event(
        &self,
        detection: &Detection,
        group: GroupId,
        values: &[Value],
        document: &RulesDocument,
        now: Timestamp,
    ) -> Result<Event, ActionError> {
        let action = Action::parse(ACTION)?;
        let by: Map<String, Value> =
            detection.by.iter().zip(values).map(|(path, value)| (path.as_str().to_owned(), value.clone())).collect();
        let value = match &detection.kind {
            DetectionKind::FirstSeen(_) => {
                let named = group_paths(detection).zip(values).skip(detection.by.len());
                Value::Object(named.map(|(path, value)| (path.as_str().to_owned(), value.clone())).collect())
            }
            _ => Value::Null,
        };
        let client_ip = by.get("client_ip").and_then(Value::as_str).and_then(|text| text.parse().ok());
        let user = by.get("user.username").map(|name| Object::from_iter([("username".to_owned(), name.clone())]));
        let context = [
            ("message", Value::from(self.message(detection, values))),
            ("detection", detection.name.as_str().into()),
            ("kind", detection.kind.as_str().into()),
            ("state", self.state.as_str().into()),
            ("by", by.into()),
            ("count", self.count.into()),
            ("distinct", self.distinct.into()),
            ("window", json!({ "from": crate::time::format(self.from), "until": crate::time::format(self.at) })),
            ("value", value),
            ("events", json!(self.events)),
        ];
        let context = context.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let id = format!("{}/{group}/{}/{}", detection.name, self.state.as_str(), self.id);
        Ok(Event {
            pk: EventPk::named(self.at, &Sha256::digest(format!("{SOURCE} {id}")).into()),
            user: user.unwrap_or_default(),
            expires: document.retention.expiry(&action, crate::time::to_micros(now)),
            action,
            app: APP.to_owned(),
            context,
            client_ip,
            created: self.at,
            received: None,
            brand: Object::new(),
            id: Some(id),
            source: Some(SOURCE.to_owned()),
            traceparent: None,
            produced_by: Some(Producer::Detection(detection.name.clone())),
        })
    }

    /// What happened, as one sentence without a full stop: `10 failed logins from 192.0.2.7 within 5 minutes`.
    fn message(&self, detection: &Detection, values: &[Value]) -> String {
        let of = |name: &str| name.replace(['-', '_'], " ");
        let group = whose(detection, values);
        match &detection.kind {
            DetectionKind::Count(settings) => {
                let within = length(settings.within.duration());
                match (&settings.distinct, self.distinct) {
                    (Some(path), Some(distinct)) => {
                        format!(
                            "{distinct} different values of {} in {}{group} within {within}",
                            path.as_str(),
                            of(&settings.of)
                        )
                    }
                    _ => format!("{} {}{group} within {within}", self.count, of(&settings.of)),
                }
            }
            DetectionKind::FirstSeen(settings) => {
                let named = group_paths(detection).zip(values).skip(detection.by.len());
                let new: Vec<_> = named.map(|(path, value)| format!("{} {}", path.as_str(), describe(value))).collect();
                let remember = length(settings.remember.duration());
                format!("{}{group} with {} for the first time in {remember}", of(&settings.of), new.join(" and "))
            }
            DetectionKind::Absent(settings) => {
                let silence = length(self.at.duration_since(self.from));
                match self.state {
                    FiringState::Fired => format!("no {}{group} for {silence}", of(&settings.of)),
                    FiringState::Resolved => format!("{}{group} again, after {silence}", of(&settings.of)),
                }
            }
            DetectionKind::Sequence(settings) => {
                let steps: Vec<_> = settings.of.iter().map(|name| of(name)).collect();
                let joined = steps.join(if settings.ordered { ", then " } else { " and " });
                format!("{joined}{group} within {}", length(settings.within.duration()))
            }
        }
    }
}

/// The event that reports that a detection has reached its `max_groups`. Its pk is the same for a whole hour, so that
/// all dispatchers together write one an hour.
///
/// # Errors
/// Never: the action is a constant and well-formed.
pub fn max_groups_event(detection: &Detection, document: &RulesDocument, now: Timestamp) -> Result<Event, ActionError> {
    let action = Action::parse("configuration_error")?;
    let hour = crate::delivery::failure_event::hour(now);
    let Detection { name, max_groups, .. } = detection;
    let message = format!("The detection {name} has {max_groups} open groups, its max_groups, and opens no other");
    let context =
        [("message", Value::from(message)), ("detection", name.as_str().into()), ("max_groups", (*max_groups).into())];
    let id = format!("{name}/max_groups@{}", crate::time::format(hour));
    Ok(Event {
        pk: EventPk::named(hour, &Sha256::digest(format!("{SOURCE} {id}")).into()),
        user: Object::new(),
        expires: document.retention.expiry(&action, crate::time::to_micros(now)),
        action,
        app: SOURCE.to_owned(),
        context: context.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        client_ip: None,
        created: hour,
        received: None,
        brand: Object::new(),
        id: Some(id),
        source: Some(SOURCE.to_owned()),
        traceparent: None,
        produced_by: None,
    })
}

/// The group in words, with a blank before: ` from 192.0.2.7 by ann with geo.country DE`; empty without `by`.
fn whose(detection: &Detection, values: &[Value]) -> String {
    let one = |(path, value): (&crate::rules_document::FieldPath, &Value)| {
        let value = describe(value);
        match path.as_str() {
            "client_ip" => format!(" from {value}"),
            "user.username" => format!(" by {value}"),
            "app" => format!(" in {value}"),
            other => format!(" with {} {value}", other.strip_prefix("context.").unwrap_or(other)),
        }
    };
    detection.by.iter().zip(values).map(one).collect()
}

/// A duration in words, by its two largest units: `5 minutes`, `1 day 2 hours`; `less than a second` at least.
fn length(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let units = [("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)];
    let mut rest = seconds;
    let mut words = Vec::new();
    for (unit, size) in units {
        let number = rest / size;
        rest %= size;
        if number > 0 && words.len() < 2 {
            words.push(format!("{number} {unit}{}", if number == 1 { "" } else { "s" }));
        }
    }
    if words.is_empty() { "less than a second".to_owned() } else { words.join(" ") }
}
