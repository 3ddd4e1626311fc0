//! The `local` transport: the recipient's own inbox.
//! Owns nothing but the hand-over; the item follows from the notification, so putting it twice leaves one.

use domain::delivery::{Failure, Outcome};
use domain::notification::Notification;
use domain::notification::inbox::InboxItem;
use domain::ports::Inbox;

pub(crate) async fn send(notification: &Notification, inbox: &dyn Inbox) -> Result<Outcome, Failure> {
    match inbox.put(&InboxItem::of(notification)).await {
        Ok(()) => Ok(Outcome::Delivered { status: None, answer: String::new() }),
        Err(error) => Err(Failure::Store(error.to_string())),
    }
}
