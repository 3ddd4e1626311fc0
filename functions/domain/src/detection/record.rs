//! The stored record of one group, and how events change it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::first_seen::SeenOutcome;
use super::member::{EventPosition, Member};
use super::{AbsentState, CountState, Fired, FirstSeenState, Group, LATENESS, Outcome, SequenceState};
use crate::event::{Event, EventPk};
use crate::rules_document::{Detection, DetectionKind};

/// The stored record of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// Incremented by every write, from 0. A write succeeds only if the stored revision is one less.
    pub revision: u64,
    /// From this time on, the group is no longer open. Its record is stored for [`EXPIRED_KEPT`](super::EXPIRED_KEPT)
    /// longer.
    #[serde(with = "crate::time::micros")]
    pub expires: Timestamp,
    /// The values that make the group, cut for display, in the order of [`group_paths`](super::group_paths).
    pub values: Vec<Value>,
    /// What the group has seen.
    pub state: GroupState,
    /// How full the group is: the members or distinct values in the newest window, or the steps that have an event.
    pub count: u32,
    /// When the absence of events is to be reported; `None` for all kinds but `absent`, and while it is reported.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::time::micros_option")]
    pub due: Option<Timestamp>,
    /// What fired, and whose events may not be stored yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outbox: Vec<Firing>,
}

/// What a group has seen, by the kind of its detection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupState {
    /// The members that are counted.
    Count(CountState),
    /// When the combination of values was seen.
    FirstSeen(FirstSeenState),
    /// When the last event was.
    Absent(AbsentState),
    /// The events of the steps.
    Sequence(SequenceState),
    /// No events: the group only has the time at which its detection was activated.
    Activated {
        /// When the detection was activated.
        #[serde(with = "crate::time::micros")]
        since: Timestamp,
    },
}

/// What a firing says: that the pattern was found, or that an absence has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FiringState {
    /// The detection found its pattern.
    Fired,
    /// The absence that was reported has ended.
    Resolved,
}

impl FiringState {
    /// The value of `context.state`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Resolved => "resolved",
        }
    }
}

/// A firing of a group, from which its event follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firing {
    /// Distinguishes the firings of one group: the pk of the event at which it fired, or the due time.
    pub id: String,
    /// What the firing says.
    pub state: FiringState,
    /// When it fired: the time of the event at which it did, or the due time.
    #[serde(with = "crate::time::micros")]
    pub at: Timestamp,
    /// The beginning of the window, which ends at `at`.
    #[serde(with = "crate::time::micros")]
    pub from: Timestamp,
    /// How many events the window has.
    pub count: u32,
    /// How many distinct values the window has; `None` if they are not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<u32>,
    /// The newest events of the window, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventPk>,
}

/// One event, as it enters a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Where the event stands in the group.
    pub position: EventPosition,
    /// The value that a `count` with `distinct` counts.
    pub value: Option<u64>,
    /// The step of a `sequence`, from 0.
    pub step: usize,
}

/// The result of entering events into a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// The record to write; `None` if nothing changed.
    pub record: Option<GroupRecord>,
    /// What became of each entry, in order.
    pub outcomes: Vec<Outcome>,
}

/// The time of an event that counts: when it happened, or when it was received if that is earlier.
pub fn time_of(event: &Event) -> i64 {
    event.received.map_or(event.created, |received| received.min(event.created)).as_microsecond()
}

impl Entry {
    /// The entry of an event, without value or step.
    pub fn from_event(event: &Event) -> Self {
        Self { position: EventPosition { at: time_of(event), pk: event.pk }, value: None, step: 0 }
    }
}

