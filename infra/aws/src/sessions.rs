//! The sessions of browsers, each in a partition of its own. DynamoDB deletes them some time after they are over.

use async_trait::async_trait;
use domain::Timestamp;
use domain::access::session::Session;
use domain::access::token::TokenHash;
use domain::ports::{self, StoreError};

use crate::table::item::{content, record};
use crate::table::{Table, put};

/// The sessions in the table.
#[derive(Clone, Debug)]
pub struct Sessions {
    table: Table,
}

impl Sessions {
    /// Over the table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

fn place(hash: &TokenHash) -> (String, String) {
    (format!("B#{}", hash.to_hex()), "B".to_owned())
}

#[async_trait]
impl ports::Sessions for Sessions {
    async fn begin(&self, session: &Session) -> Result<(), StoreError> {
        let request = self.table.client().put_item().table_name(self.table.name());
        let item = record(place(&session.hash), session, Some(session.expires))?;
        put(request.set_item(Some(item))).await.map(drop)
    }

    async fn find(&self, hash: &TokenHash, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let item = self.table.get(place(hash)).await?;
        let session: Option<Session> = item.map(|item| content(&item)).transpose()?;
        Ok(session.filter(|session| session.expires > now))
    }

    async fn end(&self, hash: &TokenHash, now: Timestamp) -> Result<(), StoreError> {
        // Written over rather than deleted, which the function's role does not allow: DynamoDB deletes it.
        match self.find(hash, now).await? {
            Some(session) => self.begin(&Session { expires: domain::time::to_micros(now), ..session }).await,
            None => Ok(()),
        }
    }
}
