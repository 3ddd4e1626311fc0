//! API tokens: what each allows, and until when.
//!
//! Owns the scopes, the decision whether a token allows one, and the form of generated tokens. A token's text is never
//! stored, only its hash.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A permission that a token can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Post events, but not read them.
    Ingest,
    /// Read events, notifications and deliveries.
    Read,
    /// Everything, including the other scopes.
    Admin,
}

impl Scope {
    /// The scope's name in requests, the store and error texts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    /// Parses a scope's name; `None` if it is unknown.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Ingest, Self::Read, Self::Admin].into_iter().find(|scope| scope.as_str() == text)
    }
}

/// How every generated token begins.
const PREFIX: &str = "nuncio_";
/// The random bytes of a token, and the bytes of the checksum that follows them. Version 0.1.0 wrote no checksum.
const RANDOM: usize = 32;
const CHECKSUM: usize = 4;

/// The text of a token with these random bytes: `nuncio_`, then in base64url the bytes and their checksum.
pub fn generated_text(random: [u8; RANDOM]) -> String {
    let bytes = [&random[..], &checksum(&random)].concat();
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether [`generated_text`] may have returned this text, now or in 0.1.0. Texts that an operator chose are not of this
/// form.
pub fn is_generated_text(text: &str) -> bool {
    let Some(bytes) = text.strip_prefix(PREFIX).and_then(|rest| URL_SAFE_NO_PAD.decode(rest).ok()) else {
        return false;
    };
    match bytes.split_at_checked(RANDOM) {
        Some((random, rest)) => rest.is_empty() || rest == checksum(random),
        None => false,
    }
}

/// The first bytes of the SHA-256 of the random bytes.
fn checksum(random: &[u8]) -> [u8; CHECKSUM] {
    let hash = Sha256::digest(random);
    std::array::from_fn(|index| hash[index])
}

/// SHA-256 of a token's text. The text itself is never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// Hashes a token's text. Tokens carry 256 random bits, so a fast hash is enough.
    pub fn from_text(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// The hash as 64 lower-case hex digits.
    pub fn to_hex(self) -> String {
        self.0.iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

/// The stored record of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The public id: the first 12 hex digits of the hash.
    pub id: String,
    /// The hash of the token's text; the lookup key.
    pub hash: TokenHash,
    /// What the token allows. [`Scope::Admin`] includes the other scopes.
    pub scopes: Vec<Scope>,
    /// The user whose inbox the token reads by default.
    pub username: Option<String>,
    /// The purpose, as the creator described it.
    pub note: String,
    /// When the token was created.
    #[serde(with = "crate::time::micros")]
    pub created: Timestamp,
    /// The token is rejected from this time on; `None` if it never expires.
    #[serde(with = "crate::time::micros_option")]
    pub expires: Option<Timestamp>,
    /// When the token was revoked; `None` if it was not.
    #[serde(with = "crate::time::micros_option")]
    pub revoked: Option<Timestamp>,
    /// The last recorded use, accurate to about an hour; `None` if the token was never used.
    #[serde(default, with = "crate::time::micros_option", skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Timestamp>,
}

/// Why a token does not authorise a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The token has expired.
    #[error("the token has expired; ask an administrator for a new one")]
    Expired,
    /// The token was revoked.
    #[error("the token has been revoked; ask an administrator for a new one")]
    Revoked,
    /// The token lacks this scope.
    #[error("the token lacks the scope \"{}\"; ask for a token that has it", .0.as_str())]
    Scope(Scope),
}

impl Token {
    /// The record of a new token whose secret text is `text`.
    pub fn new(
        text: &str,
        scopes: Vec<Scope>,
        username: Option<String>,
        note: String,
        created: Timestamp,
        expires: Option<Timestamp>,
    ) -> Self {
        let hash = TokenHash::from_text(text);
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

    /// The name to record for actions that this token authorised: its username, or its public id.
    pub fn bearer(self) -> String {
        self.username.unwrap_or(self.id)
    }

    /// Checks that the token allows `scope` at `now`.
    ///
    /// # Errors
    /// If the token is revoked, expired, or has neither the scope nor [`Scope::Admin`].
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_of_0_1_0_has_no_checksum() {
        for (text, is_generated) in [
            ("nuncio_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", true),
            ("nuncio_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false),
            ("nuncio_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false),
            ("nuncio_", false),
            ("chosen", false),
            ("", false),
        ] {
            assert_eq!(is_generated_text(text), is_generated, "{text}");
        }
    }

    #[test]
    fn the_checksum_is_the_beginning_of_sha_256() {
        // By `head -c 32 /dev/zero | sha256sum`.
        assert_eq!(checksum(&[0; RANDOM]), [0x66, 0x68, 0x7a, 0xad]);
    }

    proptest! {
        #[test]
        fn a_changed_letter_is_noticed(random: [u8; RANDOM], place in 0_usize..48, letter in "[A-Za-z0-9_-]") {
            let text = generated_text(random);
            prop_assert!(is_generated_text(&text));
            let mut changed = text.clone();
            let start = PREFIX.len() + place;
            changed.replace_range(start..=start, &letter);
            prop_assert!(changed == text || !is_generated_text(&changed));
        }
    }
}
