//! Who may do what.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Post events.
    Ingest,
    /// Read events, notifications and deliveries.
    Read,
    /// Everything.
    Admin,
}

impl Scope {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    /// Reads one.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Ingest, Self::Read, Self::Admin].into_iter().find(|scope| scope.as_str() == text)
    }
}

/// SHA-256 of a token's text. The text itself is never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// The hash of a token. Tokens carry 256 bits of chance, so a fast hash is enough.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// As 64 hex digits.
    pub fn to_hex(self) -> String {
        self.0.iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

/// What is stored of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its public name, the first 12 hex digits of its hash.
    pub id: String,
    /// What it is found by.
    pub hash: TokenHash,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// Whose inbox it opens by default.
    pub username: Option<String>,
    /// What it is for, in its maker's words.
    pub note: String,
    /// When it was made.
    #[serde(with = "crate::time::micros")]
    pub created: Timestamp,
    /// From then on it is refused.
    #[serde(with = "crate::time::micros_option")]
    pub expires: Option<Timestamp>,
    /// Since then it is refused.
    #[serde(with = "crate::time::micros_option")]
    pub revoked: Option<Timestamp>,
    /// When it was last noted to have been used, which is done about once an hour; none if it never was.
    #[serde(default, with = "crate::time::micros_option", skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Timestamp>,
}

/// Why a token does not open the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Past its time.
    #[error("the token has expired; ask for a new one")]
    Expired,
    /// Taken back.
    #[error("the token has been revoked; ask for a new one")]
    Revoked,
    /// Not for this.
    #[error("the token lacks the scope \"{}\"", .0.as_str())]
    Scope(Scope),
}

impl Token {
    /// A new token's record.
    pub fn new(
        text: &str,
        scopes: Vec<Scope>,
        username: Option<String>,
        note: String,
        created: Timestamp,
        expires: Option<Timestamp>,
    ) -> Self {
        let hash = TokenHash::of(text);
        Self {
            id: hash.to_hex()[..12].to_owned(),
            hash,
            scopes,
            username,
            note,
            created,
            expires,
            revoked: None,
            last_used: None,
        }
    }

    /// Who did it, where something is noted that this token allowed: its user, or its public name.
    pub fn bearer(self) -> String {
        self.username.unwrap_or(self.id)
    }

    /// Whether it allows `scope` at `now`.
    ///
    /// # Errors
    /// When it is revoked, expired, or not for this.
    pub fn allows(&self, scope: Scope, now: Timestamp) -> Result<(), Refusal> {
        if self.revoked.is_some() {
            return Err(Refusal::Revoked);
        }
        if self.expires.is_some_and(|expires| expires <= now) {
            return Err(Refusal::Expired);
        }
        if self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin) {
            Ok(())
        } else {
            Err(Refusal::Scope(scope))
        }
    }
}
