//! Lets a request in by its bearer token, or by the session of a browser that has shown one.
//!
//! Owns how a token travels and is compared, and that nobody tries tokens without end. Refuses to log
//! or repeat any part of the header; tokens are looked up by their hash, and hashes are compared in
//! constant time.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::Timestamp;
use domain::access::session::Session;
use domain::access::token::{Refusal, Scope, Token, TokenHash};
use domain::ports::{Active, Clock, Configuration, Entropy, Sessions, Tokens};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use subtle::ConstantTimeEq;

use crate::failures::Failures;
use crate::session::Kind;
use crate::{Problem, client, session};

/// How long after a request the use of its token is noted.
const NOTED_AFTER: Duration = Duration::from_millis(100);

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
                self.note_use(hash, noted, now);
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

    /// No request waits for this: a store that takes no writes would have it wait for long. A process that ends
    /// before has not noted it, and the next one does.
    fn note_use(&self, hash: TokenHash, noted: Option<Timestamp>, now: Timestamp) {
        if !self.failures.admitted(hash, noted, now) {
            return;
        }
        let tokens = Arc::clone(&self.tokens);
        tokio::spawn(async move {
            // What the request itself writes comes first.
            tokio::time::sleep(NOTED_AFTER).await;
            if let Err(error) = tokens.used(&hash, now).await {
                tracing::warn!(%error, "the use of a token cannot be noted; it is let in all the same");
            }
        });
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
mod tests;
