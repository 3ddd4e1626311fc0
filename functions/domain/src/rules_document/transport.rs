//! Transports: how notifications are sent.
//!
//! Owns their settings. Sending is the `channels` crate's task.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A configured way to send notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transport {
    /// The name, which no other transport has.
    pub name: String,
    /// Whether only the first recipient is notified; for chat channels.
    pub send_once: bool,
    /// The kind of transport, with its own settings.
    pub kind: TransportKind,
    /// Certificates (PEM) of the authorities that may sign the receiver's certificate, instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<SecretRef>,
    /// The load that the receiver accepts; unlimited by default.
    #[serde(default, skip_serializing_if = "TransportLimit::is_none")]
    pub limit: TransportLimit,
    /// Python bodies that change what is sent.
    #[serde(default, skip_serializing_if = "Mappings::is_empty")]
    pub mappings: Mappings,
}

/// The load that a receiver accepts. Attempts beyond it wait; none is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TransportLimit {
    /// The most concurrent attempts; `None` for the dispatcher's default.
    #[serde(default)]
    pub concurrency: Option<u16>,
    /// The most attempts that begin in a second, evenly spaced; `None` for no limit.
    #[serde(default)]
    pub per_second: Option<u16>,
}

impl TransportLimit {
    /// Whether no limit is configured.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A transport's mappings: Python bodies, as written, that change what is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mappings {
    /// For a webhook: returns the body. For the inbox: changes the notification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// For a webhook: returns additional headers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<String>,
}

impl Mappings {
    /// Whether no mapping is configured.
    pub fn is_empty(&self) -> bool {
        self.body.is_none() && self.headers.is_none()
    }
}

/// The kinds of transport, with their settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum TransportKind {
    /// Puts an item into the recipient's inbox.
    Local,
    /// Sends an e-mail to the recipient's address.
    Email {
        /// The text before the action in the subject.
        subject_prefix: String,
    },
    /// Sends an HTTP POST with a JSON body.
    Webhook {
        /// The URL that receives the request, or a reference to a secret that contains it.
        url: PlainOrSecret,
        /// The keys that sign the request by Standard Webhooks, one signature for each; the request is unsigned if
        /// empty.
        secrets: Vec<SecretRef>,
        /// The body's content type.
        content_type: String,
    },
    /// Sends an HTTP POST in Slack's attachment format.
    WebhookSlack {
        /// The incoming webhook's URL.
        url: PlainOrSecret,
    },
}

impl TransportKind {
    /// The value of `mode` in the document.
    pub fn mode(&self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Email { .. } => "email",
            Self::Webhook { .. } => "webhook",
            Self::WebhookSlack { .. } => "webhook_slack",
        }
    }
}

impl Transport {
    /// The subject prefix of an e-mail transport that does not set one.
    pub const DEFAULT_SUBJECT_PREFIX: &'static str = "Nuncio notification: ";
    /// The body type of a webhook that does not set one.
    pub const DEFAULT_CONTENT_TYPE: &'static str = "application/json";
    /// The name of the e-mail transport that is always there.
    pub const DEFAULT_EMAIL: &'static str = "default-email-transport";
    /// The name of the inbox transport that is always there.
    pub const DEFAULT_LOCAL: &'static str = "default-local-transport";

    /// The two transports that always exist.
    pub fn built_in() -> [Self; 2] {
        let email = TransportKind::Email { subject_prefix: Self::DEFAULT_SUBJECT_PREFIX.to_owned() };
        [Self::named(Self::DEFAULT_EMAIL, email), Self::named(Self::DEFAULT_LOCAL, TransportKind::Local)]
    }

    /// A transport with the required settings only.
    pub fn named(name: impl Into<String>, kind: TransportKind) -> Self {
        let (limit, mappings) = (TransportLimit::default(), Mappings::default());
        Self { name: name.into(), send_once: false, kind, ca: None, limit, mappings }
    }

    /// A hash of the whole configuration, in 16 hex digits. The state of an endpoint applies as long as the fingerprint
    /// stays the same. It covers references to secrets, not their texts.
    pub fn fingerprint(&self) -> String {
        // Every key is a string and no field can refuse, so this cannot fail.
        let written = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(written)[..8].iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
    }
}

/// A reference to a secret. It is resolved on use; the secret is never stored or shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SecretRef {
    /// `env:NAME`: an environment variable of the process.
    Env(String),
    /// `ssm:/path`: an SSM parameter.
    Ssm(String),
    /// `secretsmanager:name`: a Secrets Manager secret.
    SecretsManager(String),
}

/// The text is not a reference to a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refer to a secret as env:NAME, ssm:/path or secretsmanager:name; never write it into the file")]
pub struct SecretRefError;

impl SecretRef {
    /// Parses a reference.
    ///
    /// # Errors
    /// If the text has none of the three prefixes, or nothing after it.
    pub fn parse(text: &str) -> Result<Self, SecretRefError> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("ssm", path)) if !path.is_empty() => Ok(Self::Ssm(path.to_owned())),
            Some(("secretsmanager", name)) if !name.is_empty() => Ok(Self::SecretsManager(name.to_owned())),
            _ => Err(SecretRefError),
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(formatter, "env:{name}"),
            Self::Ssm(path) => write!(formatter, "ssm:{path}"),
            Self::SecretsManager(name) => write!(formatter, "secretsmanager:{name}"),
        }
    }
}

impl TryFrom<String> for SecretRef {
    type Error = SecretRefError;
    fn try_from(text: String) -> Result<Self, SecretRefError> {
        Self::parse(&text)
    }
}

impl From<SecretRef> for String {
    fn from(reference: SecretRef) -> Self {
        reference.to_string()
    }
}

/// A setting that may be a secret, such as the URL of a chat webhook: its text, or a reference to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlainOrSecret {
    /// The text as written.
    Plain(String),
    /// A reference to the text.
    Secret(SecretRef),
}

impl PlainOrSecret {
    /// A secret reference if the text has the form of one, else the text itself.
    pub fn parse(text: &str) -> Self {
        SecretRef::parse(text).map_or_else(|_| Self::Plain(text.to_owned()), Self::Secret)
    }
}
