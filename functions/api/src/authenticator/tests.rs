//! Which credentials are accepted, and which clients are blocked.

use super::*;
use async_trait::async_trait;
use domain::access::token::generated_text;
use domain::ports::StoreError;
use http::header::{COOKIE, ORIGIN};
use http::{HeaderName, HeaderValue};
use std::sync::Mutex;

/// A store of tokens and sessions in memory.
#[derive(Default)]
struct MemoryStore(Mutex<Vec<Token>>, Mutex<Vec<Session>>);

#[async_trait]
impl Tokens for MemoryStore {
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
impl Sessions for MemoryStore {
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

struct FixedEntropy;
impl Entropy for FixedEntropy {
    fn bits(&self) -> u128 {
        7
    }
}

struct FixedClock;
impl Clock for FixedClock {
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

fn store() -> Arc<MemoryStore> {
    let mut revoked = token("revoked", Scope::Ingest, None);
    revoked.revoked = Some(at(2));
    Arc::new(MemoryStore(
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

fn authenticator_for(store: &Arc<MemoryStore>) -> Authenticator {
    Authenticator::new(store.clone(), Arc::new(FixedClock)).with_sessions(store.clone(), Arc::new(FixedEntropy))
}

fn authenticator() -> Authenticator {
    authenticator_for(&store())
}

async fn authorize(lines: &[&'static str]) -> Result<String, (u16, String)> {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(AUTHORIZATION, HeaderValue::from_static(line));
    }
    let authorized = authenticator().authorize::<scope::Ingest>(&headers).await;
    authorized
        .map(|caller| caller.into_token().id)
        .map_err(|problem| (problem.status().as_u16(), problem.detail().to_owned()))
}

#[tokio::test]
async fn a_good_token_is_accepted_in_any_case_of_the_scheme() {
    for lines in [["Bearer good"], ["bearer good"], ["BEARER  good"], ["Bearer admin"]] {
        assert!(authorize(&lines).await.is_ok(), "{lines:?}");
    }
}

fn bearer_headers(token: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse().unwrap())])
}

async fn try_token(authenticator: &Authenticator, token: &str) -> Result<(), u16> {
    let authorized = authenticator.authorize::<scope::Ingest>(&bearer_headers(token)).await;
    authorized.map(|_| ()).map_err(|problem| problem.status().as_u16())
}

/// Fails when it is asked for a token.
struct Unreachable;

#[async_trait]
impl Tokens for Unreachable {
    async fn put(&self, _: &Token) -> Result<(), StoreError> {
        Err(StoreError::store("not reachable"))
    }
    async fn find(&self, _: &TokenHash) -> Result<Option<Token>, StoreError> {
        Err(StoreError::store("not reachable"))
    }
    async fn list(&self) -> Result<Vec<Token>, StoreError> {
        Err(StoreError::store("not reachable"))
    }
    async fn revoke(&self, _: &str, _: Timestamp) -> Result<bool, StoreError> {
        Err(StoreError::store("not reachable"))
    }
    async fn used(&self, _: &TokenHash, _: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::store("not reachable"))
    }
}

#[tokio::test]
async fn garbage_is_refused_without_a_read_where_all_tokens_are_generated() {
    let authenticator = Authenticator::new(Arc::new(Unreachable), Arc::new(FixedClock));
    assert_eq!(try_token(&authenticator, "chosen").await, Err(503), "an operator may have chosen it");
    let strict = authenticator.for_generated_tokens();
    let text = generated_text([7; 32]);
    assert_eq!(try_token(&strict, &text).await, Err(503), "it may exist");
    let (mistyped, _) = text.split_at(text.len() - 1);
    for garbage in ["chosen", "nuncio_", mistyped, &format!("{mistyped}_"), "eyJhbGciOiJub25lIn0.e30."] {
        assert_eq!(try_token(&strict, garbage).await, Err(401), "{garbage}");
    }
    for _ in 5..20 {
        assert_eq!(try_token(&strict, "garbage").await, Err(401));
    }
    assert_eq!(try_token(&strict, "garbage").await, Err(429), "it counts as a failure");
}

#[tokio::test]
async fn a_client_that_tries_token_after_token_is_blocked() {
    let authenticator = authenticator();
    assert_eq!(try_token(&authenticator, "good").await, Ok(()));
    for _ in 0..20 {
        assert_eq!(try_token(&authenticator, "guess").await, Err(401));
    }
    assert_eq!(try_token(&authenticator, "guess").await, Err(429));
    assert_eq!(
        try_token(&authenticator, "admin").await,
        Err(429),
        "a blocked client does not learn whether a guess was right"
    );
    assert_eq!(try_token(&authenticator, "revoked").await, Err(429));
    assert_eq!(try_token(&authenticator, "good").await, Ok(()), "a token that was accepted before is exempt");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_good_before_a_restart_is_exempt_after_it() {
    let store = store();
    assert_eq!(try_token(&authenticator_for(&store), "good").await, Ok(()));
    tokio::time::sleep(2 * RECORD_DELAY).await;
    let authenticator = authenticator_for(&store);
    for _ in 0..20 {
        assert_eq!(try_token(&authenticator, "guess").await, Err(401));
    }
    assert_eq!(try_token(&authenticator, "good").await, Ok(()));
    assert_eq!(try_token(&authenticator, "admin").await, Err(429), "it was never used");
    let id = TokenHash::from_text("good").to_hex()[..12].to_owned();
    assert!(store.revoke(&id, at(12)).await.unwrap());
    assert_eq!(try_token(&authenticator_for(&store), "good").await, Err(401));
    assert_eq!(try_token(&authenticator, "good").await, Err(401), "a trusted token learns why it is refused");
    assert_eq!(try_token(&authenticator, "good").await, Err(429));
}

#[tokio::test]
async fn a_session_is_accepted_without_a_bearer_token_until_it_ends() {
    let store = store();
    let authenticator = authenticator_for(&store);
    let (caller, cookie) = authenticator.begin_session(&HeaderMap::new(), "admin").await.unwrap();
    assert_eq!(caller.token().hash, TokenHash::from_text("admin"));
    let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
    assert!(!pair.contains("admin"), "{pair}");
    let status = async |lines: &[(HeaderName, &str)]| {
        let headers = lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect();
        let authorized = authenticator.authorize::<scope::Ingest>(&headers).await;
        authorized.map_or_else(|problem| problem.status().as_u16(), |_| 200)
    };
    let secret = pair.split_once('=').unwrap().1;
    let host = format!("__Host-{pair}");
    assert_eq!(status(&[(COOKIE, &pair)]).await, 200);
    assert_eq!(status(&[(COOKIE, "nuncio_session=admin")]).await, 401, "a token is not a session");
    assert_eq!(status(&[(COOKIE, &host)]).await, 401, "the session was begun without TLS");
    assert_eq!(status(&[(COOKIE, &pair), (AUTHORIZATION, "Bearer bad")]).await, 401);
    assert_eq!(status(&[(COOKIE, "nuncio_session=bad"), (AUTHORIZATION, "Bearer good")]).await, 200);
    assert_eq!(status(&[(AUTHORIZATION, &format!("Bearer {secret}"))]).await, 401, "a session is not a token");
    for _ in 0..30 {
        assert_eq!(status(&[(COOKIE, "nuncio_session=ended")]).await, 401, "an ended session blocks no client");
    }
    let stored = store.1.lock().unwrap()[0].clone();
    assert_eq!((stored.hash, stored.expires), (TokenHash::from_text(secret), at(20)));

    let sent = HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&pair).unwrap())]);
    let cleared = authenticator.end_session(&sent).await.unwrap();
    assert!(cleared.to_str().unwrap().starts_with("nuncio_session=; "));
    assert_eq!(status(&[(COOKIE, &pair)]).await, 401);
}

