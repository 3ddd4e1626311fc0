//! The state of one group of an `absent` detection: when its last event was, and whether it is silent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::member::EventPosition;
use super::micros;
use crate::rules_document::AbsentSettings;

/// When the last event of a group was, and whether its absence has been reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsentState {
    /// The newest event; `None` before the first.
    pub last: Option<EventPosition>,
    /// From when on events are expected, in microseconds since the epoch: the newest event's time, or the activation.
    since: i64,
    /// Whether the absence was reported, and no event came since.
    silent: bool,
}

impl AbsentState {
    /// A group that is expected from this time on.
    pub fn expected(since: Timestamp) -> Self {
        Self { last: None, since: since.as_microsecond(), silent: false }
    }

    /// A group whose first event is this one.
    pub fn from_event(position: EventPosition) -> Self {
        Self { last: Some(position), since: position.at, silent: false }
    }

    /// Notes an event. Returns whether it is newer than the last one, and whether it ends a reported absence.
    pub fn observe(&mut self, position: EventPosition) -> (bool, bool) {
        if self.last.is_some_and(|last| position <= last) || (self.last.is_none() && position.at < self.since) {
            return (false, false);
        }
        let ends = std::mem::replace(&mut self.silent, false);
        *self = Self { last: Some(position), since: position.at, silent: false };
        (true, ends)
    }

    /// When the absence is to be reported; `None` if it has been.
    pub fn due(&self, settings: &AbsentSettings) -> Option<Timestamp> {
        let wait = micros(settings.every.duration()).saturating_add(micros(settings.grace));
        let due = Timestamp::from_microsecond(self.since.saturating_add(wait)).unwrap_or(Timestamp::MAX);
        (!self.silent).then_some(due)
    }

    /// Reports the absence if it is due at `now`. Returns the due time.
    pub fn report(&mut self, settings: &AbsentSettings, now: Timestamp) -> Option<Timestamp> {
        let due = self.due(settings).filter(|due| *due <= now)?;
        self.silent = true;
        Some(due)
    }

    /// Whether the absence was reported, and no event came since.
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// From when on events are expected.
    pub fn since(&self) -> Timestamp {
        Timestamp::from_microsecond(self.since).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventPk;
    use crate::rules_document::Period;
    use jiff::SignedDuration;

    fn instant(hours: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + hours * 3600).unwrap()
    }

    fn position(hours: i64) -> EventPosition {
        EventPosition { at: instant(hours).as_microsecond(), pk: EventPk::unnamed(instant(hours), 1) }
    }

    #[test]
    fn an_absence_is_reported_once_and_ends_with_the_next_event() {
        let settings = AbsentSettings {
            of: "backup".to_owned(),
            every: Period::days(1),
            grace: SignedDuration::from_hours(1),
            forget: None,
            expect: Vec::new(),
        };
        let mut state = AbsentState::from_event(position(0));
        assert_eq!(state.report(&settings, instant(24)), None);
        assert_eq!(state.observe(position(20)), (true, false));
        assert_eq!(state.observe(position(10)), (false, false), "an older event changes nothing");
        assert_eq!(state.observe(position(20)), (false, false), "nor does the same again");
        assert_eq!(state.report(&settings, instant(44)), None);
        assert_eq!(state.report(&settings, instant(50)), Some(instant(45)));
        assert_eq!(state.report(&settings, instant(90)), None, "once");
        assert_eq!(state.observe(position(91)), (true, true));
        assert_eq!(state.due(&settings), Some(instant(116)));
        let mut expected = AbsentState::expected(instant(0));
        assert_eq!(expected.report(&settings, instant(25)), Some(instant(25)));
        assert_eq!(expected.observe(position(30)), (true, true));
    }
}
