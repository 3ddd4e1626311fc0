//! A browser's session: what it is known by, and how long it lasts.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::token::{Token, TokenHash};

/// The longest that a session lasts.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(8);

/// What is stored of a session. What it allows is its token's to say, at every request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// What it is found by: the hash of a secret that only the browser has.
    pub hash: TokenHash,
    /// The token that was shown.
    pub token: TokenHash,
    /// Whether it was begun over TLS. Then its cookie is never taken from elsewhere.
    pub secure: bool,
    /// When it began.
    #[serde(with = "crate::time::micros")]
    pub created: Timestamp,
    /// From then on it is over.
    #[serde(with = "crate::time::micros")]
    pub expires: Timestamp,
}

impl Session {
    /// A session that begins now, and lasts no longer than its token.
    pub fn begin(secret: &str, token: &Token, secure: bool, now: Timestamp) -> Self {
        let created = crate::time::to_micros(now);
        let longest = crate::time::later(created, LONGEST);
        let expires = token.expires.map_or(longest, |expires| expires.min(longest));
        Self { hash: TokenHash::of(secret), token: token.hash, secure, created, expires }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lasts_eight_hours_and_no_longer_than_its_token() {
        let now = Timestamp::UNIX_EPOCH;
        let token = |expires| Token::new("text", Vec::new(), None, String::new(), now, expires);
        let hours = |hours| crate::time::later(now, SignedDuration::from_hours(hours));
        let ends = |expires| Session::begin("secret", &token(expires), true, now).expires;
        assert_eq!((ends(None), ends(Some(hours(9))), ends(Some(hours(1)))), (hours(8), hours(8), hours(1)));
    }
}
