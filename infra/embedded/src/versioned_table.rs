//! Compare-and-swap by revision, which detects concurrent changes of one row.
//!
//! A row has a revision, beginning at 0. A writer reads the row, and writes it back with the next revision on condition
//! that the revision it read is still there. Of two writers that read the same revision, the second one fails and reads
//! again.

use rusqlite::{Connection, ToSql};

use crate::fault::Fault;

/// A table with a key column, the column `revision`, and others.
pub(crate) struct VersionedTable {
    pub(crate) name: &'static str,
    /// The name of the column that holds the key, such as `id`.
    pub(crate) key: &'static str,
    /// All columns but the key and the revision.
    pub(crate) columns: &'static [&'static str],
}

/// A row to be written.
pub(crate) struct VersionedRow<'a> {
    pub(crate) key: &'a dyn ToSql,
    pub(crate) revision: u64,
    /// Values for the table's `columns`, in the same order.
    pub(crate) values: &'a [&'a dyn ToSql],
}

impl VersionedTable {
    /// Inserts the row if its revision is 0, else replaces the row of the revision before. False if another writer was
    /// first: then nothing changed.
    pub(crate) fn compare_and_swap(&self, connection: &Connection, row: &VersionedRow<'_>) -> Result<bool, Fault> {
        if row.revision == 0 { self.insert(connection, row) } else { self.replace(connection, row) }
    }

    /// Inserts the row; false if its key exists already.
    pub(crate) fn insert(&self, connection: &Connection, row: &VersionedRow<'_>) -> Result<bool, Fault> {
        let columns = self.columns.join(", ");
        let values: Vec<String> = (3..).take(self.columns.len()).map(|number| format!("?{number}")).collect();
        let Self { name, key, .. } = self;
        let values = values.join(", ");
        let sql = format!(
            "INSERT INTO {name} ({key}, revision, {columns}) VALUES (?1, ?2, {values}) ON CONFLICT ({key}) DO NOTHING"
        );
        execute(connection, &sql, row)
    }

    /// Replaces the row if the stored revision is the one before the row's; false if it is another.
    pub(crate) fn replace(&self, connection: &Connection, row: &VersionedRow<'_>) -> Result<bool, Fault> {
        let values: Vec<String> = (3..).zip(self.columns).map(|(number, name)| format!("{name} = ?{number}")).collect();
        let Self { name, key, .. } = self;
        let values = values.join(", ");
        let sql = format!("UPDATE {name} SET revision = ?2, {values} WHERE {key} = ?1 AND revision = ?2 - 1");
        execute(connection, &sql, row)
    }
}

fn execute(connection: &Connection, sql: &str, row: &VersionedRow<'_>) -> Result<bool, Fault> {
    let revision = i64::try_from(row.revision).unwrap_or(i64::MAX);
    let parameters: Vec<&dyn ToSql> = [row.key, &revision].into_iter().chain(row.values.iter().copied()).collect();
    Ok(connection.prepare_cached(sql)?.execute(parameters.as_slice())? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: VersionedTable = VersionedTable { name: "things", key: "id", columns: &["a", "b"] };

    #[test]
    fn of_two_writers_of_one_revision_the_second_fails() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE things (id TEXT PRIMARY KEY, revision INTEGER, a, b)").unwrap();
        let write = |revision, a: i64| {
            let row = VersionedRow { key: &"key", revision, values: &[&a, &"b"] };
            TABLE.compare_and_swap(&connection, &row).unwrap()
        };
        assert!(!write(1, 1), "there is no revision 0 yet");
        assert!(write(0, 2) && !write(0, 3));
        assert!(write(1, 4) && !write(1, 5) && !write(3, 6));
        let found: (i64, i64, String) = connection
            .query_row("SELECT revision, a, b FROM things", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap();
        assert_eq!(found, (1, 4, "b".to_owned()));
    }
}
