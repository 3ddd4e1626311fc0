//! Whom a throttle lets through.
//!
//! A sliding log: the events let through are remembered one by one, with when, until the throttle's period
//! has passed. So no period of that length has more than `max`, wherever it begins, and an event that is
//! judged again is let through again without being counted twice.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::EventPk;
use crate::rules_document::Throttle;
use crate::time::later;

/// The events that a throttle let through, in the order in which it did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    passed: Vec<Passed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Passed {
    event: EventPk,
    #[serde(with = "crate::time::micros")]
    at: Timestamp,
}

/// What a throttle says of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is one of those that may notify.
    Pass,
    /// There have been enough.
    Hold {
        /// From when on there is room for another.
        until: Timestamp,
    },
}

/// What came of judging events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// One for each event, in order.
    pub verdicts: Vec<Verdict>,
    /// What is to be remembered, if it is something else than before.
    pub changed: Option<Tally>,
}

impl Tally {
    /// Judges events in the order in which they are given, as of `now`.
    pub fn judge(&self, throttle: &Throttle, events: &[EventPk], now: Timestamp) -> Judged {
        let now = crate::time::to_micros(now);
        let max = usize::try_from(throttle.max.get()).unwrap_or(usize::MAX);
        let ends = |passed: &Passed| later(passed.at, throttle.per.duration());
        // What is recorded for later than now was recorded by a clock that was wrong.
        let counts = |passed: &Passed| ends(passed) > now && !crate::time::is_ahead(passed.at, now);
        let mut passed: Vec<Passed> = self.passed.iter().copied().filter(counts).collect();
        let mut grown = false;
        let verdicts = events.iter().map(|event| {
            if passed.iter().any(|known| known.event == *event) {
                return Verdict::Pass;
            }
            let Some(above) = passed.len().checked_sub(max) else {
                passed.push(Passed { event: *event, at: now });
                grown = true;
                return Verdict::Pass;
            };
            // Clocks of several machines may differ, and `max` may have been lowered since.
            let mut ends: Vec<Timestamp> = passed.iter().map(ends).collect();
            ends.sort_unstable();
            Verdict::Hold { until: ends[above] }
        });
        let verdicts = verdicts.collect();
        Judged { verdicts, changed: grown.then_some(Self { passed }) }
    }

    /// When nothing of it counts any more.
    pub fn expires(&self, throttle: &Throttle) -> Timestamp {
        let last = self.passed.iter().map(|passed| passed.at).max().unwrap_or(Timestamp::UNIX_EPOCH);
        later(last, throttle.per.duration())
    }
}

#[cfg(test)]
#[path = "tally_tests.rs"]
mod tests;
