//! The content of a mail: title, severity, body, table, link and footer. Owns what is shown and how long it may be; the
//! templates own the layout. Everything from an event may be hostile: this module removes control characters, and the
//! templates escape.

use askama::Template;
use domain::delivery::Failure;
use domain::notification::{DigestSummary, Link, Notification};
use domain::rules_document::Severity;
use domain::text::{describe, truncate};
use serde_json::Value;

use crate::text::{one_line, paragraph};

const BODY_CHARS: usize = 4000;
const KEY_CHARS: usize = 100;
const VALUE_CHARS: usize = 600;
/// A body with more characters is set in a smaller font: it is a list of details or a report.
const LONG_BODY_CHARS: usize = 200;
/// The most characters in the table: some mail readers truncate mails after 100 KB.
const TABLE_CHARS: usize = 40_000;

/// One row of the table.
pub(crate) struct Row {
    key: String,
    value: String,
}

impl Row {
    /// The value in plain text: on the key's line, or indented below it if it has several lines.
    fn indented(&self) -> String {
        if self.value.contains('\n') {
            format!("\n{}", self.value).replace('\n', "\n  ")
        } else {
            format!(" {}", self.value)
        }
    }
}

/// The values that the templates show.
pub(crate) struct MailContent {
    title: String,
    severity: &'static str,
    tone: Tone,
    body: String,
    rows: Vec<Row>,
    left_out: usize,
    link: Option<Link>,
    rule: String,
    transport: String,
}

/// The colours of a severity: strong for the bar and the link, pale behind the badge, dark for its text.
struct Tone {
    strong: &'static str,
    pale: &'static str,
    dark: &'static str,
}

#[derive(Template)]
#[template(path = "notification.html")]
struct Html<'a> {
    mail: &'a MailContent,
}

#[derive(Template)]
#[template(path = "notification.txt")]
struct Plain<'a> {
    mail: &'a MailContent,
}

impl MailContent {
    pub(crate) fn from_notification(notification: &Notification) -> Self {
        let (rows, left_out) = match &notification.digest {
            None => rows(notification),
            Some(digest) => (digest.lines().iter().map(|(at, words)| row(at, words)).collect(), 0),
        };
        let words =
            notification.digest.as_ref().map_or_else(|| untitled(notification).to_owned(), DigestSummary::headline);
        Self {
            title: notification.title(),
            severity: notification.severity.as_str(),
            tone: tone(notification.severity),
            body: truncate(&paragraph(&words), BODY_CHARS),
            rows,
            left_out,
            link: notification.link.as_ref().map(|link| Link {
                target: one_line(&link.target).replace(' ', "%20"),
                label: truncate(&one_line(&link.label), KEY_CHARS),
            }),
            rule: one_line(&notification.rule),
            transport: one_line(&notification.transport),
        }
    }

    fn is_long(&self) -> bool {
        self.body.chars().count() > LONG_BODY_CHARS
    }

    pub(crate) fn html(&self) -> Result<String, Failure> {
        Html { mail: self }.render().map_err(|_| unrendered())
    }

    pub(crate) fn text(&self) -> Result<String, Failure> {
        Plain { mail: self }.render().map_err(|_| unrendered())
    }
}

/// The body without the action, which the title shows already.
fn untitled(notification: &Notification) -> &str {
    let title = notification.event.action.as_str();
    notification.body.strip_prefix(title).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&notification.body)
}

fn unrendered() -> Failure {
    Failure::Misconfigured("the mail template cannot be rendered".to_owned())
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Notice => Tone { strong: "#2563c9", pale: "#e6effc", dark: "#1b4795" },
        Severity::Warning => Tone { strong: "#b45f06", pale: "#fdf0d5", dark: "#7f4503" },
        Severity::Alert => Tone { strong: "#c4262e", pale: "#fde7e8", dark: "#96161d" },
    }
}

/// The rows of the table, and the number of context entries that did not fit.
fn rows(notification: &Notification) -> (Vec<Row>, usize) {
    let event = &notification.event;
    let mut rows = vec![row("created", &event.created.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())];
    if !event.user.is_empty() {
        for key in ["username", "email"] {
            let value = event.user.get(key).map(describe).unwrap_or_default();
            rows.extend(known(&format!("event_user_{key}"), &value));
        }
    }
    rows.extend(event.client_ip.map(|address| row("client_ip", &address.to_string())));
    rows.extend(known("app", &event.app));

    let mut room = TABLE_CHARS;
    let mut left_out = 0;
    // The body above the table shows the message already.
    let entries = event.context.iter().filter(|(_, value)| **value != Value::String(notification.body.clone()));
    for (key, value) in entries {
        let row = row(key, &spread(value));
        match room.checked_sub(row.key.chars().count() + row.value.chars().count() + 1) {
            Some(left) => {
                room = left;
                rows.push(row);
            }
            None => left_out += 1,
        }
    }
    // Recipients know their own name; these rows are for people who read other people's mail.
    let recipient = &notification.recipient;
    rows.extend(known("user_username", &recipient.username).into_iter().chain(known("user_email", &recipient.email)));
    (rows, left_out)
}

/// A readable form of the value; an object's entries are lines.
fn spread(value: &Value) -> String {
    match value {
        Value::Object(object) if !object.is_empty() => {
            let line = |(key, value)| format!("{key}: {}", change(value).unwrap_or_else(|| describe(value)));
            object.iter().map(line).collect::<Vec<_>>().join("\n")
        }
        Value::Object(_) => "(empty)".to_owned(),
        other => Some(describe(other)).filter(|text| !text.trim().is_empty()).unwrap_or_else(|| "(empty)".to_owned()),
    }
}

/// An entry of a model's `diff`, as `old → new`; `None` for any other value.
fn change(value: &Value) -> Option<String> {
    let (before, after) = (value.get("previous_value")?, value.get("new_value")?);
    Some(format!("{} → {}", describe(before), describe(after)))
}

/// A row, or `None` if the value is empty.
fn known(key: &str, value: &str) -> Option<Row> {
    Some(row(key, value)).filter(|row| !row.value.is_empty())
}

fn row(key: &str, value: &str) -> Row {
    Row { key: truncate(&one_line(key), KEY_CHARS), value: truncate(&paragraph(value), VALUE_CHARS) }
}
