//! A notification in a user's inbox.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Notification;
use crate::delivery::DeliveryId;
use crate::event::{Action, EventPk};
use crate::rules_document::Severity;

/// An inbox item, as it is stored and shown. Writing it twice stores it once, because its `pk` is the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InboxItem {
    /// The key: sorts by time, and is derived from the delivery, so that a repeated delivery adds no second item.
    pub pk: String,
    /// The label of the recipient who has the item in their inbox.
    pub username: String,
    /// The severity of the rule when the delivery was created.
    pub severity: Severity,
    /// The text of the notification, such as the summary of its event.
    pub body: String,
    /// When the delivery was created, or its digest's window closed.
    #[serde(with = "crate::time::micros")]
    pub created: Timestamp,
    /// The event that it reports; the first one of a digest.
    pub event: EventPk,
    /// The action of the event, such as `login_failed`.
    pub action: Action,
    /// The name of the rule that fired.
    pub rule: String,
    /// The URL of the notification's link.
    pub hyperlink: Option<String>,
    /// The text of the link.
    pub hyperlink_label: Option<String>,
    /// Whether the user has marked it as seen.
    pub seen: bool,
    /// When the item expires: together with its event.
    #[serde(with = "crate::time::micros")]
    pub expires: Timestamp,
}

impl InboxItem {
    /// The pk of the item that a delivery puts into an inbox; `created` is the notification's.
    pub fn pk_for_delivery(created: Timestamp, delivery: DeliveryId) -> String {
        format!("{:012x}.{delivery}", created.as_millisecond().max(0))
    }

    /// The item that the `local` transport puts into the recipient's inbox.
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
