//! API tokens: one partition, sorted by hash; and a cache, so that a busy API does not query the table for every
//! request.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::access::token::{Token, TokenHash};
use domain::ports::{self, StoreError};

use crate::cached::Expiring;
use crate::table::item::{Item, content, number, readable, record};
use crate::table::keys::{TOKENS, USED};
use crate::table::{Table, update};

/// The tokens in the table.
#[derive(Clone, Debug)]
pub struct DynamoTokens {
    table: Table,
}

impl DynamoTokens {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    async fn write(&self, token: &Token) -> Result<(), StoreError> {
        self.table.overwrite(record((TOKENS.to_owned(), token.hash.to_hex()), token, None)?).await
    }
}

#[async_trait]
impl ports::Tokens for DynamoTokens {
    async fn put(&self, token: &Token) -> Result<(), StoreError> {
        self.write(token).await
    }

    async fn find(&self, hash: &TokenHash) -> Result<Option<Token>, StoreError> {
        let item = self.table.get((TOKENS.to_owned(), hash.to_hex())).await?;
        item.map(|item| token(&item)).transpose()
    }

    async fn list(&self) -> Result<Vec<Token>, StoreError> {
        let items = self.table.all(TOKENS, "").await?;
        let mut tokens: Vec<Token> = items.iter().filter_map(|item| readable(item, token(item))).collect();
        tokens.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        Ok(tokens)
    }

    async fn revoke(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        // A token's id is the beginning of its hash.
        let mut found = false;
        for item in self.table.all(TOKENS, id).await? {
            let Some(token) = readable(&item, token(&item)) else { continue };
            if token.id != id {
                continue;
            }
            found = true;
            if token.revoked.is_none() {
                self.write(&Token { revoked: Some(domain::time::to_micros(now)), ..token }).await?;
            }
        }
        Ok(found)
    }

    async fn used(&self, hash: &TokenHash, now: Timestamp) -> Result<(), StoreError> {
        // An attribute beside the record: writing the record could undo a revocation made meanwhile.
        let request = self
            .table
            .update((TOKENS.to_owned(), hash.to_hex()))
            .update_expression("SET #used = :now")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#used", USED)
            .expression_attribute_values(":now", number(now.as_microsecond()));
        update(request).await.map(drop)
    }
}

/// Decodes a token, with the time of its last use.
fn token(item: &Item) -> Result<Token, StoreError> {
    let token: Token = content(item)?;
    let used = item.get(USED).and_then(|value| value.as_n().ok()?.parse().ok());
    let used = used.and_then(|micros| Timestamp::from_microsecond(micros).ok());
    Ok(Token { last_used: token.last_used.max(used), ..token })
}

/// How long a token is cached. A token that is revoked elsewhere is refused after this time at the latest.
const TTL: Duration = Duration::from_secs(30);
/// How long a hash is cached to which no token belongs.
const UNKNOWN_TTL: Duration = Duration::from_secs(5);
/// The most cached tokens, and the most unknown hashes. With more, the cache is cleared: its memory must not grow with the number of tokens.
const MAX_CACHED: usize = 1000;

/// Tokens, cached for 30 seconds. That a token does not exist is cached for 5.
#[derive(Debug)]
pub struct CachedTokens<T> {
    tokens: T,
    cache: Mutex<HashMap<TokenHash, Expiring<Token>>>,
    /// Apart from the tokens: however many wrong ones come, the tokens stay cached.
    unknown: Mutex<HashMap<TokenHash, Expiring<()>>>,
}

