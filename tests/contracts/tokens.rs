//! The contract of every token store.

use domain::Timestamp;
use domain::access::token::{Scope, Token, TokenHash};
use support::unique;

use crate::world::{DAY, World, after, somewhen};

fn token(created: Timestamp) -> Token {
    let scopes = vec![Scope::Ingest, Scope::Read];
    let expires = Some(after(created, DAY));
    Token::new(&unique("text"), scopes, Some("ann".to_owned()), "for \"tests\"".to_owned(), created, expires)
}

pub(crate) async fn find_a_token_by_its_hash_alone(world: &World) {
    let (stored, other) = (token(somewhen()), token(somewhen()));
    world.tokens.put(&stored).await.unwrap();
    assert_eq!(world.tokens.find(&stored.hash).await.unwrap(), Some(stored.clone()));
    assert_eq!(world.tokens.find(&other.hash).await.unwrap(), None);
    let mut near = stored.hash;
    near.0[31] ^= 1;
    assert_eq!(world.tokens.find(&TokenHash(near.0)).await.unwrap(), None);
}

pub(crate) async fn replace_one_of_the_same_hash(world: &World) {
    let first = token(somewhen());
    let second = Token { scopes: vec![Scope::Admin], username: None, expires: None, ..first.clone() };
    world.tokens.put(&first).await.unwrap();
    world.tokens.put(&second).await.unwrap();
    assert_eq!(world.tokens.find(&first.hash).await.unwrap(), Some(second.clone()));
    let listed = world.tokens.list().await.unwrap();
    assert_eq!(listed.into_iter().filter(|token| token.hash == first.hash).collect::<Vec<_>>(), [second]);
}

pub(crate) async fn are_listed_oldest_first(world: &World) {
    let now = somewhen();
    let tokens = [3, 1, 2, 0].map(|n| token(after(now, n * 1000)));
    for token in &tokens {
        world.tokens.put(token).await.unwrap();
    }
    let listed = world.tokens.list().await.unwrap();
    let mine: Vec<_> = listed.into_iter().filter(|token| tokens.contains(token)).collect();
    assert_eq!(mine, [3, 1, 2, 0].map(|place| tokens[place].clone()));
}

pub(crate) async fn stay_known_when_revoked(world: &World) {
    let (now, stored, other) = (somewhen(), token(somewhen()), token(somewhen()));
    world.tokens.put(&stored).await.unwrap();
    world.tokens.put(&other).await.unwrap();
    assert!(!world.tokens.revoke(&unique("nobody"), now).await.unwrap());
    assert!(world.tokens.revoke(&stored.id, now).await.unwrap());
    let revoked = Token { revoked: Some(now), ..stored.clone() };
    assert_eq!(world.tokens.find(&stored.hash).await.unwrap(), Some(revoked.clone()));
    assert!(world.tokens.list().await.unwrap().contains(&revoked));
    assert_eq!(world.tokens.find(&other.hash).await.unwrap(), Some(other));

    assert!(world.tokens.revoke(&stored.id, after(now, 1000)).await.unwrap());
    assert_eq!(world.tokens.find(&stored.hash).await.unwrap(), Some(revoked), "it is refused since the first time");
}

pub(crate) async fn say_when_they_were_last_used(world: &World) {
    let (now, stored) = (somewhen(), token(somewhen()));
    world.tokens.put(&stored).await.unwrap();
    world.tokens.used(&TokenHash::from_text(&unique("nobody")), now).await.unwrap();
    for later in [after(now, 1000), after(now, 2000)] {
        world.tokens.used(&stored.hash, later).await.unwrap();
        let used = Token { last_used: Some(later), ..stored.clone() };
        assert_eq!(world.tokens.find(&stored.hash).await.unwrap().as_ref(), Some(&used));
        assert!(world.tokens.list().await.unwrap().contains(&used));
    }
    assert!(world.tokens.revoke(&stored.id, now).await.unwrap());
    world.tokens.used(&stored.hash, after(now, 3000)).await.unwrap();
    let found = world.tokens.find(&stored.hash).await.unwrap().unwrap();
    assert_eq!((found.revoked, found.last_used), (Some(now), Some(after(now, 3000))), "it stays revoked");
    assert!(!world.tokens.list().await.unwrap().iter().any(|token| token.hash == TokenHash::from_text("nobody")));
}
