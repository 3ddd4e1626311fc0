//! Inboxes, by [folded](domain::person::fold) username.
//! The column `seen` overrides the body's field, which marking an item does not change.

use async_trait::async_trait;
use domain::Timestamp;
use domain::notification::inbox::InboxItem;
use domain::person::fold;
use domain::ports::{Inbox, Page, StoreError};
use domain::query::{PageBudget, escaped_len};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::Store;
use crate::fault::Fault;
use crate::record;

#[async_trait]
impl Inbox for Store {
    async fn put(&self, item: &InboxItem) -> Result<(), StoreError> {
        let (item, body) = (item.clone(), record::write(item)?);
        let put = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "INSERT INTO inbox (username, pk, seen, expires, body) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (username, pk) DO NOTHING",
                )?
                .execute(params![fold(&item.username), item.pk, item.seen, item.expires.as_microsecond(), body])?;
            Ok(())
        };
        self.writer.write(put).await
    }

    async fn list(
        &self,
        username: &str,
        seen: Option<bool>,
        before: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<InboxItem, String>, StoreError> {
        let (username, before) = (fold(username), before.map(str::to_owned));
        let list = move |connection: &Connection| {
            let mut select = connection.prepare_cached(
                "SELECT seen, body, pk FROM inbox
                 WHERE username = ?1 AND (?2 IS NULL OR pk < ?2) AND (?3 IS NULL OR seen = ?3) AND expires > ?4
                 ORDER BY pk DESC LIMIT ?5",
            )?;
            let limit = limit.max(1);
            // One more than the limit, to know whether another page follows.
            let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
            let mut rows = select.query(params![username, before, seen, now.as_microsecond(), most])?;
            let mut page = Page { results: Vec::<InboxItem>::new(), next: None };
            let (mut bytes, mut examined, mut last) = (PageBudget::default(), 0, None);
            while let Some(row) = rows.next()? {
                if examined == limit || bytes.is_used_up() {
                    page.next = last;
                    break;
                }
                let pk: String = row.get(2)?;
                match item(row) {
                    Ok(item) => {
                        bytes.add(escaped_len(row.get_ref(1)?.as_str().unwrap_or_default()));
                        page.results.push(item);
                    }
                    Err(fault) => {
                        let error = StoreError::from(fault);
                        tracing::error!(notification = pk, %error, "a stored notification cannot be read; the list omits it");
                    }
                }
                (examined, last) = (examined + 1, Some(pk));
            }
            Ok(page)
        };
        self.readers.read(list).await
    }

    async fn mark(&self, username: &str, pk: &str, seen: bool) -> Result<Option<InboxItem>, StoreError> {
        let (username, pk) = (fold(username), pk.to_owned());
        let mark = move |connection: &Connection| {
            connection
                .prepare_cached("UPDATE inbox SET seen = ?3 WHERE username = ?1 AND pk = ?2 RETURNING seen, body")?
                .query_row(params![username, pk, seen], |row| Ok(item(row)))
                .optional()?
                .transpose()
        };
        self.writer.write(mark).await
    }

    async fn mark_all_seen(&self, username: &str) -> Result<usize, StoreError> {
        let username = fold(username);
        let mark = move |connection: &Connection| {
            Ok(connection
                .prepare_cached("UPDATE inbox SET seen = 1 WHERE username = ?1 AND seen = 0")?
                .execute([username])?)
        };
        self.writer.write(mark).await
    }
}

/// Decodes an item from the columns `seen` and `body`.
fn item(row: &Row<'_>) -> Result<InboxItem, Fault> {
    let item: InboxItem = record::read(row.get_ref(1)?.as_str().unwrap_or_default())?;
    Ok(InboxItem { seen: row.get(0)?, ..item })
}