impl<T> CachedTokens<T> {
    /// A cache in front of `tokens`.
    pub fn new(tokens: T) -> Self {
        Self { tokens, cache: Mutex::default(), unknown: Mutex::default() }
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<TokenHash, Expiring<Token>>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unknown(&self) -> MutexGuard<'_, HashMap<TokenHash, Expiring<()>>> {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Caches a value. A full cache is cleared first.
fn insert<T>(cache: &mut HashMap<TokenHash, Expiring<T>>, hash: TokenHash, value: Expiring<T>) {
    if cache.len() >= MAX_CACHED {
        cache.clear();
    }
    cache.insert(hash, value);
}

#[async_trait]
impl<T: ports::Tokens> ports::Tokens for CachedTokens<T> {
    async fn put(&self, token: &Token) -> Result<(), StoreError> {
        self.cache().remove(&token.hash);
        let put = self.tokens.put(token).await;
        self.unknown().remove(&token.hash);
        put
    }

    async fn find(&self, hash: &TokenHash) -> Result<Option<Token>, StoreError> {
        let cached = self.cache().get(hash).and_then(Expiring::get).cloned();
        if cached.is_some() {
            return Ok(cached);
        }
        if self.unknown().get(hash).and_then(Expiring::get).is_some() {
            return Ok(None);
        }
        let token = self.tokens.find(hash).await?;
        if let Some(token) = &token {
            insert(&mut self.cache(), *hash, Expiring::new(token.clone(), TTL));
        } else {
            self.cache().remove(hash);
            insert(&mut self.unknown(), *hash, Expiring::new((), UNKNOWN_TTL));
        }
        Ok(token)
    }

    async fn list(&self) -> Result<Vec<Token>, StoreError> {
        self.tokens.list().await
    }

    async fn revoke(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let revoked = self.tokens.revoke(id, now).await;
        self.cache().retain(|_, token| token.value().id != id);
        revoked
    }

    async fn used(&self, hash: &TokenHash, now: Timestamp) -> Result<(), StoreError> {
        self.tokens.used(hash, now).await?;
        if let Some(token) = self.cache().get_mut(hash) {
            token.value_mut().last_used = Some(domain::time::to_micros(now));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ports::Tokens as _;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Stores one token, and counts the times it was asked.
    #[derive(Default)]
    struct OneToken(Mutex<Option<Token>>, AtomicUsize);

    #[async_trait]
    impl ports::Tokens for OneToken {
        async fn put(&self, token: &Token) -> Result<(), StoreError> {
            *self.0.lock().unwrap() = Some(token.clone());
            Ok(())
        }
        async fn find(&self, hash: &TokenHash) -> Result<Option<Token>, StoreError> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Ok(self.0.lock().unwrap().clone().filter(|token| token.hash == *hash))
        }
        async fn list(&self) -> Result<Vec<Token>, StoreError> {
            Ok(self.0.lock().unwrap().iter().cloned().collect())
        }
        async fn revoke(&self, _: &str, now: Timestamp) -> Result<bool, StoreError> {
            Ok(self.0.lock().unwrap().as_mut().map(|token| token.revoked = Some(now)).is_some())
        }
        async fn used(&self, _: &TokenHash, now: Timestamp) -> Result<(), StoreError> {
            self.0.lock().unwrap().iter_mut().for_each(|token| token.last_used = Some(now));
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_token_is_cached_until_it_changes_here() {
        let tokens = CachedTokens::new(OneToken::default());
        let token = Token::new("text", Vec::new(), None, String::new(), Timestamp::UNIX_EPOCH, None);
        assert_eq!(tokens.find(&token.hash).await.unwrap(), None);
        tokens.put(&token).await.unwrap();
        assert_eq!(tokens.find(&token.hash).await.unwrap().as_ref(), Some(&token));

        // Changed elsewhere: not noticed yet.
        *tokens.tokens.0.lock().unwrap() = None;
        assert_eq!(tokens.find(&token.hash).await.unwrap().as_ref(), Some(&token));

        tokens.put(&token).await.unwrap();
        tokens.revoke(&token.id, Timestamp::UNIX_EPOCH).await.unwrap();
        assert!(tokens.find(&token.hash).await.unwrap().unwrap().revoked.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_token_is_looked_up_once_in_a_while() {
        let tokens = CachedTokens::new(OneToken::default());
        let token = |text| Token::new(text, Vec::new(), None, String::new(), Timestamp::UNIX_EPOCH, None);
        let (known, unknown) = (token("known"), token("unknown"));
        tokens.put(&known).await.unwrap();
        let asked = || tokens.tokens.1.load(Ordering::Relaxed);
        for _ in 0..3 {
            assert_eq!(tokens.find(&unknown.hash).await.unwrap(), None);
            assert!(tokens.find(&known.hash).await.unwrap().is_some());
        }
        assert_eq!(asked(), 2, "one look-up each");
        for number in 0..2 * MAX_CACHED {
            let guess = TokenHash::from_text(&number.to_string());
            assert_eq!(tokens.find(&guess).await.unwrap(), None);
        }
        let before = asked();
        assert!(tokens.find(&known.hash).await.unwrap().is_some());
        assert_eq!(asked(), before, "unknown tokens do not displace known ones");

        assert_eq!(tokens.find(&unknown.hash).await.unwrap(), None);
        *tokens.tokens.0.lock().unwrap() = Some(unknown.clone());
        assert_eq!(tokens.find(&unknown.hash).await.unwrap(), None, "made elsewhere, not noticed yet");
        tokio::time::advance(UNKNOWN_TTL).await;
        assert!(tokens.find(&unknown.hash).await.unwrap().is_some());
    }
}
