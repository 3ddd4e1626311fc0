//! The transport kinds: the one match that finds a kind's implementation.
//!
//! To add a kind: write a file that implements [`TransportHandler`], and add a line to [`handler`].

use domain::rules_document::{Transport, TransportKind};

use crate::email::Email;
use crate::inbox::LocalInbox;
use crate::slack::Slack;
use crate::transport_handler::TransportHandler;
use crate::webhook::Webhook;

/// The implementation of a transport's kind.
pub(crate) fn handler(transport: &Transport) -> Box<dyn TransportHandler + '_> {
    match &transport.kind {
        TransportKind::Local => Box::new(LocalInbox),
        TransportKind::Email { subject_prefix } => Box::new(Email { subject_prefix }),
        TransportKind::Webhook { url, secrets, content_type } => Box::new(Webhook { url, secrets, content_type }),
        TransportKind::WebhookSlack { url } => Box::new(Slack { url }),
    }
}
