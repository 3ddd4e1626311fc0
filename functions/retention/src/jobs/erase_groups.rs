//! Erases the groups of detections whose values are one person's: those of the rules document in force, and those that
//! the detections of the documents before it have left.
//!
//! The store lists groups by detection, and a changed detection is another one. So the job visits the versions of the
//! rules document, the newest first, and of each the detections that the next version no longer has.

use std::collections::BTreeMap;

use domain::detection::{DetectionId, GroupId, GroupRecord, detection_id, group_paths};
use domain::ports::{ActiveRules, StoreError};
use domain::retention::job::{JobCursor, JobReport};
use domain::rules_document::{Detection, RulesDocument};

use super::Step;
use super::erase_job::EraseJob;

/// Groups per step. A group has up to 240 KiB.
const GROUPS_PER_STEP: usize = 500;
/// Versions of the rules document per step, if none has a detection to visit.
const VERSIONS_PER_STEP: usize = 20;

/// The part of the job that visits the groups of detections.
pub(super) struct EraseGroups<'a> {
    pub(super) job: &'a EraseJob<'a>,
}

impl EraseGroups<'_> {
    /// One step: a page of the groups of one detection, or some versions without one.
    pub(super) async fn step(&self, version: Option<u64>, after: Option<GroupId>) -> Result<Step, StoreError> {
        let current = self.job.runner.configuration.current().await?;
        let mut report = JobReport::default();
        report.count("detection_groups", 0);
        let (mut version, mut after) = (version.unwrap_or(current.version), after);
        let mut newer = self.detections(version.saturating_add(1), &current, &mut report).await?;
        for _ in 0..VERSIONS_PER_STEP {
            let all = self.detections(version, &current, &mut report).await?;
            let is_left = |id: &DetectionId| after.is_none_or(|after| last_group(*id) > after);
            let next = all.iter().find(|(id, _)| !newer.contains_key(id) && is_left(id));
            if let Some((id, detection)) = next {
                let next = self.page(*id, detection, after, &mut report).await?;
                let after = Some(next.unwrap_or(last_group(*id)));
                return Ok((report, Some(JobCursor::Groups { version: Some(version), after })));
            }
            if version <= 1 {
                return Ok((report, Some(JobCursor::Archive { after: None })));
            }
            (version, after, newer) = (version - 1, None, all);
        }
        Ok((report, Some(JobCursor::Groups { version: Some(version), after })))
    }

    /// Erases what a page of the detection's groups has of the person. Returns the cursor of the next page.
    async fn page(
        &self,
        id: DetectionId,
        detection: &Detection,
        after: Option<GroupId>,
        report: &mut JobReport,
    ) -> Result<Option<GroupId>, StoreError> {
        let after = after.filter(|after| after.detection() == id);
        let page = self.job.runner.groups.list(id, after, GROUPS_PER_STEP).await?;
        let own = page.groups.iter().filter(|(_, record)| self.is_own(detection, record));
        let own: Vec<GroupId> = own.map(|(id, _)| *id).collect();
        report.count("detection_groups", own.len());
        if !self.job.dry_run {
            self.job.runner.erasure.erase_groups(&own).await?;
        }
        Ok(page.next)
    }

    fn is_own(&self, detection: &Detection, record: &GroupRecord) -> bool {
        let values = group_paths(detection).zip(&record.values);
        self.job.subject.is_in_group(values.map(|(path, value)| (path.as_str(), value)))
    }

    /// The detections of a version by their ids; none if there is no such version, or it cannot be read.
    async fn detections(
        &self,
        version: u64,
        current: &ActiveRules,
        report: &mut JobReport,
    ) -> Result<BTreeMap<DetectionId, Detection>, StoreError> {
        if version == current.version {
            return Ok(by_id(&current.document));
        }
        match self.job.runner.documents.get(version).await {
            Ok(active) => Ok(active.map(|active| by_id(&active.document)).unwrap_or_default()),
            Err(StoreError::Corrupt(why)) => {
                tracing::error!(version, why, "could not read a rules document; groups of its detections may remain");
                report.count("unreadable", 1);
                Ok(BTreeMap::new())
            }
            Err(error) => Err(error),
        }
    }
}

fn by_id(document: &RulesDocument) -> BTreeMap<DetectionId, Detection> {
    document.detections().map(|detection| (detection_id(detection), detection.clone())).collect()
}

/// The greatest id that a group of the detection can have.
fn last_group(id: DetectionId) -> GroupId {
    GroupId::from_parts(id, [u8::MAX; 20])
}
