//! Lets a request in by its bearer token, or by the session of a browser that has shown one.
//!
//! Owns how a token travels and is compared, and that nobody tries tokens without end. Refuses to log
//! or repeat any part of the header; tokens are looked up by their hash, and hashes are compared in
//! constant time.

use std::fmt;
use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::ports::{Clock, Tokens};
use domain::token::{Refusal, Scope, Token, TokenHash};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq;

use crate::failures::Failures;
use crate::{Problem, client, session};

/// Where tokens are shown.
#[derive(Clone)]
pub struct Door {
    tokens: Arc<dyn Tokens>,
    clock: Arc<dyn Clock>,
    failures: Arc<Failures>,
}

impl fmt::Debug for Door {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Door")
    }
}

impl Door {
    /// A door that opens to `tokens`.
    pub fn new(tokens: Arc<dyn Tokens>, clock: Arc<dyn Clock>) -> Self {
        Self { tokens, clock, failures: Arc::default() }
    }

    /// The token of the request, if it allows `scope`.
    ///
    /// # Errors
    /// 401 when there is none, it is malformed, unknown, expired or revoked; 403 when it lacks the
    /// scope; 429 after too many wrong ones from one address; 503 when the tokens cannot be read.
    pub async fn admit(&self, headers: &HeaderMap, scope: Scope) -> Result<Token, Problem> {
        if !headers.contains_key(AUTHORIZATION)
            && let Some(token) = session::token(headers)
        {
            return self.admit_token(headers, &token, scope).await;
        }
        self.admit_token(headers, bearer(headers)?, scope).await
    }

    /// The token of this text, shown by whom the headers name, if it allows `scope`.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub async fn admit_token(&self, headers: &HeaderMap, text: &str, scope: Scope) -> Result<Token, Problem> {
        let hash = TokenHash::of(text);
        let (client, now) = (client::of(headers), self.clock.now());
        if let Some(seconds) = self.failures.wait(client, &hash, now) {
            return Err(Problem::too_many_failures(seconds));
        }
        let found = self.tokens.find(&hash).await?;
        let known = found.filter(|token| bool::from(token.hash.0.ct_eq(&hash.0)));
        let refused = match known.map(|token| token.allows(scope, now).map(|()| token)) {
            Some(Ok(token)) => {
                self.failures.admitted(hash);
                return Ok(token);
            }
            Some(Err(refusal @ Refusal::Scope(_))) => return Err(Problem::forbidden(refusal.to_string())),
            Some(Err(refusal)) => Problem::unauthorized(refusal.to_string()),
            None => Problem::unauthorized("unknown token"),
        };
        self.failures.failed(client, &hash, now);
        Err(refused)
    }
}

/// Refuses what shows no token at all before anything of it is read. Signing in shows one in the body.
pub(crate) async fn refuse_nameless(request: Request, next: Next) -> Response {
    let (path, headers) = (request.uri().path(), request.headers());
    let is_open = !path.starts_with("/v1/") || path == "/v1/session";
    if is_open || headers.contains_key(AUTHORIZATION) || session::token(headers).is_some() {
        return next.run(request).await;
    }
    nameless().into_response()
}

