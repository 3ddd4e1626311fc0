//! Since when each detection watches.
//!
//! The time is stored when a dispatcher first sees the detection, in a group of its own that has no event. A detection
//! whose definition changes has another id, and is activated again.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::Timestamp;
use domain::detection::{DetectionId, Group, GroupId, GroupRecord, GroupState, activation_group, group};
use domain::ports::StoreError;
use domain::rules_document::{Detection, DetectionKind};
use rules::RuleSet;
use serde_json::Value;

use crate::DispatchPorts;

/// The stored activations that this process has read.
#[derive(Default)]
pub(crate) struct Activations {
    since: Mutex<HashMap<DetectionId, Timestamp>>,
    /// The rules whose detections are all activated, and whose expected groups exist.
    complete: Mutex<Option<Arc<RuleSet>>>,
}

impl Activations {
    /// Activates the detections of the document that need it, and creates the groups that are expected from the start.
    pub(crate) async fn activate(
        &self,
        ports: &DispatchPorts,
        rules: &Arc<RuleSet>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let is_complete =
            |complete: &Option<Arc<RuleSet>>| complete.as_ref().is_some_and(|one| Arc::ptr_eq(one, rules));
        if is_complete(&self.complete.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        for (detection, id) in rules.detections() {
            match &detection.kind {
                DetectionKind::FirstSeen(_) => drop(self.since(ports, *id, now).await?),
                DetectionKind::Absent(settings) => {
                    let whole = [Vec::new()];
                    let expected: &[Vec<Value>] = if detection.by.is_empty() { &whole } else { &settings.expect };
                    expect(ports, detection, *id, expected, now).await?;
                }
                DetectionKind::Count(_) | DetectionKind::Sequence(_) => {}
            }
        }
        *self.complete.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(rules));
        Ok(())
    }

    /// Whether a `first_seen` detection only learns at `now`.
    pub(crate) async fn is_learning(
        &self,
        ports: &DispatchPorts,
        detection: &Detection,
        id: DetectionId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let DetectionKind::FirstSeen(settings) = &detection.kind else { return Ok(false) };
        if settings.learn.is_zero() {
            return Ok(false);
        }
        let since = self.since(ports, id, now).await?;
        Ok(now < domain::time::later(since, settings.learn))
    }

    /// When the detection was activated; it is activated now if it was not.
    async fn since(&self, ports: &DispatchPorts, id: DetectionId, now: Timestamp) -> Result<Timestamp, StoreError> {
        if let Some(since) = self.since.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(*since);
        }
        let own = activation_group(id);
        let mut stored = ports.groups.get_all(&[own]).await?.pop().flatten();
        if stored.is_none() {
            let record = GroupRecord::activation(now);
            let won = ports.groups.put_all(&[(own, record.clone())]).await?.first().copied().unwrap_or_default();
            stored = if won { Some(record) } else { ports.groups.get_all(&[own]).await?.pop().flatten() };
        }
        let since = match stored.map(|record| record.state) {
            Some(GroupState::Activated { since }) => since,
            _ => now,
        };
        self.since.lock().unwrap_or_else(PoisonError::into_inner).insert(id, since);
        Ok(since)
    }
}

/// Creates the groups of these values that do not exist, or have expired since the detection was removed and added
/// again.
async fn expect(
    ports: &DispatchPorts,
    detection: &Detection,
    id: DetectionId,
    expected: &[Vec<Value>],
    now: Timestamp,
) -> Result<(), StoreError> {
    let groups: Vec<_> = expected
        .iter()
        .map(|values| group(detection, id, &values.iter().map(Cow::Borrowed).collect::<Vec<_>>()))
        .collect();
    let ids: Vec<GroupId> = groups.iter().map(|group| group.id).collect();
    let known = ports.groups.get_all(&ids).await?;
    let is_missing = |record: &Option<GroupRecord>| record.as_ref().is_none_or(|record| record.expires <= now);
    let missing = groups.iter().zip(&known).filter(|(_, record)| is_missing(record));
    let expected = |(group, record): (&Group, &Option<GroupRecord>)| {
        (group.id, GroupRecord::expected(record.as_ref(), detection, group, now))
    };
    let records: Vec<_> = missing.map(expected).collect();
    ports.groups.put_all(&records).await.map(drop)
}
