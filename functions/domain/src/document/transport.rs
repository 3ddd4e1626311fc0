//! Transports: how a notification leaves.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transport {
    /// Unique.
    pub name: String,
    /// Only the first recipient is told: for chat channels.
    pub send_once: bool,
    /// Which way.
    pub kind: TransportKind,
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
        [
            Self { name: Self::DEFAULT_EMAIL.to_owned(), send_once: false, kind: email },
            Self { name: Self::DEFAULT_LOCAL.to_owned(), send_once: false, kind: TransportKind::Local },
        ]
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