impl GroupRecord {
    /// Enters events, in order of their positions, into a group. `before` is the stored record, expired or not: what it
    /// remembers goes by the times of the events, so that a dispatcher that lags decides as one that does not. A
    /// `first_seen` detection fires only if it is not `learning`.
    pub fn enter(
        before: Option<&Self>,
        detection: &Detection,
        group: &Group,
        entries: &[Entry],
        learning: bool,
        now: Timestamp,
    ) -> Update {
        let is_dropped = |record: &Self| {
            let expires = record.expires.as_microsecond();
            matches!(record.state, GroupState::Absent(_)) && entries.iter().all(|entry| entry.position.at >= expires)
        };
        let live = before.filter(|record| !is_dropped(record));
        let mut outcomes = Vec::with_capacity(entries.len());
        let mut firings: Vec<Firing> = Vec::new();
        let mut changed = false;
        let mut note = |outcome: Outcome, fired: Vec<Fired>, firings: &mut Vec<Firing>| {
            changed |= matches!(outcome, Outcome::Joined { .. });
            outcomes.push(outcome);
            firings.extend(fired.iter().map(Firing::from_member));
        };
        let state = live.map(|record| record.state.clone());
        let state = match (&detection.kind, state) {
            (DetectionKind::Count(settings), state) => {
                let mut count = match state {
                    Some(GroupState::Count(count)) => count,
                    _ => CountState::default(),
                };
                for entry in entries {
                    let addition = count.add(settings, Member { position: entry.position, value: entry.value });
                    note(addition.outcome, addition.fired, &mut firings);
                }
                count.trim(settings);
                Some(GroupState::Count(count))
            }
            (DetectionKind::Sequence(settings), state) => {
                let mut sequence = match state {
                    Some(GroupState::Sequence(sequence)) => sequence,
                    _ => SequenceState::default(),
                };
                for entry in entries {
                    note(sequence.add(settings, entry.step, entry.position), Vec::new(), &mut firings);
                }
                firings.extend(sequence.fire(settings).iter().map(Firing::from_member));
                sequence.trim(settings);
                Some(GroupState::Sequence(sequence))
            }
            (DetectionKind::FirstSeen(settings), state) => {
                let mut seen = match state {
                    Some(GroupState::FirstSeen(seen)) => Some(seen),
                    _ => None,
                };
                for entry in entries {
                    match FirstSeenState::observe(&mut seen, settings, entry.position) {
                        SeenOutcome::New(fired) => {
                            let fired = if learning { Vec::new() } else { vec![fired] };
                            note(Outcome::Joined { count: 1 }, fired, &mut firings);
                        }
                        SeenOutcome::Known(true) => note(Outcome::Joined { count: 1 }, Vec::new(), &mut firings),
                        SeenOutcome::Known(false) => note(Outcome::Known { count: 1 }, Vec::new(), &mut firings),
                        SeenOutcome::Late => note(Outcome::Late, Vec::new(), &mut firings),
                    }
                }
                seen.map(GroupState::FirstSeen)
            }
            (DetectionKind::Absent(_), state) => {
                let mut absent = match state {
                    Some(GroupState::Absent(absent)) => Some(absent),
                    _ => None,
                };
                for entry in entries {
                    let since = absent.map(|absent| absent.since());
                    let (joins, ends) = match &mut absent {
                        None => {
                            absent = Some(AbsentState::from_event(entry.position));
                            (true, false)
                        }
                        Some(absent) => absent.observe(entry.position),
                    };
                    let outcome = if joins { Outcome::Joined { count: 1 } } else { Outcome::Known { count: 1 } };
                    note(outcome, Vec::new(), &mut firings);
                    firings.extend(since.filter(|_| ends).map(|since| Firing::resolved(since, entry.position)));
                }
                absent.map(GroupState::Absent)
            }
        };
        let Some(state) = state.filter(|_| changed || !firings.is_empty()) else {
            return Update { record: None, outcomes };
        };
        let waiting = live.map(|record| record.outbox.clone()).unwrap_or_default();
        let outbox = waiting.into_iter().chain(firings).collect();
        let values = live.map_or_else(|| group.values.clone(), |record| record.values.clone());
        let record = Self::with_state(before, detection, values, state, outbox, now);
        Update { record: Some(record), outcomes }
    }

    /// A record for a group of an `absent` detection that is expected from `now` on, and had no event yet.
    pub fn expected(before: Option<&Self>, detection: &Detection, group: &Group, now: Timestamp) -> Self {
        let state = GroupState::Absent(AbsentState::expected(now));
        Self::with_state(before, detection, group.values.clone(), state, Vec::new(), now)
    }

    /// When the group's newest event happened; for `absent`, since when none came.
    pub fn newest(&self) -> Option<Timestamp> {
        match &self.state {
            GroupState::Count(count) => count.newest().map(EventPosition::instant),
            GroupState::Sequence(sequence) => sequence.newest().map(EventPosition::instant),
            GroupState::FirstSeen(seen) => Timestamp::from_microsecond(seen.seen()).ok(),
            GroupState::Absent(absent) => Some(absent.since()),
            GroupState::Activated { .. } => None,
        }
    }

