//! The operations that every transport kind implements: render a notification, and send it.

use async_trait::async_trait;
use domain::delivery::{AttemptOutcome, Failure};
use domain::notification::Notification;
use domain::notification::rendered::RenderedMessage;
use domain::rules_document::RulesDocument;
use serde_json::Value;

use crate::Channels;
use crate::mapping::Mapped;

/// What a send may use besides the transport's own settings.
#[derive(Clone, Copy)]
pub(crate) struct SendContext<'a> {
    pub(crate) channels: &'a Channels,
    pub(crate) document: &'a RulesDocument,
    /// The PEM certificates of the authorities that may sign the receiver's certificate; `None` for the system's.
    pub(crate) ca: Option<&'a str>,
}

/// A transport of one kind, with its settings.
#[async_trait]
pub(crate) trait TransportHandler: Send + Sync {
    /// The request body that is sent without a mapping, and that a mapping finds as `original_body`. `None` for kinds
    /// whose message is not JSON.
    fn default_body(&self, _notification: &Notification) -> Option<Value> {
        None
    }

    /// Shows what would be sent. Resolves no secret.
    ///
    /// # Errors
    /// When the notification cannot be sent as it is.
    fn render(&self, mapped: Mapped<'_>, document: &RulesDocument) -> Result<RenderedMessage, Failure>;

    /// Makes one attempt to send a notification.
    ///
    /// # Errors
    /// Why it was not delivered.
    async fn send(&self, mapped: Mapped<'_>, context: SendContext<'_>) -> Result<AttemptOutcome, Failure>;
}
