//! The `local` transport: puts an item into the recipient's inbox.
//! Sending a delivery twice puts one item: its key follows from the notification.

use async_trait::async_trait;
use domain::delivery::{Failure, Outcome};
use domain::notification::inbox::InboxItem;
use domain::notification::rendered::Rendered;
use domain::rules_document::RulesDocument;

use crate::mapping::Mapped;
use crate::transport_handler::{SendContext, TransportHandler};

/// The transport. It has no settings.
pub(crate) struct LocalInbox;

#[async_trait]
impl TransportHandler for LocalInbox {
    fn render(&self, mapped: Mapped<'_>, _: &RulesDocument) -> Result<Rendered, Failure> {
        Ok(Rendered::Inbox(InboxItem::of(&mapped.notification)))
    }

    async fn send(&self, mapped: Mapped<'_>, context: SendContext<'_>) -> Result<Outcome, Failure> {
        match context.channels.inbox.put(&InboxItem::of(&mapped.notification)).await {
            Ok(()) => Ok(Outcome::Delivered { status: None, answer: String::new() }),
            Err(error) => Err(Failure::Store(error.to_string())),
        }
    }
}
