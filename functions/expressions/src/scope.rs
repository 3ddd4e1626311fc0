//! What a body can look at: the event, the people, the notification.
//!
//! Owns no behaviour beyond putting it together; it is what crosses to the worker.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::Event;
use domain::document::Severity;
use domain::event::Object;
use domain::notification::Notification;
use domain::recipient::Person;
use serde::{Deserialize, Serialize};

use crate::program::Kind;

/// The groups of the rules document.
pub type Groups = BTreeMap<String, Vec<Person>>;

/// Everything that one evaluation can see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    pub(crate) kind: Kind,
    pub(crate) event: Arc<Event>,
    /// `request.user`: who acted in a policy, who is told in a mapping.
    pub(crate) user: Object,
    /// Stays behind where the body asks for none.
    #[serde(default)]
    pub(crate) groups: Arc<Groups>,
    pub(crate) notification: Option<View>,
    /// More keys of `request.context`; in a mapping variables of their own, too.
    pub(crate) extra: Object,
    /// How many `ak_call_policy` lie above this evaluation.
    pub(crate) depth: u8,
}

/// The parts of a notification that a mapping sees and may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// In words.
    pub body: String,
    /// `notice`, `warning` or `alert`, unless the body wrote something else.
    pub severity: String,
    /// Where to look at it.
    pub hyperlink: Option<String>,
    /// What the link is called.
    pub hyperlink_label: Option<String>,
}

impl Scope {
    /// For a policy: `request.context["event"]` is the event, `request.user` who acted.
    pub fn policy(event: Arc<Event>, user: Object, groups: Arc<Groups>) -> Self {
        Self { kind: Kind::Policy, event, user, groups, notification: None, extra: Object::new(), depth: 0 }
    }

    /// For a webhook's body or headers: `request.user` is the recipient.
    pub fn mapping(notification: &Notification, groups: Arc<Groups>) -> Self {
        let mut user = Object::new();
        user.insert("username".to_owned(), notification.recipient.username.clone().into());
        user.insert("email".to_owned(), notification.recipient.email.clone().into());
        let severity = match notification.severity {
            Severity::Notice => "notice",
            Severity::Warning => "warning",
            Severity::Alert => "alert",
        };
        let view = View {
            body: notification.body.clone(),
            severity: severity.to_owned(),
            hyperlink: notification.link.as_ref().map(|link| link.target.clone()),
            hyperlink_label: notification.link.as_ref().map(|link| link.label.clone()),
        };
        Self {
            kind: Kind::Mapping,
            event: Arc::clone(&notification.event),
            user,
            groups,
            notification: Some(view),
            extra: Object::new(),
            depth: 0,
        }
    }

    /// With one more key of `request.context`, such as `original_body`.
    pub fn with(mut self, key: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.extra.insert(key.into(), value.into());
        self
    }

    /// The scope of a policy that a body in this scope calls by `ak_call_policy(name, **context)`.
    pub fn called(&self, context: Object) -> Self {
        let mut called = Self { kind: Kind::Policy, notification: None, depth: self.depth + 1, ..self.clone() };
        called.extra.extend(context);
        called
    }

    /// How many `ak_call_policy` lie above.
    pub fn depth(&self) -> u8 {
        self.depth
    }

    /// What the body is for.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}
