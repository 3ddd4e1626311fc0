//! Who is let in, and who has to wait.

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

#[tokio::test(start_paused = true)]
async fn a_token_that_was_good_before_a_restart_does_not_wait_after_it() {
    let book = book();
    assert_eq!(knock(&door_to(&book), "good").await, Ok(()));
    tokio::time::sleep(2 * NOTED_AFTER).await;
    let door = door_to(&book);
    for _ in 0..20 {
        assert_eq!(knock(&door, "guess").await, Err(401));
    }
    assert_eq!(knock(&door, "good").await, Ok(()));
    assert_eq!(knock(&door, "admin").await, Err(429), "it never was");
    let id = TokenHash::from_text("good").to_hex()[..12].to_owned();
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
    assert_eq!(token.hash, TokenHash::from_text("admin"));
    let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
    assert!(!pair.contains("admin"), "{pair}");
    let status = async |lines: &[(HeaderName, &str)]| {
        let headers = lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect();
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
    assert_eq!((stored.hash, stored.expires), (TokenHash::from_text(secret), at(20)));

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