fn nameless() -> Problem {
    Problem::unauthorized("a token is required; send \"Authorization: Bearer <token>\"")
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let malformed = || Problem::unauthorized("the Authorization header must be one \"Bearer <token>\"");
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let line = lines.next().ok_or_else(nameless)?;
    if lines.next().is_some() {
        return Err(malformed());
    }
    let (scheme, token) = line.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(malformed)?;
    let token = token.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.contains([' ', '\t']) {
        return Err(malformed());
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use domain::Timestamp;
    use domain::ports::StoreError;
    use http::HeaderValue;
    use http::header::COOKIE;

    struct Book(Vec<Token>);

    #[async_trait]
    impl Tokens for Book {
        async fn put(&self, _: &Token) -> Result<(), StoreError> {
            Err(StoreError::store("read only"))
        }
        async fn find(&self, hash: &TokenHash) -> Result<Option<Token>, StoreError> {
            Ok(self.0.iter().find(|token| token.hash == *hash).cloned())
        }
        async fn list(&self) -> Result<Vec<Token>, StoreError> {
            Ok(self.0.clone())
        }
        async fn revoke(&self, _: &str, _: Timestamp) -> Result<bool, StoreError> {
            Err(StoreError::store("read only"))
        }
    }

    struct Noon;
    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            "2026-01-02T12:00:00Z".parse().unwrap()
        }
    }

    fn at(hour: u8) -> Timestamp {
        format!("2026-01-02T{hour:02}:00:00Z").parse().unwrap()
    }

    fn token(text: &str, scope: Scope, expires: Option<Timestamp>) -> Token {
        Token::new(text, vec![scope], None, String::new(), at(1), expires)
    }

    fn door() -> Door {
        let mut revoked = token("revoked", Scope::Ingest, None);
        revoked.revoked = Some(at(2));
        let book = Book(vec![
            token("good", Scope::Ingest, Some(at(13))),
            token("admin", Scope::Admin, None),
            token("reader", Scope::Read, None),
            token("old", Scope::Ingest, Some(at(12))),
            revoked,
        ]);
        Door::new(Arc::new(book), Arc::new(Noon))
    }

    async fn answer(lines: &[&'static str]) -> Result<String, (u16, String)> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, HeaderValue::from_static(line));
        }
        let admitted = door().admit(&headers, Scope::Ingest).await;
        admitted.map(|token| token.id).map_err(|problem| (problem.status().as_u16(), problem.detail().to_owned()))
    }

    #[tokio::test]
    async fn a_good_token_opens_in_any_case_of_the_scheme() {
        for lines in [["Bearer good"], ["bearer good"], ["BEARER  good"], ["Bearer admin"]] {
            assert!(answer(&lines).await.is_ok(), "{lines:?}");
        }
    }

    #[tokio::test]
    async fn who_tries_token_after_token_has_to_wait() {
        let door = door();
        let knock = async |token: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse().unwrap())]);
            door.admit(&headers, Scope::Ingest).await.map(|_| ()).map_err(|problem| problem.status().as_u16())
        };
        assert_eq!(knock("good").await, Ok(()));
        for _ in 0..20 {
            assert_eq!(knock("guess").await, Err(401));
        }
        assert_eq!(knock("guess").await, Err(429));
        assert_eq!(knock("admin").await, Err(429), "nor is it said whether a guess was right");
        assert_eq!(knock("good").await, Ok(()), "who was let in before still is");
    }

    #[tokio::test]
    async fn a_session_opens_where_no_bearer_token_is_shown() {
        for (lines, admitted) in [
            (&[(COOKIE, "nuncio_session=good")][..], true),
            (&[(COOKIE, "nuncio_session=bad")], false),
            (&[(COOKIE, "nuncio_session=good"), (AUTHORIZATION, "Bearer bad")], false),
            (&[(COOKIE, "nuncio_session=bad"), (AUTHORIZATION, "Bearer good")], true),
        ] {
            let headers = lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
            assert_eq!(door().admit(&headers, Scope::Ingest).await.is_ok(), admitted, "{lines:?}");
        }
    }

    #[tokio::test]
    async fn every_refusal_says_why() {
        for (lines, status, words) in [
            (&[][..], 401, "a token is required"),
            (&["good"], 401, "must be one"),
            (&["Bearer "], 401, "must be one"),
            (&["Bearer go od"], 401, "must be one"),
            (&["Basic good"], 401, "must be one"),
            (&["Bearer good", "Bearer good"], 401, "must be one"),
            (&["Bearer bad"], 401, "unknown token"),
            (&["Bearer old"], 401, "expired"),
            (&["Bearer revoked"], 401, "revoked"),
            (&["Bearer reader"], 403, "lacks the scope \"ingest\""),
        ] {
            let (found, detail) = answer(lines).await.unwrap_err();
            assert_eq!(found, status, "{lines:?}");
            assert!(detail.contains(words), "{lines:?}: {detail}");
        }
    }
}
