//! Browser sessions, each in its own partition. DynamoDB deletes them some time after they have expired.

use async_trait::async_trait;
use domain::Timestamp;
use domain::access::session::Session;
use domain::access::token::TokenHash;
use domain::ports::{self, StoreError};

use crate::table::Table;
use crate::table::item::{content, record};

/// The sessions in the table.
#[derive(Clone, Debug)]
pub struct DynamoSessions {
    table: Table,
}

impl DynamoSessions {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

fn key(hash: &TokenHash) -> (String, String) {
    (format!("B#{}", hash.to_hex()), "B".to_owned())
}

#[async_trait]
impl ports::Sessions for DynamoSessions {
    async fn begin(&self, session: &Session) -> Result<(), StoreError> {
        self.table.overwrite(record(key(&session.hash), session, Some(session.expires))?).await
    }

    async fn find(&self, hash: &TokenHash, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let item = self.table.get(key(hash)).await?;
        let session: Option<Session> = item.map(|item| content(&item)).transpose()?;
        Ok(session.filter(|session| session.expires > now))
    }

    async fn end(&self, hash: &TokenHash, now: Timestamp) -> Result<(), StoreError> {
        // Overwritten with an expiry that has passed, as the function's role does not allow deletes. DynamoDB deletes
        // it.
        match self.find(hash, now).await? {
            Some(session) => self.begin(&Session { expires: domain::time::to_micros(now), ..session }).await,
            None => Ok(()),
        }
    }
}
