//! The port of the groups of detections.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::detection::{DetectionId, GroupId, GroupRecord};

/// The fullest groups of a detection.
#[derive(Debug, Clone, PartialEq)]
pub struct FullestGroups {
    /// The groups with their records, the fullest first.
    pub groups: Vec<(GroupId, GroupRecord)>,
    /// How many groups were examined. The groups are the fullest of these.
    pub searched: u64,
}

/// One page of [`DetectionGroups::list`].
#[derive(Debug, Clone, PartialEq)]
pub struct GroupPage {
    /// The groups with their records, in the store's order. A group whose record cannot be read is left out.
    pub groups: Vec<(GroupId, GroupRecord)>,
    /// The cursor to pass as `after` for the next page; `None` on the last page.
    pub next: Option<GroupId>,
}

/// The groups of detections. Every write is conditional on the record's revision.
#[async_trait]
pub trait DetectionGroups: Send + Sync {
    /// The records of these groups, in the order of `ids`, as last written, even if they have expired; `None` for a
    /// group that has none or whose record cannot be read.
    async fn get_all(&self, ids: &[GroupId]) -> Result<Vec<Option<GroupRecord>>, StoreError>;
    /// Replaces each record if the stored revision is one less than its own; with revision 0, creates it if there is
    /// none. The ids must be distinct. Returns, in the order of `records`, whether it did.
    async fn put_all(&self, records: &[(GroupId, GroupRecord)]) -> Result<Vec<bool>, StoreError>;
    /// How many groups of the detection have not expired at `now`.
    async fn count(&self, detection: DetectionId, now: Timestamp) -> Result<u64, StoreError>;
    /// Up to `limit` groups of the detection that have not expired at `now`, the fullest of at least 10,000 examined.
    async fn fullest(&self, detection: DetectionId, now: Timestamp, limit: usize) -> Result<FullestGroups, StoreError>;
    /// A page of the groups of the detection, also those that have expired: those after the group `after`, or the first
    /// ones. Examines at most `limit`. The pages together have every group that is stored all the while, once.
    async fn list(&self, detection: DetectionId, after: Option<GroupId>, limit: usize)
    -> Result<GroupPage, StoreError>;
    /// Up to `limit` groups whose [`due`](GroupRecord::due) time has passed at `now`, the longest overdue first.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<GroupId>, StoreError>;
}
