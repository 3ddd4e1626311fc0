//! The contract of every store of sessions.

use domain::Timestamp;
use domain::access::session::Session;
use domain::access::token::{Scope, Token, TokenHash};
use support::unique;

use crate::world::{HOUR, World, after, somewhen};

fn session(now: Timestamp) -> Session {
    let token = Token::new(&unique("token"), vec![Scope::Read], None, String::new(), now, None);
    Session::begin(&unique("secret"), &token, true, now)
}

pub(crate) async fn are_found_until_they_are_over(world: &World) {
    let now = somewhen();
    let (one, other) = (session(now), session(now));
    world.sessions.begin(&one).await.unwrap();
    assert_eq!(world.sessions.find(&one.hash, now).await.unwrap(), Some(one.clone()));
    assert_eq!(world.sessions.find(&other.hash, now).await.unwrap(), None);
    let mut near = one.hash;
    near.0[31] ^= 1;
    assert_eq!(world.sessions.find(&TokenHash(near.0), now).await.unwrap(), None);
    assert!(world.sessions.find(&one.hash, after(now, 8 * HOUR - 1)).await.unwrap().is_some());
    assert_eq!(world.sessions.find(&one.hash, after(now, 8 * HOUR)).await.unwrap(), None);
}

pub(crate) async fn end_at_once(world: &World) {
    let now = somewhen();
    let (one, other) = (session(now), session(now));
    world.sessions.begin(&one).await.unwrap();
    world.sessions.begin(&other).await.unwrap();
    world.sessions.end(&one.hash, after(now, 1000)).await.unwrap();
    assert_eq!(world.sessions.find(&one.hash, after(now, 1000)).await.unwrap(), None);
    assert_eq!(world.sessions.find(&other.hash, after(now, 1000)).await.unwrap(), Some(other));
    world.sessions.end(&one.hash, after(now, 2000)).await.unwrap();
    world.sessions.end(&TokenHash::from_text(&unique("nobody")), now).await.unwrap();
}
