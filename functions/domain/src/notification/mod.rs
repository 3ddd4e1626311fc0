//! What a recipient reads: the notification, before a transport renders it.
//!
//! Owns its content and wording. Refuses to render or send it: the `channels` crate does.

pub mod inbox;
pub mod rendered;
mod summary;

pub use summary::summary;

use std::sync::Arc;

use jiff::Timestamp;

use crate::delivery::{Delivery, DeliveryId};
use crate::event::{Action, Event, EventPk};
use crate::person::Person;
use crate::rules_document::Severity;
use crate::text::truncate;

/// The content of one notification to one recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// The delivery's id, the same on every attempt.
    pub delivery: DeliveryId,
    /// The name of the rule that fired.
    pub rule: String,
    /// The name of the transport.
    pub transport: String,
    /// The rule's severity when the delivery was created.
    pub severity: Severity,
    /// The text of the notification.
    pub body: String,
    /// The recipient, with the address to use.
    pub recipient: Person,
    /// The event; the first one of a digest.
    pub event: Arc<Event>,
    /// The event's own link, or its page in the console; `None` without both.
    pub link: Option<Link>,
    /// When the delivery was created, or its digest's window closed; the same on every attempt.
    pub created: Timestamp,
    /// The collected events, if it is a digest.
    pub digest: Option<DigestSummary>,
}

/// The events that a digest reports.
#[derive(Debug, Clone, PartialEq)]
pub struct DigestSummary {
    /// The number of events.
    pub count: usize,
    /// The time of the first event.
    pub first: Timestamp,
    /// The time of the last event.
    pub last: Timestamp,
    /// Some of the events, oldest first, from the beginning and from the end.
    pub samples: Vec<Arc<Event>>,
}

/// A link with its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The URL, with scheme `http` or `https`.
    pub target: String,
    /// The text to show.
    pub label: String,
}

impl Notification {
    /// The notification of a delivery. `public_url` is the console's base URL, for links.
    pub fn for_delivery(delivery: &Delivery, event: Arc<Event>, public_url: Option<&str>) -> Self {
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
            digest: None,
        }
    }

    /// Turns it into a digest of several events, whose window closed at `closed`.
    pub fn digesting(self, digest: DigestSummary, closed: Timestamp, public_url: Option<&str>) -> Self {
        let newest = digest.samples.last().unwrap_or(&self.event).pk;
        // The first event's own link does not apply to the others.
        let link = public_url.map(|base| shown_at(base, newest, "Show the newest event"));
        Self { body: digest.in_words(), created: closed, link, digest: Some(digest), ..self }
    }

    /// A short title: the action, and for a digest the number of events.
    pub fn title(&self) -> String {
        match &self.digest {
            None => self.event.action.to_string(),
            Some(digest) => digest.title(),
        }
    }
}

impl Link {
    /// A link to a web page; `None` if the target's scheme is neither `http` nor `https`.
    pub fn to_web_page(target: &str, label: Option<&str>) -> Option<Self> {
        let is_web = target.starts_with("https://") || target.starts_with("http://");
        is_web.then(|| Self { target: target.to_owned(), label: label.unwrap_or("Open").to_owned() })
    }
}

fn link(event: &Event, public_url: Option<&str>) -> Option<Link> {
    let label = event.context_str("hyperlink_label").filter(|label| !label.is_empty());
    let own = event.context_str("hyperlink").and_then(|target| Link::to_web_page(target, label));
    if own.is_some() {
        return own;
    }
    public_url.map(|base| shown_at(base, event.pk, "Show the event"))
}

fn shown_at(base: &str, event: EventPk, label: &str) -> Link {
    Link { target: format!("{base}/events/{event}"), label: label.to_owned() }
}

impl DigestSummary {
    /// The number of events, with their action if all samples have the same one.
    pub fn title(&self) -> String {
        match self.action() {
            Some(action) => format!("{action} ({} events)", self.count),
            None => format!("{} events", self.count),
        }
    }

    /// The number of events, their action, and their time range.
    pub fn headline(&self) -> String {
        let what = self.action().map_or_else(|| "events".to_owned(), |action| format!("× {action}"));
        let (first, last) = (self.first.strftime("%Y-%m-%d %H:%M:%S"), self.last.strftime("%Y-%m-%d %H:%M:%S"));
        format!("{} {what} from {first} to {last} UTC", self.count)
    }

    /// The time and summary of each sample; in the middle, the number of events that are not among the samples.
    pub fn lines(&self) -> Vec<(String, String)> {
        let line = |sample: &Arc<Event>| {
            let words = summary(sample).split_whitespace().collect::<Vec<_>>().join(" ");
            (sample.created.strftime("%Y-%m-%d %H:%M:%S").to_string(), truncate(&words, SAMPLE_CHARS))
        };
        let mut lines: Vec<_> = self.samples.iter().map(line).collect();
        let others = self.count.saturating_sub(lines.len());
        if others > 0 {
            lines.insert(lines.len().div_ceil(2), ("…".to_owned(), format!("{others} more events")));
        }
        lines
    }

    fn in_words(&self) -> String {
        let lines = self.lines().into_iter().map(|(at, words)| format!("{at}  {words}"));
        [self.headline()].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    }

    fn action(&self) -> Option<&Action> {
        let first = &self.samples.first()?.action;
        self.samples.iter().all(|sample| sample.action == *first).then_some(first)
    }
}

const SAMPLE_CHARS: usize = 200;
