//! Transports: how a notification leaves.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transport {
    /// Unique.
    pub name: String,
    /// Only the first recipient is told: for chat channels.
    pub send_once: bool,
    /// Which way.
    pub kind: TransportKind,
    /// Certificates, as PEM, of the authorities that its receiver is known by, instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<SecretRef>,
    /// How much it takes.
    #[serde(default, skip_serializing_if = "Limit::is_none")]
    pub limit: Limit,
    /// What the file's own Python makes of what it sends.
    #[serde(default, skip_serializing_if = "Mappings::is_empty")]
    pub mappings: Mappings,
}

/// What the receiver is not to be asked beyond. What is over it waits; it is not lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limit {
    /// Attempts at a time.
    #[serde(default)]
    pub concurrency: Option<u16>,
    /// Attempts begun a second, evenly spaced.
    #[serde(default)]
    pub per_second: Option<u16>,
}

impl Limit {
    /// Whether nothing was configured.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Python bodies, as written, that make what a transport sends.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mappings {
    /// Of a webhook: returns the body. Of the inbox: changes the notification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Of a webhook: returns more headers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<String>,
}

impl Mappings {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.body.is_none() && self.headers.is_none()
    }
}

/// The ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum TransportKind {
    /// The recipient's inbox.
    Local,
    /// E-mail.
    Email {
        /// Before the action, in the subject.
        subject_prefix: String,
    },
    /// A JSON POST.
    Webhook {
        /// Where to.
        url: Text,
        /// Signs by Standard Webhooks with each; empty leaves it unsigned.
        secrets: Vec<SecretRef>,
        /// Of the body.
        content_type: String,
    },
    /// A POST in Slack's attachment format.
    WebhookSlack {
        /// Where to.
        url: Text,
    },
}

impl TransportKind {
    /// As `mode` is written.
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

    /// The two that exist without being written.
    pub fn built_in() -> [Self; 2] {
        let email = TransportKind::Email { subject_prefix: Self::DEFAULT_SUBJECT_PREFIX.to_owned() };
        [Self::named(Self::DEFAULT_EMAIL, email), Self::named(Self::DEFAULT_LOCAL, TransportKind::Local)]
    }

    /// One with nothing but the necessary.
    pub fn named(name: impl Into<String>, kind: TransportKind) -> Self {
        let (limit, mappings) = (Limit::default(), Mappings::default());
        Self { name: name.into(), send_once: false, kind, ca: None, limit, mappings }
    }

    /// 16 hex digits that stand for its whole configuration: what was found out about a transport holds as long
    /// as this stays the same. A secret's text is no part of it.
    pub fn fingerprint(&self) -> String {
        // Every key is a string and no field can refuse, so this cannot fail.
        let written = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(written)[..8].iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
    }
}

/// Where a secret is kept. It is resolved when it is used and never shown.
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

/// The text is no reference to a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refer to a secret as env:NAME, ssm:/path or secretsmanager:name; never write it into the file")]
pub struct SecretRefError;

impl SecretRef {
    /// Reads a reference.
    ///
    /// # Errors
    /// When the text has none of the three prefixes or nothing after it.
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

/// A setting that stands in the file, or is a secret: a chat webhook's URL is its password.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Text {
    /// As written.
    Plain(String),
    /// Kept elsewhere.
    Secret(SecretRef),
}

impl Text {
    /// A secret reference where the text has the form of one.
    pub fn parse(text: &str) -> Self {
        SecretRef::parse(text).map_or_else(|_| Self::Plain(text.to_owned()), Self::Secret)
    }
}
