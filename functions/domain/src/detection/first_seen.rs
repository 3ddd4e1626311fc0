//! The state of one combination of values of a `first_seen` detection.
//!
//! The time at which the combination was last seen is stored only when it has grown by a tenth of `remember`, so that a
//! frequent value costs few writes. Therefore a value is forgotten between 1 and 1.1 times `remember` after it was last
//! seen.

use serde::{Deserialize, Serialize};

use super::member::EventPosition;
use super::{Fired, LATENESS, micros};
use crate::rules_document::FirstSeenSettings;

/// When a combination of values was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstSeenState {
    /// The event with which the combination was new.
    first: EventPosition,
    /// When it was last seen, in microseconds since the epoch: up to a tenth of `remember` before the true time.
    seen: i64,
}

/// What an event means for its combination of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeenOutcome {
    /// The combination is new, and the detection fires, unless it learns.
    New(Fired),
    /// The combination is known. The state has changed if the flag is set.
    Known(bool),
    /// The event is older than what is remembered.
    Late,
}

impl FirstSeenState {
    /// How long a combination is stored after it was last seen, in microseconds.
    pub fn kept(settings: &FirstSeenSettings) -> i64 {
        let remember = micros(settings.remember.duration());
        remember.saturating_add(remember / 10)
    }

    /// Whether the combination was new with this event.
    pub fn is_first(&self, position: EventPosition) -> bool {
        self.first == position
    }

    /// When the combination was last seen, in microseconds since the epoch: up to a tenth of `remember` before the true
    /// time.
    pub fn seen(&self) -> i64 {
        self.seen
    }

    /// Notes that the combination was seen with this event. `None` as the state is a combination that is not known.
    pub fn observe(state: &mut Option<Self>, settings: &FirstSeenSettings, position: EventPosition) -> SeenOutcome {
        let remember = micros(settings.remember.duration());
        if let Some(known) = state {
            if position.at < known.seen - remember - micros(LATENESS) {
                return SeenOutcome::Late;
            }
            if position.at <= known.seen.saturating_add(Self::kept(settings)) {
                let grows = position.at > known.seen.saturating_add(remember / 10);
                known.seen = if grows { position.at } else { known.seen };
                return SeenOutcome::Known(grows);
            }
        }
        *state = Some(Self { first: position, seen: position.at });
        let from = position.at - remember;
        SeenOutcome::New(Fired { position, from, count: 1, distinct: None, events: vec![position.pk] })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::event::EventPk;
    use crate::rules_document::Period;

    const DAY: i64 = 86_400_000_000;

    fn at(tenths_of_a_day: i64) -> EventPosition {
        let at = 20_000 * DAY + tenths_of_a_day * DAY / 10;
        EventPosition { at, pk: EventPk::unnamed(Timestamp::from_microsecond(at).unwrap(), 1) }
    }

    /// For each event, by tenths of a day, whether the combination is new.
    fn new_ones(times: &[i64]) -> Vec<bool> {
        let settings = FirstSeenSettings {
            of: "logins".to_owned(),
            value: Vec::new(),
            remember: Period::days(10),
            learn: jiff::SignedDuration::ZERO,
        };
        let mut state = None;
        let mut observe = |time: &i64| FirstSeenState::observe(&mut state, &settings, at(*time));
        times.iter().map(|time| matches!(observe(time), SeenOutcome::New(_))).collect()
    }

    #[test]
    fn a_value_is_new_once_until_it_is_forgotten() {
        assert_eq!(new_ones(&[0, 0, 99, 198, 309]), [true, false, false, false, true]);
        // Seen at 0.9 without a write: remembered until 11 after the stored 0.
        assert_eq!(new_ones(&[0, 9, 109]), [true, false, false]);
        assert_eq!(new_ones(&[0, 9, 111]), [true, false, true], "forgotten 10.2 days after it was seen");
    }

    #[test]
    fn an_event_out_of_order_is_not_new() {
        assert_eq!(new_ones(&[50, 40, 0, -60]), [true, false, false, false]);
    }
}
