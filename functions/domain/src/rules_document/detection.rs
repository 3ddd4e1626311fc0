//! Detections: patterns across several events, as the rules document defines them.
//!
//! Owns the settings and their limits. The state of a detection and its decisions are in [`crate::detection`].

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{FieldPath, Period};

/// A pattern across several events. It is a policy as well: a binding to it passes on the events that it writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Detection {
    /// The name, which no policy and no other detection has.
    pub name: String,
    /// The fields whose values make a group; empty for one group of all events. At most [`Detection::MAX_PATHS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<FieldPath>,
    /// The most groups that are open at a time.
    pub max_groups: u32,
    /// What the detection waits for.
    pub kind: DetectionKind,
}

impl Detection {
    /// The most paths in `by`.
    pub const MAX_PATHS: usize = 5;
    /// How many groups may be open where `max_groups` is not set.
    pub const DEFAULT_MAX_GROUPS: u32 = 100_000;
    /// The maximum of `max_groups`.
    pub const MOST_GROUPS: u32 = 1_000_000;
    /// The most detections of which each counts the events of the next. Each of them adds the way of one more event
    /// through ingestion and dispatch, and no known pattern needs more.
    pub const LONGEST_CHAIN: usize = 5;

    /// The names of the policies and detections whose events the detection counts, by step.
    pub fn inputs(&self) -> &[String] {
        match &self.kind {
            DetectionKind::Count(CountSettings { of, .. })
            | DetectionKind::FirstSeen(FirstSeenSettings { of, .. })
            | DetectionKind::Absent(AbsentSettings { of, .. }) => std::slice::from_ref(of),
            DetectionKind::Sequence(SequenceSettings { of, .. }) => of,
        }
    }
}

/// What a detection waits for, by kind. The variants are the keys of the rules document.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectionKind {
    /// Enough events, or enough distinct values, within a time.
    Count(CountSettings),
    /// A value that was not there before.
    FirstSeen(FirstSeenSettings),
    /// No event for a time.
    Absent(AbsentSettings),
    /// One event of each step within a time.
    Sequence(SequenceSettings),
}

impl DetectionKind {
    /// The kind's key in the rules document, and its name in events and in the API.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Count(_) => "count",
            Self::FirstSeen(_) => "first_seen",
            Self::Absent(_) => "absent",
            Self::Sequence(_) => "sequence",
        }
    }
}

/// The settings of a `count` detection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CountSettings {
    /// The policy or detection whose events are counted.
    pub of: String,
    /// Counts the distinct values of this field instead of the events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<FieldPath>,
    /// The length of the window, which ends at an event and includes both its ends; at most [`LONGEST_WITHIN`].
    pub within: Period,
    /// How many events, or values, must lie in the window: from 2 to [`CountSettings::MAX_AT_LEAST`].
    pub at_least: u32,
    /// How often the detection fires while there are enough.
    #[serde(default)]
    pub repeat: Repeat,
}

impl CountSettings {
    /// The maximum of `at_least`: that many members of a group are stored.
    pub const MAX_AT_LEAST: u32 = 1000;
}

/// How often a `count` detection fires while there are enough events in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// Once for each unbroken run of members that have enough events in their window.
    #[default]
    Crossing,
    /// For every member that has enough events in its window.
    Every,
    /// Again while the run lasts, at most once in this period.
    After(Period),
}

/// The settings of a `first_seen` detection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FirstSeenSettings {
    /// The policy or detection whose events have the values.
    pub of: String,
    /// The fields whose combined values are remembered, in each group: 1 to [`FirstSeenSettings::MAX_VALUES`].
    pub value: Vec<FieldPath>,
    /// How long a combination is remembered after it was last seen; up to a tenth longer.
    pub remember: Period,
    /// How long the detection only learns after it was activated; zero for not at all.
    pub learn: SignedDuration,
}

impl FirstSeenSettings {
    /// The most paths in `value`.
    pub const MAX_VALUES: usize = 3;
    /// The maximum of `remember`.
    pub const LONGEST_REMEMBERED: Period = Period::days(365);
}

/// The settings of an `absent` detection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AbsentSettings {
    /// The policy or detection whose events are expected.
    pub of: String,
    /// How often an event is expected.
    pub every: Period,
    /// How much later than expected an event may come; zero for not at all.
    pub grace: SignedDuration,
    /// After how many times `every` without an event a group is dropped; `None` for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forget: Option<u32>,
    /// The groups that are expected from the start and never dropped: for each the value of every path of `by`, as JSON
    /// scalars.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Vec<serde_json::Value>>,
}

impl AbsentSettings {
    /// The maximum of `every` and of `grace`.
    pub const LONGEST: Period = Period::days(31);
    /// The most groups in `expect`.
    pub const MAX_EXPECTED: usize = 1000;
}

/// The settings of a `sequence` detection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SequenceSettings {
    /// The policy or detection of each step: 2 to [`SequenceSettings::MAX_STEPS`].
    pub of: Vec<String>,
    /// The longest time from the first to the last event; at most [`LONGEST_WITHIN`].
    pub within: Period,
    /// Whether each step's event must be strictly later than that of the step before.
    pub ordered: bool,
}

impl SequenceSettings {
    /// The most steps of one sequence.
    pub const MAX_STEPS: usize = 10;
}

/// The minimum of `within`, in every kind that has it: one minute.
pub const SHORTEST_WITHIN: SignedDuration = SignedDuration::from_mins(1);
/// The maximum of `within`, in every kind that has it: seven days.
pub const LONGEST_WITHIN: Period = Period::days(7);
