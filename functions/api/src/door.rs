//! Lets a request in by its bearer token, or by the session of a browser that has shown one.
//!
//! Owns how a token travels and is compared, and that nobody tries tokens without end. Refuses to log
//! or repeat any part of the header; tokens are looked up by their hash, and hashes are compared in
//! constant time.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::Timestamp;
use domain::ports::{Active, Clock, Configuration, Entropy, Sessions, Tokens};
use domain::session::Session;
use domain::token::{Refusal, Scope, Token, TokenHash};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use subtle::ConstantTimeEq;

use crate::failures::Failures;
use crate::session::Kind;
use crate::{Problem, client, session};

/// Where tokens are shown.
#[derive(Clone)]
pub struct Door {
    tokens: Arc<dyn Tokens>,
    clock: Arc<dyn Clock>,
    failures: Arc<Failures>,
    sessions: Option<(Arc<dyn Sessions>, Arc<dyn Entropy>)>,
    configuration: Option<Arc<dyn Configuration>>,
}

impl fmt::Debug for Door {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Door")
    }
}

impl Door {
    /// A door that opens to `tokens`.
    pub fn new(tokens: Arc<dyn Tokens>, clock: Arc<dyn Clock>) -> Self {
        Self { tokens, clock, failures: Arc::default(), sessions: None, configuration: None }
    }

    /// The same, which also opens to sessions; `entropy` makes their secrets.
    #[must_use]
    pub fn with_sessions(self, sessions: Arc<dyn Sessions>, entropy: Arc<dyn Entropy>) -> Self {
        Self { sessions: Some((sessions, entropy)), ..self }
    }

    /// The same, behind the proxies that the rules document trusts.
    #[must_use]
    pub fn behind_proxies(self, configuration: Arc<dyn Configuration>) -> Self {
        Self { configuration: Some(configuration), ..self }
    }

    /// The token of the request, or of its session, if it allows `scope`.
    ///
    /// # Errors
    /// 401 when there is none, it is malformed, unknown, expired or revoked, or the session is over; 403 when it lacks
    /// the scope; 429 after too many wrong ones from one address; 503 when the store cannot be read.
    pub async fn admit(&self, headers: &HeaderMap, scope: Scope) -> Result<Token, Problem> {
        if !headers.contains_key(AUTHORIZATION)
            && let Some((kind, secret)) = session::secret(headers)
        {
            return self.admit_session(kind, secret, scope).await;
        }
        self.admit_token(headers, bearer(headers)?, scope).await
    }

