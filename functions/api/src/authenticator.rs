//! Authenticates a request by its bearer token, or by the session of a browser that signed in with one.
//!
//! Owns how a token travels and is compared, and the limit on wrong tokens ([`FailureLog`]). Refuses to log or repeat
//! any part of the `Authorization` header. Tokens are looked up by their hash, and hashes are compared in constant
//! time.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::Timestamp;
use domain::access::session::Session;
use domain::access::token::{Refusal, Scope, Token, TokenHash, is_generated_text};
use domain::ports::{ActiveRules, Clock, Configuration, Entropy, Sessions, Tokens};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use subtle::ConstantTimeEq;

use crate::authorized::{Authorized, RequiredScope, scope};
use crate::failure_log::FailureLog;
use crate::session::CookieKind;
use crate::{Problem, client, session};

/// How long after a request the use of its token is recorded.
const RECORD_DELAY: Duration = Duration::from_millis(100);

/// Checks credentials against the stored tokens and sessions. Clones share one failure log.
#[derive(Clone)]
pub struct Authenticator {
    tokens: Arc<dyn Tokens>,
    clock: Arc<dyn Clock>,
    failure_log: Arc<FailureLog>,
    sessions: Option<(Arc<dyn Sessions>, Arc<dyn Entropy>)>,
    configuration: Option<Arc<dyn Configuration>>,
    only_generated: bool,
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Authenticator")
    }
}

impl Authenticator {
    /// An authenticator that accepts `tokens`, but no sessions.
    pub fn new(tokens: Arc<dyn Tokens>, clock: Arc<dyn Clock>) -> Self {
        let failure_log = Arc::default();
        Self { tokens, clock, failure_log, sessions: None, configuration: None, only_generated: false }
    }

    /// Accepts only tokens of the form that Nuncio generates. Others are refused without a look at the store, so that
    /// garbage costs no read where no operator chooses a token's text.
    #[must_use]
    pub fn for_generated_tokens(self) -> Self {
        Self { only_generated: true, ..self }
    }

    /// Also accepts sessions; `entropy` generates their secrets.
    #[must_use]
    pub fn with_sessions(self, sessions: Arc<dyn Sessions>, entropy: Arc<dyn Entropy>) -> Self {
        Self { sessions: Some((sessions, entropy)), ..self }
    }

    /// Takes the client's address from the proxies that the rules document trusts.
    #[must_use]
    pub fn behind_proxies(self, configuration: Arc<dyn Configuration>) -> Self {
        Self { configuration: Some(configuration), ..self }
    }

    /// Checks that the request's bearer token, or its session's token, allows the scope `R`. A bearer token takes
    /// precedence over a session.
    ///
    /// # Errors
    /// 401 when the token is missing, malformed, unknown, expired or revoked, or the session has ended; 403 when the
    /// token lacks the scope; 429 after too many wrong tokens from one address; 503 when the store cannot be read.
    pub async fn authorize<R: RequiredScope>(&self, headers: &HeaderMap) -> Result<Authorized<R>, Problem> {
        let token = match session::secret(headers) {
            Some((kind, secret)) if !headers.contains_key(AUTHORIZATION) => {
                self.authorize_session(kind, secret, R::SCOPE).await?
            }
            _ => self.authorize_token(headers, bearer(headers)?, R::SCOPE).await?,
        };
        Ok(Authorized::checked(token))
    }

    /// Looks up the token with this text and checks that it allows `scope`. A wrong token counts against the client
    /// that `headers` name.
    async fn authorize_token(&self, headers: &HeaderMap, text: &str, scope: Scope) -> Result<Token, Problem> {
        let hash = TokenHash::from_text(text);
        let (client, now) = (client::network(self.client(headers).await?), self.clock.now());
        let retry_after = self.failure_log.retry_after(client, &hash, now);
        let is_possible = !self.only_generated || is_generated_text(text);
        let known = if is_possible { self.find(&hash).await? } else { None };
        // A token that was good before is never blocked: otherwise one client behind a shared proxy could lock out the
        // others. The record outlives this process; the log does not.
        if let Some(seconds) = retry_after
            && known.as_ref().is_none_or(|token| token.last_used.is_none())
        {
            return Err(Problem::too_many_failures(seconds));
        }
        let last_used = known.as_ref().and_then(|token| token.last_used);
        let refused = match known.map(|token| token.allows(scope, now).map(|()| token)) {
            Some(Ok(token)) => {
                self.record_use(hash, last_used, now);
                return Ok(token);
            }
            Some(Err(refusal @ Refusal::Scope(_))) => return Err(Problem::forbidden(refusal.to_string())),
            Some(Err(refusal)) => Problem::unauthorized(refusal.to_string()),
            None => Problem::unauthorized("unknown token"),
        };
        if let Some(seconds) = retry_after {
            return Err(Problem::too_many_failures(seconds));
        }
        self.failure_log.record_failure(client, &hash, now);
        Err(refused)
    }

