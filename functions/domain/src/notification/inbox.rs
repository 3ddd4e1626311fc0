//! A notification in somebody's inbox.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Notification;
use crate::delivery::DeliveryId;
use crate::event::{Action, EventPk};
use crate::rules_document::Severity;

/// As it is stored and shown. Written twice, it is there once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InboxItem {
    /// Time-ordered; follows from the delivery, so that repeating a delivery repeats nothing.
    pub pk: String,
    /// The label of the recipient who has the item in their inbox.
    pub username: String,
    /// The severity of the rule when the delivery was created.
    pub severity: Severity,
    /// The text of the notification, such as the summary of its event.
    pub body: String,
    /// When it was opened.
    #[serde(with = "crate::time::micros")]
    pub created: Timestamp,
    /// What it tells of.
    pub event: EventPk,
    /// The action of the event, such as `login_failed`.
    pub action: Action,
    /// Which rule asked for it.
    pub rule: String,
    /// Where to look at it.
    pub hyperlink: Option<String>,
    /// What that link is called.
    pub hyperlink_label: Option<String>,
    /// Whether its owner has seen it.
    pub seen: bool,
    /// When it is forgotten: with its event.
    #[serde(with = "crate::time::micros")]
    pub expires: Timestamp,
}

impl InboxItem {
    /// The pk of what a delivery that was opened then puts into an inbox.
    pub fn pk_for_delivery(created: Timestamp, delivery: DeliveryId) -> String {
        format!("{:012x}.{delivery}", created.as_millisecond().max(0))
    }

    /// What the `local` transport puts into the recipient's inbox.
    pub fn from_notification(notification: &Notification) -> Self {
        let (hyperlink, hyperlink_label) = notification.link.clone().map(|link| (link.target, link.label)).unzip();
        Self {
            pk: Self::pk_for_delivery(notification.created, notification.delivery),
            username: notification.recipient.label().to_owned(),
            severity: notification.severity,
            body: notification.body.clone(),
            created: notification.created,
            event: notification.event.pk,
            action: notification.event.action.clone(),
            rule: notification.rule.clone(),
            hyperlink,
            hyperlink_label,
            seen: false,
            expires: notification.event.expires,
        }
    }
}
