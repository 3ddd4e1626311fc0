//! Decides which events a throttle lets pass.
//!
//! A sliding-window log: each event that passes is recorded with its time until the throttle's period has passed. No
//! period of that length has more than `max` events, wherever it begins, and an event that is decided again passes
//! again without being counted twice.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::EventPk;
use crate::rules_document::Throttle;
use crate::time::later;

/// One in so many entries is the last of a part.
const PART: u8 = 32;

/// The log of a throttle: the events that passed, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ThrottleLog {
    passed: Vec<Passed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Passed {
    event: EventPk,
    #[serde(with = "crate::time::micros")]
    at: Timestamp,
}

/// A throttle's decision on one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThrottleDecision {
    /// The event may notify.
    Pass,
    /// The limit is reached; suppress the notifications.
    Suppress {
        /// From this time on, another event may pass.
        until: Timestamp,
    },
}

/// A throttle's decisions on several events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThrottleDecisions {
    /// One decision for each event, in order.
    pub verdicts: Vec<ThrottleDecision>,
    /// The log to store; `None` if it has not changed.
    pub changed: Option<ThrottleLog>,
}

impl ThrottleLog {
    /// Decides on the events in the given order, as of `now`.
    pub fn judge(&self, throttle: &Throttle, events: &[EventPk], now: Timestamp) -> ThrottleDecisions {
        let now = crate::time::to_micros(now);
        let max = usize::try_from(throttle.max.get()).unwrap_or(usize::MAX);
        let ends = |passed: &Passed| later(passed.at, throttle.per.duration());
        // A wrong clock wrote an entry that lies in the future.
        let counts = |passed: &Passed| ends(passed) > now && !crate::time::is_ahead(passed.at, now);
        let mut passed: Vec<Passed> = self.passed.iter().copied().filter(counts).collect();
        let mut grown = false;
        let verdicts = events.iter().map(|event| {
            if passed.iter().any(|known| known.event == *event) {
                return ThrottleDecision::Pass;
            }
            let Some(above) = passed.len().checked_sub(max) else {
                passed.push(Passed { event: *event, at: now });
                grown = true;
                return ThrottleDecision::Pass;
            };
            // The log may be out of order, because clocks differ, and too long, because `max` was lowered.
            let mut ends: Vec<Timestamp> = passed.iter().map(ends).collect();
            ends.sort_unstable();
            ThrottleDecision::Suppress { until: ends[above] }
        });
        let verdicts = verdicts.collect();
        ThrottleDecisions { verdicts, changed: grown.then_some(Self { passed }) }
    }

    /// The log in parts of 32 entries on average, in order. Where a part ends depends on the entries in it alone: one more
    /// entry at the end, or one fewer at the beginning, changes the last part or the first.
    pub fn parts(&self) -> Vec<Self> {
        let ends_part = |passed: &Passed| passed.event.as_bytes()[15].is_multiple_of(PART);
        self.passed.split_inclusive(ends_part).map(|part| Self { passed: part.to_vec() }).collect()
    }

    /// The log that consists of these parts.
    pub fn from_parts(parts: impl IntoIterator<Item = Self>) -> Self {
        Self { passed: parts.into_iter().flat_map(|part| part.passed).collect() }
    }

    /// When the last entry leaves the throttle's period.
    pub fn expires(&self, throttle: &Throttle) -> Timestamp {
        let last = self.passed.iter().map(|passed| passed.at).max().unwrap_or(Timestamp::UNIX_EPOCH);
        later(last, throttle.per.duration())
    }
}

#[cfg(test)]
#[path = "throttle_log_tests.rs"]
mod tests;
