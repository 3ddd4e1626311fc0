//! What a recipient is told.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::delivery::{Delivery, DeliveryId};
use crate::document::Severity;
use crate::event::Event;
use crate::recipient::Person;

/// One notification for one recipient, before a transport gives it its form.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// The delivery it is; the same on every attempt.
    pub delivery: DeliveryId,
    /// The rule that asked for it.
    pub rule: String,
    /// The transport's name.
    pub transport: String,
    /// The rule's.
    pub severity: Severity,
    /// In words.
    pub body: String,
    /// Who is told.
    pub recipient: Person,
    /// What happened.
    pub event: Arc<Event>,
    /// Where to look at it: the event's own link, or else its page in the console.
    pub link: Option<Link>,
    /// When the delivery was opened; the same on every attempt.
    pub created: Timestamp,
}

/// A link and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// `http` or `https`.
    pub target: String,
    /// What to show for it.
    pub label: String,
}

impl Notification {
    /// The notification that a delivery carries.
    pub fn of(delivery: &Delivery, event: Arc<Event>, public_url: Option<&str>) -> Self {
        Self {
            delivery: delivery.id,
            rule: delivery.rule.clone(),
            transport: delivery.transport.clone(),
            severity: delivery.severity,
            body: summary(&event),
            recipient: delivery.recipient.clone(),
            link: link(&event, public_url),
            event,
            created: delivery.created,
        }
    }
}

/// What happened, in words: `context.message` if there is one, else the action and a readable line
/// of the context.
pub fn summary(event: &Event) -> String {
    match event.context.get("message") {
        Some(Value::String(message)) if !message.is_empty() => return message.clone(),
        Some(Value::Null) | None => {}
        Some(other) => return readable(other),
    }
    let details: Vec<String> = event.context.iter().map(|(key, value)| format!("{key}: {}", readable(value))).collect();
    if details.is_empty() {
        return event.action.to_string();
    }
    cut(&format!("{}: {}", event.action, details.join(", ")), SUMMARY_CHARS)
}

const SUMMARY_CHARS: usize = 1000;

/// A value as a person would write it: `key: value` pairs, no braces around the whole.
pub fn readable(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(readable).collect::<Vec<_>>().join(", "),
        Value::Object(object) => {
            let pairs: Vec<_> = object.iter().map(|(key, value)| format!("{key}: {}", readable(value))).collect();
            format!("({})", pairs.join(", "))
        }
    }
}

/// The first `chars` characters, with an ellipsis in the last one's place where something is cut.
pub fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    text.chars().take(chars.saturating_sub(1)).chain(['…']).collect()
}

impl Link {
    /// A link, unless its target is no web page.
    pub fn to(target: &str, label: Option<&str>) -> Option<Self> {
        let is_web = target.starts_with("https://") || target.starts_with("http://");
        is_web.then(|| Self { target: target.to_owned(), label: label.unwrap_or("Open").to_owned() })
    }
}

fn link(event: &Event, public_url: Option<&str>) -> Option<Link> {
    let label = event.context_str("hyperlink_label").filter(|label| !label.is_empty());
    let own = event.context_str("hyperlink").and_then(|target| Link::to(target, label));
    if own.is_some() {
        return own;
    }
    public_url.map(|base| Link { target: format!("{base}/events/{}", event.pk), label: "Show the event".to_owned() })
}
