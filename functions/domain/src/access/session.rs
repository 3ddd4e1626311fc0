//! A browser session: how it is found, and how long it lasts.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::token::{Token, TokenHash};

/// The maximum length of a session.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(8);

/// The stored record of a session. Its token decides at every request what the session may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The hash of the secret in the browser's cookie; the lookup key.
    pub hash: TokenHash,
    /// The token that the user signed in with.
    pub token: TokenHash,
    /// Whether the session began over TLS. If so, its cookie is accepted over TLS only.
    pub secure: bool,
    /// When the user signed in.
    #[serde(with = "crate::time::micros")]
    pub created: Timestamp,
    /// The session has ended from this time on.
    #[serde(with = "crate::time::micros")]
    pub expires: Timestamp,
}

impl Session {
    /// A session that begins at `now` and ends with its token at the latest.
    pub fn begin(secret: &str, token: &Token, secure: bool, now: Timestamp) -> Self {
        let created = crate::time::to_micros(now);
        let longest = crate::time::later(created, LONGEST);
        let expires = token.expires.map_or(longest, |expires| expires.min(longest));
        Self { hash: TokenHash::from_text(secret), token: token.hash, secure, created, expires }
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
