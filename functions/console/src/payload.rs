//! What receivers would get, for some of the deliveries that rules tried on history would make.

use domain::Timestamp;
use domain::delivery::Delivery;
use domain::event::EventPk;
use domain::notification::Notification;
use domain::notification::rendered::Rendered;
use domain::rules_document::RulesDocument;
use rules::dry_run::Example;
use serde::{Deserialize, Serialize};

use crate::Console;

/// One message as its receiver would get it, or why there would be none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Payload {
    /// The rule that asks for it.
    pub rule: String,
    /// The transport's name.
    pub transport: String,
    /// Who is told.
    pub recipient: String,
    /// Of this event.
    pub event: EventPk,
    /// In the transport's form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Rendered>,
    /// Why it could not be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One for each example, as far as `enough` allows: mappings take their time.
pub(crate) async fn of(
    console: &Console,
    examples: Vec<Example>,
    document: &RulesDocument,
    enough: Timestamp,
) -> Vec<Payload> {
    let mut payloads = Vec::with_capacity(examples.len());
    for Example { event, delivery } in examples {
        let Some(transport) = document.transports.get(&delivery.transport) else { continue };
        if console.clock.now() >= enough {
            break;
        }
        let notification = Notification::of(&delivery, event, document.public_url.as_deref());
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
