//! What a group says about one of its events: its count, and how many were missing.

use jiff::Timestamp;
use serde::Serialize;

use super::{Entry, GroupRecord, GroupState, LATENESS, micros};
use crate::rules_document::{Detection, DetectionKind};

/// What became of an event in a group, as far as the group still knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryExplanation {
    /// How many events, distinct values or steps the window that ends at the event has; `None` if the group no longer
    /// knows, or the kind does not count.
    pub count: Option<u32>,
    /// How many were missing for the detection to fire; `None` if that is not known.
    pub missing: Option<u32>,
    /// In words: why the event does not count, or what the group knows.
    pub why: String,
}

impl EntryExplanation {
    /// Explains an entry by the stored record of its group.
    pub fn from_record(detection: &Detection, entry: Entry, record: Option<&GroupRecord>, now: Timestamp) -> Self {
        let Some(record) = record.filter(|record| record.expires > now) else {
            return Self::without_count("the group is not open: its events are too old, or it was not opened");
        };
        match (&detection.kind, &record.state) {
            (DetectionKind::Count(settings), GroupState::Count(state)) => {
                let within = micros(settings.within.duration());
                match state.count_at(settings, entry.position) {
                    Some(count) => {
                        let missing = settings.at_least.saturating_sub(count);
                        let what = if settings.distinct.is_some() { "values" } else { "events" };
                        let why = format!("{count} {what} in the window; {} are needed", settings.at_least);
                        Self { count: Some(count), missing: Some(missing), why }
                    }
                    None if state
                        .newest()
                        .is_some_and(|newest| entry.position.at < newest.at - within - micros(LATENESS)) =>
                    {
                        Self::without_count(
                            "the event is too old to change anything now; if it was when it came, it was late",
                        )
                    }
                    None => Self::without_count(
                        "the group keeps the newest members of a run only, or has not evaluated the event yet",
                    ),
                }
            }
            (DetectionKind::Sequence(settings), GroupState::Sequence(state)) => {
                let steps = state.steps(settings, entry.position);
                let all = u32::try_from(settings.of.len()).unwrap_or(u32::MAX);
                let why = format!("step {}; {steps} of {all} steps have an event in the window", entry.step + 1);
                Self { count: Some(steps), missing: Some(all.saturating_sub(steps)), why }
            }
            (DetectionKind::FirstSeen(_), GroupState::FirstSeen(state)) if state.is_first(entry.position) => {
                Self::without_count("the values were new with this event")
            }
            (DetectionKind::FirstSeen(_), _) => Self::without_count("the values were known"),
            (DetectionKind::Absent(_), GroupState::Absent(state)) if state.is_silent() => {
                Self::without_count("the absence of events has been reported since")
            }
            (DetectionKind::Absent(_), _) => Self::without_count("the next event is awaited"),
            _ => Self::without_count("the group is of another kind"),
        }
    }

    fn without_count(why: &str) -> Self {
        Self { count: None, missing: None, why: why.to_owned() }
    }
}