    /// Begins a session with the token of this text. Returns the token and the `Set-Cookie` value for the browser.
    ///
    /// # Errors
    /// Like [`Self::authorize`] for [`scope::Read`], and 403 when this authenticator accepts no sessions.
    pub async fn begin_session(
        &self,
        headers: &HeaderMap,
        text: &str,
    ) -> Result<(Authorized<scope::Read>, HeaderValue), Problem> {
        let token = self.authorize_token(headers, text, Scope::Read).await?;
        let Some((sessions, entropy)) = &self.sessions else {
            return Err(Problem::forbidden("sessions are not supported here; send a bearer token"));
        };
        let kind = CookieKind::for_connection(self.is_secure(headers).await?);
        let secret = format!("{:032x}{:032x}", entropy.bits(), entropy.bits());
        let session = Session::begin(&secret, &token, kind == CookieKind::Secure, self.clock.now());
        sessions.begin(&session).await?;
        Ok((Authorized::checked(token), kind.set(&secret)))
    }

    /// Ends the session of the request, if it has one. Returns the `Set-Cookie` value that deletes the cookie.
    ///
    /// # Errors
    /// 503 when the store cannot be written; the session then stays valid.
    pub async fn end_session(&self, headers: &HeaderMap) -> Result<HeaderValue, Problem> {
        let Some((kind, secret)) = session::secret(headers) else { return Ok(CookieKind::Plain.clear()) };
        if let Some((sessions, _)) = &self.sessions {
            sessions.end(&TokenHash::from_text(secret), self.clock.now()).await?;
        }
        Ok(kind.clear())
    }

    /// The client's address, or `None` when not even the connection's address is known.
    ///
    /// # Errors
    /// 503 when the rules document, which lists the trusted proxies, cannot be read.
    pub async fn client(&self, headers: &HeaderMap) -> Result<Option<IpAddr>, Problem> {
        let active = self.active().await?;
        let trusted = active.as_ref().map_or(&[][..], |active| &active.document.trusted_proxies);
        Ok(client::address(headers, trusted))
    }

    /// A session allows what its token allows now. A session's secret cannot be guessed, so failures are not counted:
    /// otherwise a browser left open would block every other client at its address.
    async fn authorize_session(&self, kind: CookieKind, secret: &str, scope: Scope) -> Result<Token, Problem> {
        let ended = || Problem::unauthorized("the session has ended; sign in again");
        let (sessions, _) = self.sessions.as_ref().ok_or_else(ended)?;
        let (hash, now) = (TokenHash::from_text(secret), self.clock.now());
        let found = sessions.find(&hash, now).await?.filter(|session| bool::from(session.hash.0.ct_eq(&hash.0)));
        let session = found.filter(|session| session.secure == (kind == CookieKind::Secure)).ok_or_else(ended)?;
        let token = self.find(&session.token).await?.ok_or_else(ended)?;
        match token.allows(scope, now) {
            Ok(()) => Ok(token),
            Err(refusal @ Refusal::Scope(_)) => Err(Problem::forbidden(refusal.to_string())),
            Err(Refusal::Expired | Refusal::Revoked) => Err(ended()),
        }
    }

    async fn find(&self, hash: &TokenHash) -> Result<Option<Token>, Problem> {
        Ok(self.tokens.find(hash).await?.filter(|token| bool::from(token.hash.0.ct_eq(&hash.0))))
    }

    /// Records the use in the background: a store that accepts no writes must not delay requests. If the process ends
    /// before the write, the token's next use is recorded instead.
    fn record_use(&self, hash: TokenHash, last_used: Option<Timestamp>, now: Timestamp) {
        if !self.failure_log.record_success(hash, last_used, now) {
            return;
        }
        let tokens = Arc::clone(&self.tokens);
        tokio::spawn(async move {
            // The request's own writes go first.
            tokio::time::sleep(RECORD_DELAY).await;
            if let Err(error) = tokens.used(&hash, now).await {
                tracing::warn!(%error, "cannot record the use of a token; the token is accepted nevertheless");
            }
        });
    }

    /// Whether the browser and the proxy in front of Nuncio speak TLS.
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

    async fn active(&self) -> Result<Option<Arc<ActiveRules>>, Problem> {
        match &self.configuration {
            Some(configuration) => Ok(Some(configuration.current().await?)),
            None => Ok(None),
        }
    }
}

/// Rejects a request to the API that carries no credentials, before its body is read. Signing in carries its token in
/// the body, so that path is exempt.
pub(crate) async fn require_credentials(request: Request, next: Next) -> Response {
    let (path, headers) = (request.uri().path(), request.headers());
    let is_open = !path.starts_with("/v1/") || matches!(path, "/v1/session" | "/v1/session/help");
    if is_open || headers.contains_key(AUTHORIZATION) || session::secret(headers).is_some() {
        return next.run(request).await;
    }
    missing_token().into_response()
}

fn missing_token() -> Problem {
    Problem::unauthorized("a token is required; send \"Authorization: Bearer <token>\"")
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let malformed = || Problem::unauthorized("the Authorization header must be one \"Bearer <token>\"");
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let line = lines.next().ok_or_else(missing_token)?;
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

impl<R: RequiredScope, S: Send + Sync> FromRequestParts<S> for Authorized<R>
where
    Authenticator: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Authenticator::from_ref(state).authorize(&parts.headers).await
    }
}

#[cfg(test)]
mod tests;
