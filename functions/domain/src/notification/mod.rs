//! What a recipient is told.

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
use crate::text::cut;

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
    /// When the delivery was opened, or its digest's window closed; the same on every attempt.
    pub created: Timestamp,
    /// What a digest tells of; `event` is then the first of it.
    pub digest: Option<Digested>,
}

/// Events that one message tells of.
#[derive(Debug, Clone, PartialEq)]
pub struct Digested {
    /// How many.
    pub count: usize,
    /// When the first happened.
    pub first: Timestamp,
    /// When the last happened.
    pub last: Timestamp,
    /// Some of them, oldest first: from the beginning and from the end.
    pub samples: Vec<Arc<Event>>,
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
            digest: None,
        }
    }

    /// The same as a digest of several events, whose window closed at `closed`.
    pub fn digesting(self, digest: Digested, closed: Timestamp, public_url: Option<&str>) -> Self {
        let newest = digest.samples.last().unwrap_or(&self.event).pk;
        // A link that the first event brings along says nothing of the others.
        let link = public_url.map(|base| shown_at(base, newest, "Show the newest event"));
        Self { body: digest.in_words(), created: closed, link, digest: Some(digest), ..self }
    }

    /// What it is about, in a few words: the action, and of a digest how many.
    pub fn title(&self) -> String {
        match &self.digest {
            None => self.event.action.to_string(),
            Some(digest) => digest.title(),
        }
    }
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
    public_url.map(|base| shown_at(base, event.pk, "Show the event"))
}

fn shown_at(base: &str, event: EventPk, label: &str) -> Link {
    Link { target: format!("{base}/events/{event}"), label: label.to_owned() }
}

impl Digested {
    /// The action if all that are shown have the same one, and how many there are.
    pub fn title(&self) -> String {
        match self.action() {
            Some(action) => format!("{action} ({} events)", self.count),
            None => format!("{} events", self.count),
        }
    }

    /// How many of what, from when to when.
    pub fn headline(&self) -> String {
        let what = self.action().map_or_else(|| "events".to_owned(), |action| format!("× {action}"));
        let (first, last) = (self.first.strftime("%Y-%m-%d %H:%M:%S"), self.last.strftime("%Y-%m-%d %H:%M:%S"));
        format!("{} {what} from {first} to {last} UTC", self.count)
    }

    /// When each sample happened and what it says, in one line; in their midst, how many are not among them.
    pub fn lines(&self) -> Vec<(String, String)> {
        let line = |sample: &Arc<Event>| {
            let words = summary(sample).split_whitespace().collect::<Vec<_>>().join(" ");
            (sample.created.strftime("%Y-%m-%d %H:%M:%S").to_string(), cut(&words, SAMPLE_CHARS))
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
