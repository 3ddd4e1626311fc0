//! The outgoing transports: webhook, Slack format, e-mail and inbox; the outgoing guard and signing.
//! Owns how a notification looks to its receiver, and what a failure to hand it over is called.
//! Refuses to retry, to remember, or to send where the rules document does not allow: that is decided elsewhere.
//!
//! | file | owns |
//! |---|---|
//! | `webhook`, `slack`, `email`, `local` | one transport each |
//! | `http`, `guard`, `networks` | the one way out by HTTP, and where it may lead |
//! | `sign` | Standard Webhooks 1.0.0 |
//! | `letter` | what a mail says (`templates/`) |
//! | `mailer`, `smtp`, `mailbox` | how mail leaves one machine |
//! | `fault`, `secret`, `text` | errors without secrets, secrets, hostile text |

mod email;
mod fault;
mod guard;
mod http;
mod letter;
mod local;
mod mailbox;
mod mailer;
mod networks;
mod secret;
mod sign;
mod slack;
mod smtp;
mod text;
mod webhook;

pub use mailer::LocalMailer;

use std::sync::Arc;

use crate::guard::SystemNames;
use crate::http::{Http, Timeouts};
use async_trait::async_trait;
use domain::delivery::Outcome;
use domain::document::{RulesDocument, Transport, TransportKind};
use domain::notification::Notification;
use domain::ports::{Channel, Clock, Inbox, Mailer, Secrets};

/// As receivers see us, in `User-Agent` and in footers.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The transports could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no HTTP client without TLS roots and a TLS provider.
    #[error("the HTTP client cannot be built: {0}; check the system's CA certificates")]
    Client(String),
}

/// What the transports stand on.
pub struct Parts {
    /// Takes finished mail.
    pub mailer: Arc<dyn Mailer>,
    /// Takes local notifications.
    pub inbox: Arc<dyn Inbox>,
    /// Resolves URLs and signing secrets, on every send; caching is its own affair.
    pub secrets: Arc<dyn Secrets>,
    /// Stamps webhooks.
    pub clock: Arc<dyn Clock>,
}

/// All transports, as the one [`Channel`].
pub struct Channels {
    mailer: Arc<dyn Mailer>,
    inbox: Arc<dyn Inbox>,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    http: Http,
}

impl Channels {
    /// Builds the HTTP client once; it is rebuilt only when `allow_networks` changes.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(parts: Parts) -> Result<Self, Error> {
        let http = Http::new(Arc::clone(&parts.clock), Arc::new(SystemNames), Timeouts::default())?;
        Ok(Self { mailer: parts.mailer, inbox: parts.inbox, secrets: parts.secrets, clock: parts.clock, http })
    }
}

#[async_trait]
impl Channel for Channels {
    async fn send(&self, notification: &Notification, transport: &Transport, document: &RulesDocument) -> Outcome {
        let sent = match &transport.kind {
            TransportKind::Local => local::send(notification, &*self.inbox).await,
            TransportKind::Email { subject_prefix } => {
                email::send(notification, subject_prefix, document, &*self.mailer).await
            }
            TransportKind::Webhook { url, secrets, content_type } => {
                let target = webhook::Target { url, secrets, content_type };
                webhook::send(self, notification, target, &document.allow_networks).await
            }
            TransportKind::WebhookSlack { url } => slack::send(self, notification, url, &document.allow_networks).await,
        };
        sent.unwrap_or_else(Outcome::Failed)
    }
}

#[cfg(test)]
mod tests;
