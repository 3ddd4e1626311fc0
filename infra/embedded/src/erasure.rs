//! Deletion whatever the expiry, a batch in one transaction. What is deleted here is overwritten in the file, not only
//! given up.

use async_trait::async_trait;
use domain::EventPk;
use domain::delivery::DeliveryId;
use domain::person::fold;
use domain::ports::{Erasure, StoreError};
use rusqlite::{Connection, Params};

use crate::Store;

#[async_trait]
impl Erasure for Store {
    async fn erase_events(&self, pks: &[EventPk]) -> Result<usize, StoreError> {
        let keys = pks.iter().map(|pk| [*pk.as_bytes()]).collect();
        let erased = self.erase("DELETE FROM events WHERE pk = ?1", keys).await?;
        if erased > 0 {
            let search = self.search.clone();
            self.readers.read(move |_| search.forget_all()).await?;
        }
        Ok(erased)
    }

    async fn erase_deliveries(&self, ids: &[DeliveryId]) -> Result<usize, StoreError> {
        let keys = ids.iter().map(|id| [id.to_bytes()]).collect();
        self.erase("DELETE FROM deliveries WHERE id = ?1", keys).await
    }

    async fn erase_inbox(&self, username: &str, pks: &[String]) -> Result<usize, StoreError> {
        let keys = pks.iter().map(|pk| [fold(username), pk.clone()]).collect();
        self.erase("DELETE FROM inbox WHERE username = ?1 AND pk = ?2", keys).await
    }
}

impl Store {
    async fn erase<K: Params + Send + 'static>(&self, sql: &'static str, keys: Vec<K>) -> Result<usize, StoreError> {
        if keys.is_empty() {
            return Ok(0);
        }
        let erase = move |connection: &Connection| {
            connection.pragma_update(None, "secure_delete", true)?;
            let mut delete = connection.prepare_cached(sql)?;
            let erased = keys.into_iter().map(|key| delete.execute(key)).sum::<Result<usize, _>>();
            connection.pragma_update(None, "secure_delete", false)?;
            Ok(erased?)
        };
        self.writer.write(erase).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::event::{Action, Object};
    use domain::ports::Intake as _;
    use domain::{Event, Timestamp};

    use super::*;

    #[tokio::test]
    async fn nothing_of_it_is_left_in_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let event = |number: u128, app: &str| Event {
            pk: EventPk::unnamed(Timestamp::UNIX_EPOCH, number),
            user: Object::new(),
            action: Action::parse("login").unwrap(),
            app: app.repeat(100),
            context: Object::new(),
            client_ip: None,
            created: Timestamp::UNIX_EPOCH,
            expires: Timestamp::MAX,
            brand: Object::new(),
            id: None,
            source: None,
            traceparent: None,
            produced_by: None,
        };
        let (gone, staying) = (event(1, "somebody"), event(2, "nobody"));
        store.accept(&[Arc::new(gone.clone()), Arc::new(staying)]).await.unwrap();
        while store.fill_search_index().await.unwrap() > 0 {}
        let has = |name: &str, text: &str| {
            let file = std::fs::read(folder.path().join(name)).unwrap_or_default();
            file.windows(text.len()).any(|window| window == text.as_bytes())
        };
        let anywhere = |text| ["nuncio.db", "search.db", "search.db-wal"].map(|name| has(name, text));
        let [_, index, changes] = anywhere("somebody");
        assert!(index || changes, "the index has counted it");
        assert_eq!(store.erase_events(&[gone.pk]).await.unwrap(), 1);
        assert_eq!(anywhere("somebody")[1..], [false; 2]);
        while store.fill_search_index().await.unwrap() > 0 {}
        drop(store);
        assert_eq!(anywhere("somebody"), [false; 3], "it was overwritten");
        assert_eq!(anywhere("nobodynobody")[..2], [true; 2], "the test looks at the right files");
    }
}
