//! The parts of the system that can fall behind, and the report of a day. Also finds the rate at which each does.

use std::collections::BTreeMap;

use super::bill::Usage;
use super::limits::PARTITION_READS;
use super::{Model, Scenario, simulate};

/// A part of the system that can fall behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Accepting events: callers are refused.
    Ingest,
    /// Evaluating events and sending notifications.
    Dispatch,
    /// Queueing deliveries whose time has come.
    DueRetries,
    /// Counting the events of past hours.
    Counting,
    /// Writing expired events to the archive.
    Archive,
    /// Pages of the console, within their time.
    Pages,
}

impl Part {
    /// Every part, in the order of an event's life.
    pub const ALL: [Self; 6] =
        [Self::Ingest, Self::Dispatch, Self::DueRetries, Self::Counting, Self::Archive, Self::Pages];

    /// The part in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Dispatch => "dispatch",
            Self::DueRetries => "due retries",
            Self::Counting => "hourly counts",
            Self::Archive => "archive",
            Self::Pages => "console pages",
        }
    }

    /// The delay at the end of the day, in seconds, from which the part counts as behind. Hours are counted and archived
    /// when they are over, so those are late by design.
    fn tolerated(self) -> f64 {
        match self {
            Self::Ingest => 1.0,
            Self::Dispatch => 60.0,
            Self::DueRetries => 300.0,
            Self::Counting => 2.0 * 3600.0,
            Self::Archive => 3.0 * 3600.0,
            Self::Pages => 30.0,
        }
    }
}

/// How late a part is, in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct DelayedPart {
    /// The longest delay of the day.
    pub worst: f64,
    /// The delay at its end.
    pub last: f64,
}

/// What a day was like.
#[derive(Debug, Clone, Default)]
pub struct DayReport {
    /// The delay of each part. For pages: the time of the slowest.
    pub delays: BTreeMap<Part, DelayedPart>,
    /// Events that were stored.
    pub stored: f64,
    /// Events that were refused while the table did not fail, as it or callers caught up; they were posted again.
    pub refused: f64,
    /// Messages that became dead letters.
    pub dead_letters: f64,
    /// Events that a job passes in a second, in the mean of the day, while everything else is done.
    pub passed_per_second: f64,
    /// The most instances of all functions at a time.
    pub instances: f64,
    /// The most read units that one partition is asked for in a second.
    pub hottest_reads: f64,
    /// What AWS bills.
    pub(crate) usage: Usage,
}

impl DayReport {
    /// The parts that are behind at the end of the day, or that refused events although nothing had failed.
    pub fn behind(&self) -> Vec<Part> {
        let is_behind = |part: Part| {
            self.delays.get(&part).is_some_and(|delay| delay.last > part.tolerated())
                || part == Part::Ingest && self.refused > 0.001 * self.stored
                || part == Part::Ingest && self.hottest_reads > PARTITION_READS
        };
        Part::ALL.into_iter().filter(|part| is_behind(*part)).collect()
    }

    /// Notes a delay of a part, in seconds.
    pub(crate) fn note(&mut self, part: Part, delay: f64) {
        let noted = self.delays.entry(part).or_default();
        *noted = DelayedPart { worst: noted.worst.max(delay), last: delay };
    }
}

/// The highest rate at which each part is not behind at the end of a day, in events per second; `None` if it is not
/// behind at the highest that is tried. Rates are tried in steps of a quarter.
pub fn ceilings(model: &Model, scenario: &Scenario, parts: &[Part]) -> Vec<(Part, Option<f64>)> {
    let rates: Vec<f64> = (0..STEPS).map(|step| LOWEST * STEP.powi(step)).collect();
    let mut known: BTreeMap<usize, Vec<Part>> = BTreeMap::new();
    let mut behind = |step: usize| {
        let rate = rates[step];
        known.entry(step).or_insert_with(|| simulate(model, &Scenario { rate, ..scenario.clone() }).behind()).clone()
    };
    let ceiling = |part: Part| {
        // The steps below `low` are good, those from `high` on are not.
        let (mut low, mut high) = (0, rates.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if behind(middle).contains(&part) { high = middle } else { low = middle + 1 }
        }
        (part, (low < rates.len()).then(|| if low == 0 { 0.0 } else { rates[low - 1] }))
    };
    parts.iter().copied().map(ceiling).collect()
}

/// The rates of [`ceilings`]: from this one, by this factor, up to about 10,000 per second.
const LOWEST: f64 = 10.0;
const STEP: f64 = 1.25;
const STEPS: i32 = 32;
