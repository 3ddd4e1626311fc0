//! The outgoing transports: webhook, Slack webhook, e-mail and inbox; the outgoing guard and signing.
//! Owns how a notification looks to its receiver, and how a failure to send it is classified.
//! Refuses retries, state, and targets that the rules document does not allow: others decide those.
//!
//! | file | owns |
//! |---|---|
//! | `transport_handler`, `kinds` | the interface of a transport kind, and the one match over the kinds |
//! | `webhook`, `slack`, `email`, `inbox` | one kind each: its default body, how it is shown, how it is sent |
//! | `mapping` | the Python of a transport, which may change the notification, the body and the headers |
//! | `http`, `guard`, `networks` | the HTTP client, and the addresses that it may reach |
//! | `rendered_request` | a request as it is shown before it is sent |
//! | `sign` | signatures by Standard Webhooks 1.0.0 |
//! | `mail_content` | the text and HTML of a mail (`templates/`) |
//! | `mailer`, `smtp`, `mailbox`, `mail_decode` | how mail leaves one machine, and the mails in the mailbox folder |
//! | `timeout` | time limits |
//! | `fault`, `secret`, `redact`, `text` | errors without secrets, secrets, responses without secrets, hostile text |
#![doc = include_str!("../README.md")]

mod email;
mod fault;
mod guard;
mod http;
mod inbox;
mod kinds;
mod mail_content;
mod mail_decode;
mod mailbox;
mod mailer;
mod mapping;
mod networks;
mod redact;
mod rendered_request;
mod secret;
mod sign;
mod slack;
mod smtp;
mod text;
mod timeout;
mod transport_handler;
mod webhook;

pub use mailbox::MailboxFolder;
pub use mailer::LocalMailer;
pub use sign::unusable_signing_secret;

use std::sync::Arc;

use crate::guard::SystemResolver;
use crate::http::{Http, Timeouts};
use crate::transport_handler::SendContext;
use async_trait::async_trait;
use domain::delivery::{AttemptOutcome, Failure};
use domain::expression::Effects;
use domain::notification::Notification;
use domain::notification::rendered::RenderedMessage;
use domain::ports::{Channel, Clock, Expressions, Inbox, Mailer, Renderer, Secrets, SendReport};
use domain::rules_document::{RulesDocument, Transport};
use tokio::sync::Semaphore;

/// The version in `User-Agent` and in message footers.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The transports cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The HTTP client cannot be built, as TLS cannot be set up.
    #[error("the HTTP client cannot be built: {0}; check the system's CA certificates")]
    Client(String),
}

/// The ports that the transports use.
pub struct ChannelPorts {
    /// Hands the mails of `email` transports to a mail system, such as an SMTP server or SES.
    pub mailer: Arc<dyn Mailer>,
    /// Takes the items of `local` transports.
    pub inbox: Arc<dyn Inbox>,
    /// Resolves URLs, certificates and signing secrets. Called on every send, so it should cache.
    pub secrets: Arc<dyn Secrets>,
    /// Gives webhooks their timestamp.
    pub clock: Arc<dyn Clock>,
    /// Runs the Python of mappings.
    pub expressions: Arc<dyn Expressions>,
}

/// The [`Channel`] of all transport kinds.
pub struct Channels {
    mailer: Arc<dyn Mailer>,
    inbox: Arc<dyn Inbox>,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    http: Http,
    expressions: Arc<dyn Expressions>,
    /// Limits the mappings that run at once to [`MAX_MAPPINGS`].
    mapping_permits: Semaphore,
}

/// The most mappings that run concurrently; more would only compete for processors.
const MAX_MAPPINGS: usize = 4;

impl Channels {
    /// Sets up the transports. HTTP clients are built on demand, one for each set of certificate authorities, and
    /// rebuilt when `allow_networks` changes.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(ports: ChannelPorts) -> Result<Self, Error> {
        let http = Http::new(Arc::clone(&ports.clock), Arc::new(SystemResolver), Timeouts::default())?;
        Ok(Self {
            mailer: ports.mailer,
            inbox: ports.inbox,
            secrets: ports.secrets,
            clock: ports.clock,
            http,
            expressions: ports.expressions,
            mapping_permits: Semaphore::new(MAX_MAPPINGS),
        })
    }
}

#[async_trait]
impl Channel for Channels {
    async fn send(&self, notification: &Notification, transport: &Transport, document: &RulesDocument) -> SendReport {
        let mut effects = Vec::new();
        let outcome = self.map_and_send(notification, transport, document, &mut effects).await;
        SendReport { outcome: outcome.unwrap_or_else(AttemptOutcome::Failed), effects }
    }
}

/// Runs the same mappings as sending, and hands nothing over. What the mappings log or create is dropped.
#[async_trait]
impl Renderer for Channels {
    async fn render(
        &self,
        notification: &Notification,
        transport: &Transport,
        document: &RulesDocument,
    ) -> Result<RenderedMessage, Failure> {
        let handler = kinds::handler(transport);
        let original = handler.default_body(notification);
        let mapped = mapping::apply(self, notification, original, transport, document, &mut Vec::new()).await?;
        handler.render(mapped, document)
    }
}

impl Channels {
    async fn map_and_send(
        &self,
        notification: &Notification,
        transport: &Transport,
        document: &RulesDocument,
        effects: &mut Vec<Effects>,
    ) -> Result<AttemptOutcome, Failure> {
        let handler = kinds::handler(transport);
        let original = handler.default_body(notification);
        let mapped = mapping::apply(self, notification, original, transport, document, effects).await?;
        let ca = match &transport.ca {
            Some(reference) => Some(secret::resolve(reference, &*self.secrets).await?),
            None => None,
        };
        handler.send(mapped, SendContext { channels: self, document, ca: ca.as_deref() }).await
    }
}

#[cfg(test)]
mod tests;
