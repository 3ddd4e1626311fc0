//! The schema and its migrations.
//! Migrations only go forward; `PRAGMA user_version` counts them, and all pending ones run in one transaction.
//! A file of a newer Nuncio is refused.

use std::path::Path;

use domain::person;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, TransactionBehavior};

use crate::fault;
use crate::open::OpenError;

/// In order: the migration at index N upgrades version N to N + 1. Never edit a released one.
const MIGRATIONS: [&str; 10] = [
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
    include_str!("schema/0003.sql"),
    include_str!("schema/0004.sql"),
    include_str!("schema/0005.sql"),
    include_str!("schema/0006.sql"),
    include_str!("schema/0007.sql"),
    include_str!("schema/0008.sql"),
    include_str!("schema/0009.sql"),
    include_str!("schema/0010.sql"),
];

/// Upgrades the file to the newest version.
pub(crate) fn migrate(connection: &mut Connection, file: &Path) -> Result<(), OpenError> {
    let unusable = |error: rusqlite::Error| {
        let full = fault::is_full_disk(&error);
        if full { OpenError::FullDisk { file: file.to_owned() } } else { OpenError::unusable(file, &error) }
    };
    // Immediate: of two processes that open an old file, the second waits and finds it migrated.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unusable)?;
    let found: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(unusable)?;
    let pending = MIGRATIONS.get(found as usize..).ok_or_else(|| OpenError::Newer {
        file: file.to_owned(),
        found,
        known: MIGRATIONS.len(),
    })?;
    if !pending.is_empty() {
        define_fold_name(&transaction).map_err(unusable)?;
    }
    for migration in pending {
        transaction.execute_batch(migration).map_err(unusable)?;
    }
    if !pending.is_empty() {
        transaction.pragma_update(None, "user_version", MIGRATIONS.len().to_string()).map_err(unusable)?;
    }
    transaction.commit().map_err(unusable)
}

/// Defines `fold_name` for migrations: SQLite's own `lower` changes ASCII letters only.
fn define_fold_name(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("fold_name", 1, flags, |context| {
        Ok(person::fold(context.get_raw(0).as_str().unwrap_or_default()))
    })
}