    /// The token of this text, shown by whom the headers name, if it allows `scope`.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub async fn admit_token(&self, headers: &HeaderMap, text: &str, scope: Scope) -> Result<Token, Problem> {
        let hash = TokenHash::of(text);
        let (client, now) = (client::network(self.client(headers).await?), self.clock.now());
        let wait = self.failures.wait(client, &hash, now);
        let known = self.find(&hash).await?;
        if let Some(seconds) = wait
            && known.as_ref().is_none_or(|token| token.last_used.is_none())
        {
            return Err(Problem::too_many_failures(seconds));
        }
        let noted = known.as_ref().and_then(|token| token.last_used);
        let refused = match known.map(|token| token.allows(scope, now).map(|()| token)) {
            Some(Ok(token)) => {
                self.note_use(hash, noted, now).await;
                return Ok(token);
            }
            Some(Err(refusal @ Refusal::Scope(_))) => return Err(Problem::forbidden(refusal.to_string())),
            Some(Err(refusal)) => Problem::unauthorized(refusal.to_string()),
            None => Problem::unauthorized("unknown token"),
        };
        if let Some(seconds) = wait {
            return Err(Problem::too_many_failures(seconds));
        }
        self.failures.failed(client, &hash, now);
        Err(refused)
    }

    /// Begins a session by the token of this text: the token, and the `Set-Cookie` that the browser needs.
    ///
    /// # Errors
    /// As [`Self::admit`], for [`Scope::Read`].
    pub async fn begin_session(&self, headers: &HeaderMap, text: &str) -> Result<(Token, HeaderValue), Problem> {
        let token = self.admit_token(headers, text, Scope::Read).await?;
        let Some((sessions, entropy)) = &self.sessions else {
            return Err(Problem::forbidden("there are no sessions here; send a bearer token"));
        };
        let kind = Kind::of(self.is_secure(headers).await?);
        let secret = format!("{:032x}{:032x}", entropy.bits(), entropy.bits());
        let session = Session::begin(&secret, &token, kind == Kind::Secure, self.clock.now());
        sessions.begin(&session).await?;
        Ok((token, kind.begin(&secret)))
    }

    /// Ends the session of the request, if it has one; the `Set-Cookie` that has the browser forget it.
    ///
    /// # Errors
    /// When the store cannot be written: then the session goes on.
    pub async fn end_session(&self, headers: &HeaderMap) -> Result<HeaderValue, Problem> {
        let Some((kind, secret)) = session::secret(headers) else { return Ok(Kind::Plain.end()) };
        if let Some((sessions, _)) = &self.sessions {
            sessions.end(&TokenHash::of(secret), self.clock.now()).await?;
        }
        Ok(kind.end())
    }

    /// The address that the request comes from, as far as it is known.
    ///
    /// # Errors
    /// When the rules document, which says whose word counts, cannot be read.
    pub async fn client(&self, headers: &HeaderMap) -> Result<Option<IpAddr>, Problem> {
        let active = self.active().await?;
        let trusted = active.as_ref().map_or(&[][..], |active| &active.document.trusted_proxies);
        Ok(client::address(headers, trusted))
    }

    /// What a session allows is what its token allows now. Its secret cannot be guessed, so failures are not counted:
    /// a browser that was left open would have others wait.
    async fn admit_session(&self, kind: Kind, secret: &str, scope: Scope) -> Result<Token, Problem> {
        let over = || Problem::unauthorized("the session is over; sign in again");
        let (sessions, _) = self.sessions.as_ref().ok_or_else(over)?;
        let (hash, now) = (TokenHash::of(secret), self.clock.now());
        let found = sessions.find(&hash, now).await?.filter(|session| bool::from(session.hash.0.ct_eq(&hash.0)));
        let session = found.filter(|session| session.secure == (kind == Kind::Secure)).ok_or_else(over)?;
        let token = self.find(&session.token).await?.ok_or_else(over)?;
        match token.allows(scope, now) {
            Ok(()) => Ok(token),
            Err(refusal @ Refusal::Scope(_)) => Err(Problem::forbidden(refusal.to_string())),
            Err(Refusal::Expired | Refusal::Revoked) => Err(over()),
        }
    }

    async fn find(&self, hash: &TokenHash) -> Result<Option<Token>, Problem> {
        Ok(self.tokens.find(hash).await?.filter(|token| bool::from(token.hash.0.ct_eq(&hash.0))))
    }

    async fn note_use(&self, hash: TokenHash, noted: Option<Timestamp>, now: Timestamp) {
        if self.failures.admitted(hash, noted, now)
            && let Err(error) = self.tokens.used(&hash, now).await
        {
            tracing::warn!(%error, "the use of a token cannot be noted; it is let in all the same");
        }
    }

    /// Whether the browser and whatever stands before Nuncio speak TLS.
    async fn is_secure(&self, headers: &HeaderMap) -> Result<bool, Problem> {
        let active = self.active().await?;
        let Some(document) = active.as_ref().map(|active| &active.document) else {
            return Ok(session::is_from_https(headers) == Some(true));
        };
        let by_url = || document.public_url.as_ref().is_some_and(|url| url.starts_with("https:"));
        Ok(match (session::is_from_https(headers), client::is_https(headers, &document.trusted_proxies)) {
            (Some(true), _) | (_, Some(true)) => true,
            (Some(false), _) | (_, Some(false)) => false,
            (None, None) => by_url(),
        })
    }

    async fn active(&self) -> Result<Option<Arc<Active>>, Problem> {
        match &self.configuration {
            Some(configuration) => Ok(Some(configuration.current().await?)),
            None => Ok(None),
        }
    }
}

