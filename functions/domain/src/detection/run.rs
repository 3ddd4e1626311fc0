//! A run of a `count` detection's group: where it begins and ends, and for which members it fired.

use serde::{Deserialize, Serialize};

use super::member::EventPosition;
use super::micros;
use crate::rules_document::Repeat;

/// The time between two members of a run, both excluded, in which a further member may not qualify. In microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Gap {
    pub(super) after: i64,
    pub(super) before: i64,
}

/// A run that fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) first: EventPosition,
    pub(super) last: EventPosition,
    /// The members for which it fired, in order. Of many, the oldest are left out.
    pub(super) fired: Vec<EventPosition>,
}

impl Run {
    /// Whether an event of this time lies in the run: those of one time are all in it, or none.
    pub(super) fn has(&self, position: EventPosition) -> bool {
        (self.first.at..=self.last.at).contains(&position.at)
    }

    /// Makes room for an event of the time of the first or of the last.
    pub(super) fn take_in(&mut self, position: EventPosition) {
        (self.first, self.last) = (self.first.min(position), self.last.max(position));
    }

    pub(super) fn note_firing(&mut self, position: EventPosition) {
        let at = self.fired.partition_point(|fired| *fired < position);
        self.fired.insert(at, position);
        if self.fired.len() > MAX_FIRINGS {
            self.fired.remove(0);
        }
    }

    /// Whether a further member of the run fires.
    pub(super) fn repeats(&self, repeat: Repeat, position: EventPosition) -> bool {
        match (repeat, self.fired.last()) {
            (_, None) | (Repeat::Every, _) => true,
            (Repeat::Crossing, Some(_)) => false,
            (Repeat::After(period), Some(last)) => position.at >= last.at.saturating_add(micros(period.duration())),
        }
    }
}

/// How many firings of one run are remembered.
const MAX_FIRINGS: usize = 32;
