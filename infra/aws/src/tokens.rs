//! Tokens: one partition, sorted by hash; and a memory before it, so that a busy door does not ask
//! the table at every request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use domain::Timestamp;
use domain::access::token::{Token, TokenHash};
use domain::ports::{self, StoreError};
use tokio::time::Instant;

use crate::describe::describe;
use crate::table::item::{Item, content, number, record};
use crate::table::keys::{TOKENS, USED};
use crate::table::{Put, Table, put};

/// The tokens in the table.
#[derive(Clone, Debug)]
pub struct Tokens {
    table: Table,
}

impl Tokens {
    /// Over the table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    async fn write(&self, token: &Token) -> Result<(), StoreError> {
        let place = (TOKENS.to_owned(), token.hash.to_hex());
        let request = self.table.client().put_item().table_name(self.table.name());
        match put(request.set_item(Some(record(place, token, None)?))).await? {
            Put::Done | Put::Refused(_) => Ok(()),
        }
    }
}

#[async_trait]
impl ports::Tokens for Tokens {
    async fn put(&self, token: &Token) -> Result<(), StoreError> {
        self.write(token).await
    }

    async fn find(&self, hash: &TokenHash) -> Result<Option<Token>, StoreError> {
        let item = self.table.get((TOKENS.to_owned(), hash.to_hex())).await?;
        item.map(|item| token(&item)).transpose()
    }

    async fn list(&self) -> Result<Vec<Token>, StoreError> {
        let items = self.table.all(TOKENS, "").await?;
        let mut tokens = items.iter().map(token).collect::<Result<Vec<Token>, _>>()?;
        tokens.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        Ok(tokens)
    }

    async fn revoke(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        // The public name is the hash's beginning.
        let mut found = false;
        for item in self.table.all(TOKENS, id).await? {
            let token = token(&item)?;
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
        // Beside the record, so that it can never be written over one that was revoked meanwhile.
        let update = self
            .table
            .update((TOKENS.to_owned(), hash.to_hex()))
            .update_expression("SET #used = :now")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#used", USED)
            .expression_attribute_values(":now", number(now.as_microsecond()));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(StoreError::store(describe(&error))),
        }
    }
}

/// A token's record, and when it was used since it was written.
fn token(item: &Item) -> Result<Token, StoreError> {
    let token: Token = content(item)?;
    let used = item.get(USED).and_then(|value| value.as_n().ok()?.parse().ok());
    let used = used.and_then(|micros| Timestamp::from_microsecond(micros).ok());
    Ok(Token { last_used: token.last_used.max(used), ..token })
}

/// For how long a token found is not asked for again: a revoked one is refused after as long.
const REMEMBERED: Duration = Duration::from_secs(30);
/// More than this and it begins anew: memory must not follow the number of tokens.
const MOST_REMEMBERED: usize = 1000;

/// Tokens with a memory of 30 seconds for those that were found. Unknown ones are not remembered.
#[derive(Debug)]
pub struct RememberedTokens<T> {
    tokens: T,
    found: Mutex<HashMap<TokenHash, (Instant, Token)>>,
}

impl<T> RememberedTokens<T> {
    /// Before these.
    pub fn new(tokens: T) -> Self {
        Self { tokens, found: Mutex::default() }
    }

    fn found(&self) -> std::sync::MutexGuard<'_, HashMap<TokenHash, (Instant, Token)>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<T: ports::Tokens> ports::Tokens for RememberedTokens<T> {
    async fn put(&self, token: &Token) -> Result<(), StoreError> {
        self.found().remove(&token.hash);
        self.tokens.put(token).await
    }

    async fn find(&self, hash: &TokenHash) -> Result<Option<Token>, StoreError> {
        let known = self.found().get(hash).filter(|(at, _)| at.elapsed() < REMEMBERED).map(|(_, token)| token.clone());
        if known.is_some() {
            return Ok(known);
        }
        let token = self.tokens.find(hash).await?;
        let mut found = self.found();
        match &token {
            Some(token) => {
                if found.len() >= MOST_REMEMBERED {
                    found.clear();
                }
                found.insert(*hash, (Instant::now(), token.clone()));
            }
            None => drop(found.remove(hash)),
        }
        drop(found);
        Ok(token)
    }

    async fn list(&self) -> Result<Vec<Token>, StoreError> {
        self.tokens.list().await
    }

    async fn revoke(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let revoked = self.tokens.revoke(id, now).await;
        self.found().retain(|_, (_, token)| token.id != id);
        revoked
    }

    async fn used(&self, hash: &TokenHash, now: Timestamp) -> Result<(), StoreError> {
        self.tokens.used(hash, now).await?;
        if let Some((_, token)) = self.found().get_mut(hash) {
            token.last_used = Some(domain::time::to_micros(now));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ports::Tokens as _;

    /// Holds one token.
    #[derive(Default)]
    struct One(Mutex<Option<Token>>);

    #[async_trait]
    impl ports::Tokens for One {
        async fn put(&self, token: &Token) -> Result<(), StoreError> {
            *self.0.lock().unwrap() = Some(token.clone());
            Ok(())
        }
        async fn find(&self, _: &TokenHash) -> Result<Option<Token>, StoreError> {
            Ok(self.0.lock().unwrap().clone())
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
    async fn a_found_token_is_remembered_until_it_changes_here() {
        let tokens = RememberedTokens::new(One::default());
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
}
