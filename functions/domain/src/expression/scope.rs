//! The data that a body can see: the event, the people, the notification.
//!
//! Owns only its assembly; this is what crosses to the sandbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{Event, Object};
use crate::notification::{Link, Notification};
use crate::person::Person;
use crate::rules_document::Severity;

/// The purpose of a body, which decides the variables that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExpressionKind {
    /// Decides whether a rule applies to an event: `request`, `context`, helpers.
    Policy,
    /// Makes the body or the headers of a webhook: `request`, `user`, `notification`, helpers.
    Mapping,
}

/// The groups of the rules document.
pub type Groups = BTreeMap<String, Vec<Person>>;

/// All data that one evaluation can see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpressionScope {
    /// What the body is for.
    pub kind: ExpressionKind,
    /// The event that the body is evaluated for; the first one of a digest.
    pub event: Arc<Event>,
    /// `request.user`: the acting user in a policy, the recipient in a mapping.
    pub user: Object,
    /// The groups; not sent to the sandbox if the body does not read them.
    #[serde(default)]
    pub groups: Arc<Groups>,
    /// The notification that a mapping renders; `None` for a policy.
    pub notification: Option<NotificationView>,
    /// Additional keys of `request.context`; in a mapping, also variables.
    pub extra: Object,
    /// The number of nested `ak_call_policy` calls that led to this evaluation.
    pub depth: u8,
}

/// The parts of a notification that a mapping sees and may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationView {
    /// The text of the notification, which the mapping may replace.
    pub body: String,
    /// `notice`, `warning` or `alert`, unless the body wrote something else.
    pub severity: String,
    /// The URL of the notification's link.
    pub hyperlink: Option<String>,
    /// The text of the link.
    pub hyperlink_label: Option<String>,
}

impl ExpressionScope {
    /// For a policy: `request.context["event"]` is the event, `request.user` the acting user.
    pub fn policy(event: Arc<Event>, user: Object, groups: Arc<Groups>) -> Self {
        Self { kind: ExpressionKind::Policy, event, user, groups, notification: None, extra: Object::new(), depth: 0 }
    }

    /// For a webhook's body or headers: `request.user` is the recipient.
    pub fn mapping(notification: &Notification, groups: Arc<Groups>) -> Self {
        Self {
            kind: ExpressionKind::Mapping,
            event: Arc::clone(&notification.event),
            user: recipient(notification),
            groups,
            notification: Some(NotificationView::from_notification(notification)),
            extra: Object::new(),
            depth: 0,
        }
    }

    /// With one more key of `request.context`, such as `original_body`.
    pub fn with(mut self, key: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.extra.insert(key.into(), value.into());
        self
    }

    /// The scope for a policy that a body in this scope calls by `ak_call_policy(name, **context)`.
    pub fn called(&self, context: Object) -> Self {
        let mut called =
            Self { kind: ExpressionKind::Policy, notification: None, depth: self.depth + 1, ..self.clone() };
        called.extra.extend(context);
        called
    }
}

/// The recipient as a user. The rules document gives a name and an address at most; the rest, such as `pk`, is what the
/// event says about the same person, if it names them as its user or as `context.subject`.
fn recipient(notification: &Notification) -> Object {
    let event = &notification.event;
    let subject = event.context.get("subject").and_then(Value::as_object);
    let is_recipient =
        |one: &&Object| Person::from_object(one).is_some_and(|person| person.is_same(&notification.recipient));
    let mut user = [Some(&event.user), subject].into_iter().flatten().find(is_recipient).cloned().unwrap_or_default();
    user.insert("username".to_owned(), notification.recipient.username.clone().into());
    user.insert("email".to_owned(), notification.recipient.email.clone().into());
    user
}

impl NotificationView {
    /// The parts of the notification that a mapping sees.
    pub fn from_notification(notification: &Notification) -> Self {
        Self {
            body: notification.body.clone(),
            severity: notification.severity.as_str().to_owned(),
            hyperlink: notification.link.as_ref().map(|link| link.target.clone()),
            hyperlink_label: notification.link.as_ref().map(|link| link.label.clone()),
        }
    }

    /// The notification with the mapping's changes. A link whose target is not a web page is dropped.
    ///
    /// # Errors
    /// If the severity is not `notice`, `warning` or `alert`; the text is for the operator.
    pub fn applied_to(self, notification: &Notification) -> Result<Notification, &'static str> {
        let all = [Severity::Notice, Severity::Warning, Severity::Alert];
        let severity = all.into_iter().find(|severity| severity.as_str() == self.severity);
        let severity = severity.ok_or("severity must be notice, warning or alert")?;
        let label = self.hyperlink_label.filter(|label| !label.is_empty());
        let link = self.hyperlink.and_then(|target| Link::to_web_page(&target, label.as_deref()));
        Ok(Notification { body: self.body, severity, link, ..notification.clone() })
    }
}
