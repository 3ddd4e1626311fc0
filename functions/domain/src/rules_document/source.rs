//! Sources: who may post without a token of Nuncio, and how their requests are verified.
//!
//! Owns the settings. A preset is a name for settings that its sender documents; what its payloads mean is the
//! `sources` crate's knowledge, and so is the verification itself.

use serde::{Deserialize, Serialize};

use super::{Period, SecretRef};

/// A configured sender of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSource {
    /// The name, which is the last part of its URL.
    pub name: String,
    /// The sender's kind, which says what its payloads mean; `None` if the whole payload becomes the context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<SourcePreset>,
    /// How a request proves that the sender made it.
    pub verification: Verification,
    /// Where a request names itself, so that the sender's retries are one event; `None` if only the preset knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<IdLocation>,
}

/// The senders whose requests and payloads are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourcePreset {
    /// Webhooks of repositories, organisations and apps of GitHub.
    Github,
    /// Webhooks of projects and groups of GitLab.
    Gitlab,
    /// Webhook endpoints of Stripe.
    Stripe,
    /// The Events API of Slack.
    Slack,
    /// Any sender of Standard Webhooks.
    StandardWebhooks,
    /// Webhook notifications of Grafana's alerting.
    Grafana,
    /// The integration platform of Sentry.
    Sentry,
    /// Version 3 webhooks of PagerDuty.
    Pagerduty,
    /// Event hooks of Okta.
    Okta,
}

impl SourcePreset {
    /// Every preset, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Github,
        Self::Gitlab,
        Self::Stripe,
        Self::Slack,
        Self::StandardWebhooks,
        Self::Grafana,
        Self::Sentry,
        Self::Pagerduty,
        Self::Okta,
    ];

    /// The name in the rules file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Stripe => "stripe",
            Self::Slack => "slack",
            Self::StandardWebhooks => "standard_webhooks",
            Self::Grafana => "grafana",
            Self::Sentry => "sentry",
            Self::Pagerduty => "pagerduty",
            Self::Okta => "okta",
        }
    }
}

/// How a request proves who made it. Every kind takes several secrets, so that they can be changed without a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// A keyed hash of the request (RFC 2104).
    Hmac {
        /// The hash function that is keyed.
        hash: HmacHash,
        /// What is signed, and where the signature is.
        signature: SignatureScheme,
        /// The shared keys, byte for byte.
        secrets: Vec<SecretRef>,
    },
    /// A signature by an ed25519 key of the sender (RFC 8032).
    Ed25519 {
        /// What is signed, and where the signature is.
        signature: SignatureScheme,
        /// The sender's public keys, in hex or base64.
        keys: Vec<SecretRef>,
    },
    /// Standard Webhooks 1.0.0, with the headers `webhook-…` or `svix-…`.
    StandardWebhooks {
        /// How far the timestamp may be from now.
        tolerance: Period,
        /// `whsec_…` for a shared key, `whpk_…` for the sender's public key.
        secrets: Vec<SecretRef>,
    },
    /// A user name and a password (RFC 7617).
    Basic {
        /// The name of the user.
        user: String,
        /// The passwords, of which one must match.
        passwords: Vec<SecretRef>,
    },
    /// A shared token in a header.
    Header {
        /// The name of the header, in lower case.
        header: String,
        /// What the header has before the token, such as `Bearer `.
        prefix: String,
        /// The tokens, of which one must match.
        tokens: Vec<SecretRef>,
    },
    /// A shared token in the URL, where proxies and logs see it.
    Query {
        /// The name of the parameter.
        parameter: String,
        /// The tokens, of which one must match.
        tokens: Vec<SecretRef>,
    },
}

impl Verification {
    /// The references to the secrets, of which one must match.
    pub fn secrets(&self) -> &[SecretRef] {
        match self {
            Self::Hmac { secrets, .. } | Self::StandardWebhooks { secrets, .. } => secrets,
            Self::Ed25519 { keys, .. } => keys,
            Self::Basic { passwords, .. } => passwords,
            Self::Header { tokens, .. } | Self::Query { tokens, .. } => tokens,
        }
    }

    /// The header with the request's name that the scheme itself has, in lower case.
    pub fn id_header(&self) -> Option<&'static str> {
        matches!(self, Self::StandardWebhooks { .. }).then_some("webhook-id")
    }
}

/// The hash functions of an HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HmacHash {
    /// SHA-1, which some old senders have; as an HMAC it is not broken.
    Sha1,
    /// SHA-256 of FIPS 180-4.
    Sha256,
    /// SHA-512 of FIPS 180-4.
    Sha512,
}

/// What a signature covers, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureScheme {
    /// The header with the signature, in lower case. It may have several, separated by commas.
    pub header: String,
    /// The text before each signature, such as `sha256=`. An element of the header without it is no signature.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// How the signature is written.
    pub encoding: SignatureEncoding,
    /// The signed bytes, part by part.
    pub signed: Vec<SignedPart>,
    /// Where the time of the request is; `None` if the sender signs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<TimestampLocation>,
    /// Where the request's name is that the signature covers; `None` if it covers none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_header: Option<String>,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureEncoding {
    /// Two hexadecimal digits a byte, of either case.
    Hex,
    /// Base64 (RFC 4648), with either alphabet, with or without padding.
    Base64,
}

/// A part of the signed bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignedPart {
    /// A text that is always the same.
    Text(String),
    /// The whole body of the request.
    Body,
    /// The timestamp, as it is written in its header.
    Timestamp,
    /// The request's name, as it is written in its header.
    Id,
    /// The URL that the sender posts to.
    Url,
}

/// Where the time of a request is, in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimestampLocation {
    /// The header, in lower case. It may have several elements, separated by commas.
    pub header: String,
    /// The text before the number, such as `t=`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// How far the time may be from now, in either direction.
    pub tolerance: Period,
}

/// Where a request names itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdLocation {
    /// A header, in lower case.
    Header(String),
    /// A path in the payload, such as `data.id`.
    Payload(String),
}
