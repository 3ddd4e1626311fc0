//! Enters events into the groups of detections, and stores the events of what fires.
//!
//! A group changes only by conditional writes, so that any number of dispatchers decide as one. What fired is written
//! with the group, and stored as an event afterwards; if a dispatcher dies in between, the next one that reads the group
//! stores it. Its pk follows from the firing alone, so that it is one event however often it is stored.
//!
//! `max_groups` bounds how many groups are open, `activation` knows since when a detection watches.

mod activation;
mod max_groups;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::detection::{Entry, Firing, Group, GroupId, GroupRecord, distinct_value, groups};
use domain::event::{Event, SerializedEvent};
use domain::ports::StoreError;
use domain::rules_document::{Detection, DetectionKind, RulesDocument};
use rules::{EnteredDetection, RuleSet};
use tokio::sync::Mutex;

use crate::DispatchPorts;
use activation::Activations;
use max_groups::OpenGroups;

/// How often a group that others change at the same time is read and written again.
const MAX_TRIES: u32 = 12;
/// The wait before the second try; it doubles with each further one, and is shortened at random.
const MIN_BACKOFF: Duration = Duration::from_millis(5);
/// The longest wait between two tries.
const MAX_BACKOFF: Duration = Duration::from_millis(500);

/// Events with the detections that they enter.
pub(crate) type Entrants = Vec<(Arc<Event>, Vec<EnteredDetection>)>;

/// The stage, with what it remembers from message to message.
#[derive(Default)]
pub(crate) struct DetectionStage {
    /// Held while groups are read and written: the messages of this process would only contend for the same groups.
    turn: Mutex<()>,
    activations: Activations,
    open_groups: OpenGroups,
}

/// The entries of one message into one group.
struct GroupEntries<'r> {
    detection: &'r Detection,
    group: Group,
    entries: Vec<Entry>,
}

/// One group that was written or found with firings whose events are to be stored.
struct Unsettled<'r> {
    detection: &'r Detection,
    id: GroupId,
    record: GroupRecord,
}

