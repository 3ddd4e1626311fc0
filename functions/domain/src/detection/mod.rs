//! Detections: the state of each group, and the decision when it fires.
//!
//! A detection watches events over time; its settings are in [`crate::rules_document`]. Events with equal values are a
//! *group*. What a group has seen is a [`GroupRecord`], which changes only by conditional writes, so that any number of
//! dispatchers decide as if they were one. What fired is in the record until its event is stored, and the event's pk
//! follows from the group and the firing alone, so that writing it again changes nothing.
//!
//! Owns the decisions and the form of the records. Refuses to store anything; the dispatcher does.

mod absent;
mod count;
mod detection_event;
mod explain;
mod first_seen;
mod grouping;
mod member;
mod record;
mod run;
mod sequence;

pub use absent::AbsentState;
pub use count::{CountState, MAX_MEMBERS};
pub use detection_event::{ACTION, APP, max_groups_event};
pub use explain::EntryExplanation;
pub use first_seen::{FirstSeenState, SeenOutcome};
pub use grouping::{
    Group, MAX_GROUPS_OF_EVENT, MAX_LIST_GROUPS, detection_id, distinct_value, group, group_paths, groups,
};
pub use member::{EventPosition, Member};
pub use record::{Entry, Firing, FiringState, GroupRecord, GroupState, Update, time_of};
pub use sequence::SequenceState;

pub use crate::id::{DetectionId, GroupId, GroupIdError};

use jiff::SignedDuration;

use crate::event::EventPk;

/// How much older than `within` before the newest member an event may be; an older one is late and joins no window.
pub const LATENESS: SignedDuration = SignedDuration::from_mins(15);

/// How long a group is stored after it has expired, for dispatchers that lag.
pub const EXPIRED_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How many of the causing events a detection event lists.
pub const MAX_LISTED: usize = 20;

/// The result of adding one event to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// What became of the event.
    pub outcome: Outcome,
    /// The firings that it caused, in order.
    pub fired: Vec<Fired>,
}

/// What became of an event that was added to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is a member now. The count is that of its window: members, distinct values, or steps.
    Joined {
        /// How many there are, at least; beyond the wanted number, not every one is kept.
        count: u32,
    },
    /// It was a member before.
    Known {
        /// As for a new member.
        count: u32,
    },
    /// It is late and joins no window.
    Late,
}

/// A firing, before it has an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// The member at which it fired.
    pub position: EventPosition,
    /// The beginning of the window, in microseconds since the epoch.
    pub from: i64,
    /// How many members the window has.
    pub count: u32,
    /// How many distinct values the window has; `None` if events are counted.
    pub distinct: Option<u32>,
    /// The newest members of the window, newest first, at most [`MAX_LISTED`].
    pub events: Vec<EventPk>,
}

/// The group whose record has the time at which the detection was activated. No event is in it, because values are JSON.
pub fn activation_group(id: DetectionId) -> GroupId {
    id.group(&["activated"])
}

/// The duration in microseconds; a document has none that is longer than 1000 years.
fn micros(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 8)
}
