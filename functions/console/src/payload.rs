//! Renders some of the messages that rules in a dry run would send.

use domain::delivery::Delivery;
use domain::event::EventPk;
use domain::notification::Notification;
use domain::notification::rendered::RenderedMessage;
use domain::rules_document::RulesDocument;
use jiff::SignedDuration;
use rules::dry_run::Example;
use serde::{Deserialize, Serialize};

use crate::Console;

/// One message as its receiver would get it, or the reason why it cannot be rendered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Payload {
    /// The rule that would notify.
    pub rule: String,
    /// The name of the transport that would send the message.
    pub transport: String,
    /// The username or address of the recipient.
    pub recipient: String,
    /// The event that the message is about.
    pub event: EventPk,
    /// The message in the form of the transport.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<RenderedMessage>,
    /// Why the message cannot be rendered; `None` if `sent` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The time after which no further message is rendered: expressions in mappings may be slow.
const MAX_DURATION: SignedDuration = SignedDuration::from_secs(10);

/// Renders the examples, in order, for at most [`MAX_DURATION`].
pub(crate) async fn render(console: &Console, examples: Vec<Example>, document: &RulesDocument) -> Vec<Payload> {
    let deadline = domain::time::later(console.clock.now(), MAX_DURATION);
    let mut payloads = Vec::with_capacity(examples.len());
    for Example { event, delivery } in examples {
        let Some(transport) = document.transports.get(&delivery.transport) else { continue };
        if console.clock.now() >= deadline {
            break;
        }
        let notification = Notification::for_delivery(&delivery, event, document.public_url.as_deref());
        let (sent, error) = match console.channel.render(&notification, transport, document).await {
            Ok(sent) => (Some(sent), None),
            Err(failure) => (None, Some(failure.to_string())),
        };
        let event = delivery.event();
        let Delivery { rule, transport, recipient, .. } = delivery;
        payloads.push(Payload { rule, transport, recipient: recipient.label().to_owned(), event, sent, error });
    }
    payloads
}
