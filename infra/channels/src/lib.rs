//! The outgoing transports: webhook, Slack format, e-mail and inbox; the outgoing guard and signing.
//! Owns how a notification looks to its receiver, and what a failure to hand it over is called.
//! Refuses to retry, to remember, or to send where the rules document does not allow: that is decided elsewhere.
//!
//! | file | owns |
//! |---|---|
//! | `webhook`, `slack`, `email`, `local` | one transport each |
//! | `render` | the same, shown before it is sent |
//! | `mapping` | what a transport's own Python makes of a notification |
//! | `http`, `guard`, `networks` | the one way out by HTTP, and where it may lead |
//! | `sign` | Standard Webhooks 1.0.0 |
//! | `letter` | what a mail says (`templates/`) |
//! | `mailer`, `smtp`, `mailbox`, `mail_text` | how mail leaves one machine, and what lies in its folder |
//! | `within` | the limits of time |
//! | `fault`, `secret`, `hidden`, `text` | errors without secrets, secrets, answers without them, hostile text |

mod email;
mod fault;
mod guard;
mod hidden;
mod http;
mod letter;
mod local;
mod mail_text;
mod mailbox;
mod mailer;
mod mapping;
mod networks;
mod render;
mod secret;
mod sign;
mod slack;
mod smtp;
mod text;
mod webhook;
mod within;

pub use mailbox::MailboxFolder;
pub use mailer::LocalMailer;
pub use sign::unusable_signing_secret;

use std::sync::Arc;

use crate::guard::SystemNames;
use crate::http::{Http, Timeouts};
use crate::mapping::Mapped;
use async_trait::async_trait;
use domain::delivery::{Failure, Outcome};
use domain::notification::Notification;
use domain::ports::{Channel, Clock, Expressions, Inbox, Mailer, Secrets, Sent};
use domain::rules_document::{RulesDocument, Transport, TransportKind};
use tokio::sync::Semaphore;

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
    /// Runs transports' mappings.
    pub expressions: Arc<dyn Expressions>,
}

/// All transports, as the one [`Channel`].
pub struct Channels {
    mailer: Arc<dyn Mailer>,
    inbox: Arc<dyn Inbox>,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    http: Http,
    expressions: Arc<dyn Expressions>,
    mapping: Semaphore,
}

/// Mappings run at a time; more would only wait for a processor.
const MAPPINGS_AT_A_TIME: usize = 4;

impl Channels {
    /// Builds an HTTP client for each set of authorities, once; again only when `allow_networks` changes.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(parts: Parts) -> Result<Self, Error> {
        let http = Http::new(Arc::clone(&parts.clock), Arc::new(SystemNames), Timeouts::default())?;
        Ok(Self {
            mailer: parts.mailer,
            inbox: parts.inbox,
            secrets: parts.secrets,
            clock: parts.clock,
            http,
            expressions: parts.expressions,
            mapping: Semaphore::new(MAPPINGS_AT_A_TIME),
        })
    }
}

#[async_trait]
impl Channel for Channels {
    async fn send(&self, notification: &Notification, transport: &Transport, document: &RulesDocument) -> Sent {
        let mut effects = Vec::new();
        let outcome = match mapping::apply(self, notification, transport, document, &mut effects).await {
            Ok(mapped) => self.hand_over(mapped, transport, document).await,
            Err(failure) => Err(failure),
        };
        Sent { outcome: outcome.unwrap_or_else(Outcome::Failed), effects }
    }
}

impl Channels {
    async fn hand_over(
        &self,
        mapped: Mapped<'_>,
        transport: &Transport,
        document: &RulesDocument,
    ) -> Result<Outcome, Failure> {
        let allow = &document.allow_networks;
        let ca = match &transport.ca {
            Some(reference) => Some(secret::resolve(reference, &*self.secrets).await?),
            None => None,
        };
        let ca = ca.as_deref();
        match &transport.kind {
            TransportKind::Local => local::send(&mapped.notification, &*self.inbox).await,
            TransportKind::Email { subject_prefix } => {
                email::send(&mapped.notification, subject_prefix, document, &*self.mailer).await
            }
            TransportKind::Webhook { url, secrets, content_type } => {
                let target = webhook::Target { url, ca, secrets, content_type };
                webhook::send(self, mapped, target, allow).await
            }
            TransportKind::WebhookSlack { url } => slack::send(self, mapped, url, ca, allow).await,
        }
    }
}

#[cfg(test)]
mod tests;
