//! The rules documents: every version that was ever in force, each in one or more chunks.

use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, TransactWriteItem};
use domain::ports::{self, ActiveRules, SaveOutcome, StoreError};

use crate::codec;
use crate::describe::describe;
use crate::table::Table;
use crate::table::item::{Item, keys, string};
use crate::table::keys::{BODY, DOCUMENTS, FIRST, LAST, SK};

/// The most bytes per chunk: DynamoDB limits an item to 400 KB.
const CHUNK: usize = 300 * 1024;

/// The rules documents in the table.
#[derive(Clone, Debug)]
pub struct DynamoDocuments {
    table: Table,
}

impl DynamoDocuments {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    fn writes(&self, active: &ActiveRules) -> Result<Vec<TransactWriteItem>, StoreError> {
        let (version, bytes) = (active.version, codec::to_stored(active)?);
        let mut writes = Vec::new();
        for (number, chunk) in bytes.chunks(CHUNK).enumerate() {
            let mut item = keys(key(version, number));
            item.insert(BODY.to_owned(), AttributeValue::B(Blob::new(chunk)));
            let put = Put::builder()
                .table_name(self.table.name())
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(pk)")
                .build()
                .map_err(StoreError::store)?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        // Versions grow by one: if the version before exists and this one does not, that one is the newest.
        if let Some(before) = version.checked_sub(1).filter(|before| *before > 0) {
            let check = ConditionCheck::builder()
                .table_name(self.table.name())
                .set_key(Some(keys(key(before, 0))))
                .condition_expression("attribute_exists(pk)")
                .build()
                .map_err(StoreError::store)?;
            writes.push(TransactWriteItem::builder().condition_check(check).build());
        }
        Ok(writes)
    }
}

/// The key `<version>#<chunk>`, zero-padded so that it sorts by number.
fn key(version: u64, chunk: usize) -> (String, String) {
    (DOCUMENTS.to_owned(), format!("{version:012}#{chunk:03}"))
}

fn join(chunks: &[Item]) -> Result<ActiveRules, StoreError> {
    let bytes: Vec<u8> = chunks.iter().flat_map(bytes).copied().collect();
    codec::from_stored(&bytes)
}

fn bytes(item: &Item) -> &[u8] {
    match item.get(BODY) {
        Some(AttributeValue::B(bytes)) => bytes.as_ref(),
        _ => &[],
    }
}

fn is_conflict(error: &SdkError<TransactWriteItemsError>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return false;
    };
    let codes = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code());
    codes.into_iter().any(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict"))
}

#[async_trait]
impl ports::Documents for DynamoDocuments {
    async fn newest(&self) -> Result<Option<ActiveRules>, StoreError> {
        let (items, _) = self.table.slice(DOCUMENTS, (FIRST, LAST), 1, None).await?;
        let Some(last) = items.into_iter().next() else {
            return Ok(None);
        };
        let chunks = match string(&last, SK)?.split_once('#') {
            Some((_, "000")) => vec![last],
            Some((version, _)) => self.table.all(DOCUMENTS, &format!("{version}#")).await?,
            None => return Err(StoreError::Corrupt("a rules document has no version".to_owned())),
        };
        join(&chunks).map(Some)
    }

    async fn newest_after(&self, version: u64) -> Result<Option<ActiveRules>, StoreError> {
        // Versions grow by one and stay: without the next one, there is no newer one. Reading nothing costs one unit at
        // most, whatever the size of the document.
        match self.table.get(key(version.saturating_add(1), 0)).await? {
            Some(_) => Ok(self.newest().await?.filter(|newest| newest.version > version)),
            None => Ok(None),
        }
    }

    async fn get(&self, version: u64) -> Result<Option<ActiveRules>, StoreError> {
        let chunks = self.table.all(DOCUMENTS, &format!("{version:012}#")).await?;
        if chunks.is_empty() { Ok(None) } else { join(&chunks).map(Some) }
    }

    async fn save(&self, active: &ActiveRules) -> Result<SaveOutcome, StoreError> {
        // Version 0 is the built-in document; stored versions begin at 1.
        if active.version == 0 {
            return Ok(SaveOutcome::Conflict);
        }
        let request = self.table.client().transact_write_items().set_transact_items(Some(self.writes(active)?));
        match request.send().await {
            Ok(_) => Ok(SaveOutcome::Saved),
            Err(error) if is_conflict(&error) => Ok(SaveOutcome::Conflict),
            Err(error) => Err(StoreError::store(describe(&error))),
        }
    }
}