impl DetectionStage {
    /// Notes when the detections of the document were activated; once for these rules.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) async fn activate(&self, ports: &DispatchPorts, rules: &Arc<RuleSet>) -> Result<(), StoreError> {
        self.activations.activate(ports, rules, ports.clock.now()).await
    }

    /// Enters the events into their groups, and stores the events of what fires.
    ///
    /// # Errors
    /// If a store fails, or a group is changed by others all the time. The events that were entered until then stay
    /// entered; entering them again changes nothing.
    pub(crate) async fn enter(
        &self,
        ports: &DispatchPorts,
        rules: &RuleSet,
        document: &RulesDocument,
        events: Entrants,
    ) -> Result<(), StoreError> {
        let mut waiting = by_group(rules, &events);
        if waiting.is_empty() {
            return Ok(());
        }
        let mut backoff = MIN_BACKOFF;
        for try_number in 0..MAX_TRIES {
            if try_number > 0 {
                tokio::time::sleep(backoff.mul_f64(ports.entropy.fraction())).await;
                backoff = (backoff * 2).min(MAX_BACKOFF);
            }
            // For one try only: messages of other groups need not wait for one that others change.
            let turn = self.turn.lock().await;
            waiting = self.try_once(ports, document, waiting).await?;
            drop(turn);
            if waiting.is_empty() {
                return Ok(());
            }
        }
        let contended = waiting.len();
        Err(StoreError::store(format_args!("{contended} groups of detections were changed by others on every try")))
    }

    /// Reads, changes and writes each group once. Returns those that others changed in between.
    async fn try_once<'r>(
        &self,
        ports: &DispatchPorts,
        document: &RulesDocument,
        mut waiting: BTreeMap<GroupId, GroupEntries<'r>>,
    ) -> Result<BTreeMap<GroupId, GroupEntries<'r>>, StoreError> {
        let now = ports.clock.now();
        let ids: Vec<GroupId> = waiting.keys().copied().collect();
        let before = ports.groups.get_all(&ids).await?;
        let (mut written, mut unsettled): (Vec<(GroupId, GroupRecord)>, Vec<Unsettled<'_>>) = (Vec::new(), Vec::new());
        for ((id, entering), before) in waiting.iter().zip(&before) {
            let detection = entering.detection;
            let is_open = before.as_ref().is_some_and(|record| record.expires > now || !record.outbox.is_empty());
            if !is_open && !self.open_groups.may_open(ports, document, detection, *id, now).await? {
                continue;
            }
            let learning = self.activations.is_learning(ports, detection, id.detection(), now).await?;
            let entries = &entering.entries;
            let update = GroupRecord::enter(before.as_ref(), detection, &entering.group, entries, learning, now);
            match (update.record, before) {
                (Some(record), _) => written.push((*id, record)),
                (None, Some(record)) if !record.outbox.is_empty() => {
                    unsettled.push(Unsettled { detection, id: *id, record: record.clone() });
                }
                (None, _) => {}
            }
        }
        let done = ports.groups.put_all(&written).await?;
        let mut contended = BTreeMap::new();
        for ((id, record), done) in written.into_iter().zip(done) {
            let Some(entering) = waiting.remove(&id) else { continue };
            if !done {
                contended.insert(id, entering);
            } else if !record.outbox.is_empty() {
                unsettled.push(Unsettled { detection: entering.detection, id, record });
            }
        }
        self.settle(ports, document, unsettled, now).await?;
        Ok(contended)
    }

    /// Reports the absence of events in each of these groups that is due.
    ///
    /// # Errors
    /// If a store fails.
    pub(crate) async fn report_absences(
        &self,
        ports: &DispatchPorts,
        rules: &Arc<RuleSet>,
        document: &RulesDocument,
        ids: &[GroupId],
    ) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        let now = ports.clock.now();
        self.activations.activate(ports, rules, now).await?;
        let before = ports.groups.get_all(ids).await?;
        let (mut written, mut detections, mut unsettled) = (Vec::new(), Vec::new(), Vec::new());
        for (id, record) in ids.iter().zip(before) {
            let Some(record) = record else { continue };
            let detection = rules.detection_by_id(id.detection());
            let changed =
                detection.map_or_else(|| Some(record.retired(now)), |detection| record.report_absence(detection, now));
            match (changed, detection) {
                (Some(record), _) => {
                    written.push((*id, record));
                    detections.push(detection);
                }
                // Reported by a dispatcher that may have died before it stored the event.
                (None, Some(detection)) if !record.outbox.is_empty() => {
                    unsettled.push(Unsettled { detection, id: *id, record });
                }
                (None, _) => {}
            }
        }
        let done = ports.groups.put_all(&written).await?;
        let reported = written.into_iter().zip(detections).zip(done).filter(|(_, done)| *done);
        let reported =
            reported.filter_map(|(((id, record), detection), _)| Some(Unsettled { detection: detection?, id, record }));
        unsettled.extend(reported);
        self.settle(ports, document, unsettled, now).await
    }

    /// Stores the events of what fired, and empties the outboxes.
    async fn settle(
        &self,
        ports: &DispatchPorts,
        document: &RulesDocument,
        unsettled: Vec<Unsettled<'_>>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if unsettled.is_empty() {
            return Ok(());
        }
        let mut events: BTreeMap<_, SerializedEvent> = BTreeMap::new();
        for Unsettled { detection, id, record } in &unsettled {
            let of_firing = |firing: &Firing| firing.event(detection, *id, &record.values, document, now).ok();
            for event in record.outbox.iter().filter_map(of_firing) {
                events.insert(event.pk, SerializedEvent::from(Arc::new(event)));
            }
        }
        let events: Vec<SerializedEvent> = events.into_values().collect();
        ports.intake.accept(&events).await?;
        for event in &events {
            domain::log_accepted!(event.json());
        }
        let settled: Vec<_> = unsettled.iter().map(|one| (one.id, one.record.settled())).collect();
        // Where another dispatcher was first, it found the firings and stores the same events.
        ports.groups.put_all(&settled).await.map(drop)
    }
}

/// The groups that the events enter, each with its entries in order.
fn by_group<'r>(rules: &'r RuleSet, events: &Entrants) -> BTreeMap<GroupId, GroupEntries<'r>> {
    let mut found: BTreeMap<GroupId, GroupEntries<'r>> = BTreeMap::new();
    for (event, entered) in events {
        for entered in entered {
            let (detection, id) = rules.detection(*entered);
            let Ok(groups) = groups(detection, id, event) else { continue };
            let value = match &detection.kind {
                DetectionKind::Count(settings) => {
                    settings.distinct.as_ref().and_then(|path| distinct_value(path, event))
                }
                _ => None,
            };
            let entry = Entry { value, step: entered.step, ..Entry::from_event(event) };
            for group in groups {
                let of_group = || GroupEntries { detection, group: group.clone(), entries: Vec::new() };
                found.entry(group.id).or_insert_with(of_group).entries.push(entry);
            }
        }
    }
    for group in found.values_mut() {
        group.entries.sort_unstable();
        group.entries.dedup();
    }
    found
}