    /// The record of the time at which a detection was activated.
    pub fn activation(now: Timestamp) -> Self {
        let now = crate::time::to_micros(now);
        let state = GroupState::Activated { since: now };
        Self {
            revision: 0,
            expires: Timestamp::MAX,
            values: Vec::new(),
            state,
            count: 0,
            due: None,
            outbox: Vec::new(),
        }
    }

    /// The record of a group whose detection was changed or removed: it expires.
    pub fn retired(&self, now: Timestamp) -> Self {
        Self { revision: self.revision + 1, expires: crate::time::to_micros(now), due: None, ..self.clone() }
    }

    /// The record after the absence of events was reported; `None` if it is not due at `now`, or the group is of another
    /// kind.
    pub fn report_absence(&self, detection: &Detection, now: Timestamp) -> Option<Self> {
        let (DetectionKind::Absent(settings), GroupState::Absent(absent)) = (&detection.kind, &self.state) else {
            return None;
        };
        let mut absent = *absent;
        // One that was due before the group was dropped is reported, however late.
        let due = absent.report(settings, now).filter(|due| self.due.is_some() && *due < self.expires)?;
        let firing = Firing {
            id: crate::time::format(due),
            state: FiringState::Fired,
            at: due,
            from: absent.since(),
            count: 0,
            distinct: None,
            events: absent.last.iter().map(|last| last.pk).collect(),
        };
        let outbox = self.outbox.iter().cloned().chain([firing]).collect();
        Some(Self::with_state(Some(self), detection, self.values.clone(), GroupState::Absent(absent), outbox, now))
    }

    /// The record after the events of its outbox were stored.
    pub fn settled(&self) -> Self {
        Self { revision: self.revision + 1, outbox: Vec::new(), ..self.clone() }
    }

    fn with_state(
        before: Option<&Self>,
        detection: &Detection,
        values: Vec<Value>,
        state: GroupState,
        outbox: Vec<Firing>,
        now: Timestamp,
    ) -> Self {
        let count = match (&detection.kind, &state) {
            (DetectionKind::Count(settings), GroupState::Count(count)) => count.newest_count(settings),
            (DetectionKind::Sequence(settings), GroupState::Sequence(sequence)) => {
                sequence.newest().map_or(0, |newest| sequence.steps(settings, newest))
            }
            _ => 1,
        };
        let due = match (&detection.kind, &state) {
            (DetectionKind::Absent(settings), GroupState::Absent(absent)) => absent.due(settings),
            _ => None,
        };
        let expires = expiry(detection, &state, &values, now);
        let revision = before.map_or(0, |before| before.revision + 1);
        Self { revision, expires: crate::time::to_micros(expires), values, state, count, due, outbox }
    }
}

/// When the group is forgotten unless it gets another event. Time runs from the write, not from the events, so that
/// history which is posted in order is evaluated as it happened.
fn expiry(detection: &Detection, state: &GroupState, values: &[Value], now: Timestamp) -> Timestamp {
    let later = |duration| crate::time::later(now, duration);
    match (&detection.kind, state) {
        (DetectionKind::Count(settings), _) => later(settings.within.duration() * 2 + LATENESS),
        (DetectionKind::Sequence(settings), _) => later(settings.within.duration() * 2 + LATENESS),
        (DetectionKind::FirstSeen(settings), _) => later(SignedDuration::from_micros(FirstSeenState::kept(settings))),
        (DetectionKind::Absent(settings), GroupState::Absent(absent)) => match settings.forget {
            Some(times) if !settings.expect.iter().any(|expected| expected == values) => {
                let kept = i32::try_from(times).unwrap_or(i32::MAX);
                crate::time::later(absent.since(), settings.every.duration().saturating_mul(kept)).max(now)
            }
            _ => Timestamp::MAX,
        },
        (DetectionKind::Absent(_), _) => Timestamp::MAX,
    }
}

impl Firing {
    fn from_member(fired: &Fired) -> Self {
        let Fired { position, from, count, distinct, events } = fired;
        Self {
            id: position.pk.to_string(),
            state: FiringState::Fired,
            at: position.instant(),
            from: Timestamp::from_microsecond(*from).unwrap_or(Timestamp::MIN),
            count: *count,
            distinct: *distinct,
            events: events.clone(),
        }
    }

    fn resolved(since: Timestamp, position: EventPosition) -> Self {
        Self {
            id: position.pk.to_string(),
            state: FiringState::Resolved,
            at: position.instant(),
            from: since,
            count: 1,
            distinct: None,
            events: vec![position.pk],
        }
    }
}