/// Refuses what shows no token at all before anything of it is read. Signing in shows one in the body.
pub(crate) async fn refuse_nameless(request: Request, next: Next) -> Response {
    let (path, headers) = (request.uri().path(), request.headers());
    let is_open = !path.starts_with("/v1/") || path == "/v1/session";
    if is_open || headers.contains_key(AUTHORIZATION) || session::secret(headers).is_some() {
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
    use domain::ports::StoreError;
    use http::header::{COOKIE, ORIGIN};
    use http::{HeaderName, HeaderValue};
    use std::sync::Mutex;

    /// Tokens, and sessions begun with them.
    #[derive(Default)]
    struct Book(Mutex<Vec<Token>>, Mutex<Vec<Session>>);

    #[async_trait]
    impl Tokens for Book {
        async fn put(&self, _: &Token) -> Result<(), StoreError> {
            Err(StoreError::store("read only"))
        }
        async fn find(&self, hash: &TokenHash) -> Result<Option<Token>, StoreError> {
            Ok(self.0.lock().unwrap().iter().find(|token| token.hash == *hash).cloned())
        }
        async fn list(&self) -> Result<Vec<Token>, StoreError> {
            Ok(self.0.lock().unwrap().clone())
        }
        async fn revoke(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
            let mut tokens = self.0.lock().unwrap();
            Ok(tokens.iter_mut().find(|token| token.id == id).map(|token| token.revoked = Some(now)).is_some())
        }
        async fn used(&self, hash: &TokenHash, now: Timestamp) -> Result<(), StoreError> {
            let mut tokens = self.0.lock().unwrap();
            tokens.iter_mut().filter(|token| token.hash == *hash).for_each(|token| token.last_used = Some(now));
            Ok(())
        }
    }

    #[async_trait]
    impl Sessions for Book {
        async fn begin(&self, session: &Session) -> Result<(), StoreError> {
            self.1.lock().unwrap().push(session.clone());
            Ok(())
        }
        async fn find(&self, hash: &TokenHash, now: Timestamp) -> Result<Option<Session>, StoreError> {
            let sessions = self.1.lock().unwrap();
            Ok(sessions.iter().find(|session| session.hash == *hash && session.expires > now).cloned())
        }
        async fn end(&self, hash: &TokenHash, _: Timestamp) -> Result<(), StoreError> {
            self.1.lock().unwrap().retain(|session| session.hash != *hash);
            Ok(())
        }
    }

    struct Chance;
    impl Entropy for Chance {
        fn bits(&self) -> u128 {
            7
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

    fn book() -> Arc<Book> {
        let mut revoked = token("revoked", Scope::Ingest, None);
        revoked.revoked = Some(at(2));
        Arc::new(Book(
            Mutex::new(vec![
                token("good", Scope::Ingest, Some(at(13))),
                token("admin", Scope::Admin, None),
                token("reader", Scope::Read, None),
                token("old", Scope::Ingest, Some(at(12))),
                revoked,
            ]),
            Mutex::default(),
        ))
    }

    fn door_to(book: &Arc<Book>) -> Door {
        Door::new(book.clone(), Arc::new(Noon)).with_sessions(book.clone(), Arc::new(Chance))
    }

    fn door() -> Door {
        door_to(&book())
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

    fn shows(token: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse().unwrap())])
    }

    async fn knock(door: &Door, token: &str) -> Result<(), u16> {
        door.admit(&shows(token), Scope::Ingest).await.map(|_| ()).map_err(|problem| problem.status().as_u16())
    }

    #[tokio::test]
    async fn who_tries_token_after_token_has_to_wait() {
        let door = door();
        assert_eq!(knock(&door, "good").await, Ok(()));
        for _ in 0..20 {
            assert_eq!(knock(&door, "guess").await, Err(401));
        }
        assert_eq!(knock(&door, "guess").await, Err(429));
        assert_eq!(knock(&door, "admin").await, Err(429), "nor is it said whether a guess was right");
        assert_eq!(knock(&door, "revoked").await, Err(429));
        assert_eq!(knock(&door, "good").await, Ok(()), "who was let in before still is");
    }

    #[tokio::test]
    async fn a_token_that_was_good_before_a_restart_does_not_wait_after_it() {
        let book = book();
        assert_eq!(knock(&door_to(&book), "good").await, Ok(()));
        let door = door_to(&book);
        for _ in 0..20 {
            assert_eq!(knock(&door, "guess").await, Err(401));
        }
        assert_eq!(knock(&door, "good").await, Ok(()));
        assert_eq!(knock(&door, "admin").await, Err(429), "it never was");
        let id = TokenHash::of("good").to_hex()[..12].to_owned();
        assert!(book.revoke(&id, at(12)).await.unwrap());
        assert_eq!(knock(&door_to(&book), "good").await, Err(401));
        assert_eq!(knock(&door, "good").await, Err(401), "it is told why as long as it was trusted");
        assert_eq!(knock(&door, "good").await, Err(429));
    }

    #[tokio::test]
    async fn a_session_opens_where_no_bearer_token_is_shown_until_it_is_over() {
        let book = book();
        let door = door_to(&book);
        let (token, cookie) = door.begin_session(&HeaderMap::new(), "admin").await.unwrap();
        assert_eq!(token.hash, TokenHash::of("admin"));
        let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        assert!(!pair.contains("admin"), "{pair}");
        let status = async |lines: &[(HeaderName, &str)]| {
            let headers =
                lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect();
            door.admit(&headers, Scope::Ingest).await.map_or_else(|problem| problem.status().as_u16(), |_| 200)
        };
        let secret = pair.split_once('=').unwrap().1;
        let host = format!("__Host-{pair}");
        assert_eq!(status(&[(COOKIE, &pair)]).await, 200);
        assert_eq!(status(&[(COOKIE, "nuncio_session=admin")]).await, 401, "the token itself is no session");
        assert_eq!(status(&[(COOKIE, &host)]).await, 401, "it was begun without TLS");
        assert_eq!(status(&[(COOKIE, &pair), (AUTHORIZATION, "Bearer bad")]).await, 401);
        assert_eq!(status(&[(COOKIE, "nuncio_session=bad"), (AUTHORIZATION, "Bearer good")]).await, 200);
        assert_eq!(status(&[(AUTHORIZATION, &format!("Bearer {secret}"))]).await, 401, "nor a session a token");
        for _ in 0..30 {
            assert_eq!(status(&[(COOKIE, "nuncio_session=over")]).await, 401, "a session left open has nobody wait");
        }
        let stored = book.1.lock().unwrap()[0].clone();
        assert_eq!((stored.hash, stored.expires), (TokenHash::of(secret), at(20)));

        let sent = HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&pair).unwrap())]);
        let cleared = door.end_session(&sent).await.unwrap();
        assert!(cleared.to_str().unwrap().starts_with("nuncio_session=; "));
        assert_eq!(status(&[(COOKIE, &pair)]).await, 401);
    }

    #[tokio::test]
    async fn revoking_the_token_ends_its_sessions() {
        let book = book();
        let door = door_to(&book);
        let origin = HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static("https://n.example.org"))]);
        let (token, cookie) = door.begin_session(&origin, "reader").await.unwrap();
        let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        assert!(pair.starts_with("__Host-"), "{pair}");
        let plain = pair.trim_start_matches("__Host-").to_owned();
        let sent = |pair: &str| HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(pair).unwrap())]);
        assert!(door.admit(&sent(&pair), Scope::Read).await.is_ok());
        assert_eq!(door.admit(&sent(&pair), Scope::Ingest).await.unwrap_err().status().as_u16(), 403);
        assert_eq!(door.admit(&sent(&plain), Scope::Read).await.unwrap_err().status().as_u16(), 401);
        assert!(book.revoke(&token.id, at(12)).await.unwrap());
        let over = door.admit(&sent(&pair), Scope::Read).await.unwrap_err();
        assert_eq!((over.status().as_u16(), over.detail()), (401, "the session is over; sign in again"));
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