#[tokio::test]
async fn revoking_the_token_ends_its_sessions() {
    let store = store();
    let authenticator = authenticator_for(&store);
    let origin = HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static("https://n.example.org"))]);
    let (caller, cookie) = authenticator.begin_session(&origin, "reader").await.unwrap();
    let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
    assert!(pair.starts_with("__Host-"), "{pair}");
    let plain = pair.trim_start_matches("__Host-").to_owned();
    let sent = |pair: &str| HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(pair).unwrap())]);
    assert!(authenticator.authorize::<scope::Read>(&sent(&pair)).await.is_ok());
    assert_eq!(authenticator.authorize::<scope::Ingest>(&sent(&pair)).await.unwrap_err().status().as_u16(), 403);
    assert_eq!(authenticator.authorize::<scope::Read>(&sent(&plain)).await.unwrap_err().status().as_u16(), 401);
    assert!(store.revoke(&caller.token().id, at(12)).await.unwrap());
    let ended = authenticator.authorize::<scope::Read>(&sent(&pair)).await.unwrap_err();
    assert_eq!((ended.status().as_u16(), ended.detail()), (401, "the session has ended; sign in again"));
}

#[tokio::test]
async fn every_refusal_gives_its_reason() {
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
        let (found, detail) = authorize(lines).await.unwrap_err();
        assert_eq!(found, status, "{lines:?}");
        assert!(detail.contains(words), "{lines:?}: {detail}");
    }
}
