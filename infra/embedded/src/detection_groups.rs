//! The groups of detections. Every write of a group is a compare-and-swap by revision.

use async_trait::async_trait;
use domain::Timestamp;
use domain::detection::{DetectionId, GroupId, GroupRecord};
use domain::ports::{DetectionGroups, FullestGroups, GroupPage, StoreError};
use rusqlite::{Connection, Row, params};

use crate::Store;
use crate::fault::Fault;
use crate::record;
use crate::versioned_table::{VersionedRow, VersionedTable};

const GROUPS: VersionedTable = VersionedTable {
    name: "detection_groups",
    key: "id",
    columns: &["detection", "fullness", "due", "expires", "body"],
};

/// The most groups that [`DetectionGroups::fullest`] examines.
const MAX_EXAMINED: usize = 10_000;

pub(crate) fn to_bytes(id: GroupId) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..12].copy_from_slice(id.detection().as_bytes());
    bytes[12..].copy_from_slice(id.group_bytes());
    bytes
}

/// The id in the first column of the row, in the detection of the second.
fn id(row: &Row<'_>, detection: DetectionId) -> rusqlite::Result<GroupId> {
    let bytes: [u8; 32] = row.get(0)?;
    let mut group = [0; 20];
    group.copy_from_slice(&bytes[12..]);
    Ok(GroupId::from_parts(detection, group))
}

#[async_trait]
impl DetectionGroups for Store {
    async fn get_all(&self, ids: &[GroupId]) -> Result<Vec<Option<GroupRecord>>, StoreError> {
        let ids: Vec<_> = ids.iter().copied().map(to_bytes).collect();
        let select = move |connection: &Connection| {
            let sql = "SELECT body FROM detection_groups WHERE id = ?1";
            let one = |id: &[u8; 32]| Ok(record::select_readable(connection, "group", sql, [id])?.pop());
            ids.iter().map(one).collect()
        };
        self.readers.read(select).await
    }

    async fn put_all(&self, records: &[(GroupId, GroupRecord)]) -> Result<Vec<bool>, StoreError> {
        let bodies = records.iter().map(|(_, record)| record::write(record)).collect::<Result<Vec<_>, Fault>>()?;
        let column = |(id, record): &(GroupId, GroupRecord)| {
            let due = record.due.map(Timestamp::as_microsecond);
            (
                to_bytes(*id),
                *id.detection().as_bytes(),
                record.revision,
                record.count,
                due,
                record.expires.as_microsecond(),
            )
        };
        let rows: Vec<_> = records.iter().map(column).zip(bodies).collect();
        let put = move |connection: &Connection| {
            let one = |((id, detection, revision, count, due, expires), body): &((_, _, _, _, _, _), String)| {
                let (id, detection): (&[u8; 32], &[u8; 12]) = (id, detection);
                let values: [&dyn rusqlite::ToSql; 5] =
                    [detection, count as &u32, due as &Option<i64>, expires as &i64, body];
                GROUPS.compare_and_swap(connection, &VersionedRow { key: id, revision: *revision, values: &values })
            };
            rows.iter().map(one).collect()
        };
        self.writer.write(put).await
    }

    async fn count(&self, detection: DetectionId, now: Timestamp) -> Result<u64, StoreError> {
        let count = move |connection: &Connection| {
            let sql = "SELECT count(*) FROM detection_groups WHERE detection = ?1 AND expires > ?2";
            let mut select = connection.prepare_cached(sql)?;
            let count: i64 = select.query_row(params![detection.as_bytes(), now.as_microsecond()], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        };
        self.readers.read(count).await
    }

    async fn fullest(&self, detection: DetectionId, now: Timestamp, limit: usize) -> Result<FullestGroups, StoreError> {
        let select = move |connection: &Connection| {
            // In the order of the index, so that these are the fullest of all.
            let sql = "SELECT id, body FROM detection_groups WHERE detection = ?1 AND expires > ?2
                       ORDER BY fullness DESC LIMIT ?3";
            let limit = i64::try_from(limit.min(MAX_EXAMINED)).unwrap_or(i64::MAX);
            let mut select = connection.prepare_cached(sql)?;
            let mut rows = select.query(params![detection.as_bytes(), now.as_microsecond(), limit])?;
            let mut groups = Vec::new();
            while let Some(row) = rows.next()? {
                if let Ok(record) = record::read(row.get_ref(1)?.as_str().unwrap_or_default()) {
                    groups.push((id(row, detection)?, record));
                }
            }
            Ok(groups)
        };
        let groups = self.readers.read(select).await?;
        let searched = DetectionGroups::count(self, detection, now).await?;
        Ok(FullestGroups { groups, searched })
    }

    async fn list(
        &self,
        detection: DetectionId,
        after: Option<GroupId>,
        limit: usize,
    ) -> Result<GroupPage, StoreError> {
        let select = move |connection: &Connection| {
            // The ids of a detection follow each other, because they begin with the detection's.
            let sql = "SELECT id, body FROM detection_groups WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3";
            // No hash has only zeros.
            let from = to_bytes(after.unwrap_or_else(|| GroupId::from_parts(detection, [0; 20])));
            let last = to_bytes(GroupId::from_parts(detection, [u8::MAX; 20]));
            let mut select = connection.prepare_cached(sql)?;
            let mut rows = select.query(params![from, last, i64::try_from(limit).unwrap_or(i64::MAX)])?;
            let (mut groups, mut examined, mut end) = (Vec::new(), 0, None);
            while let Some(row) = rows.next()? {
                let id = id(row, detection)?;
                if let Ok(record) = record::read(row.get_ref(1)?.as_str().unwrap_or_default()) {
                    groups.push((id, record));
                } else {
                    tracing::error!(%id, "a stored group cannot be read; it is left out");
                }
                examined += 1;
                end = Some(id);
            }
            Ok(GroupPage { groups, next: end.filter(|_| examined == limit) })
        };
        self.readers.read(select).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<GroupId>, StoreError> {
        let select = move |connection: &Connection| {
            let sql = "SELECT id FROM detection_groups WHERE due <= ?1 ORDER BY due LIMIT ?2";
            let mut select = connection.prepare_cached(sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = select.query_map(params![now.as_microsecond(), limit], |row| row.get::<_, [u8; 32]>(0))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        };
        let found = self.readers.read(select).await?;
        Ok(found
            .iter()
            .filter_map(|bytes| {
                let (detection, group) = bytes.split_first_chunk::<12>()?;
                Some(GroupId::from_parts(DetectionId::from_bytes(*detection), *group.first_chunk()?))
            })
            .collect())
    }
}
