//! Notices that the system's clock was set, or stood still while the system slept.
//!
//! Owns when what has expired may be deleted: not for an hour after a jump forwards, so that a clock that is wrong for a
//! moment, 40 days ahead say, deletes nothing for good. What has expired is invisible at once all the same.

use domain::Timestamp;
use jiff::SignedDuration;
use tokio::time::{Duration, Instant};

/// A clock that goes ahead by more than this between two looks was set.
const JUMP: SignedDuration = SignedDuration::from_mins(5);

/// For how long a clock that was set is not believed.
const DOUBT: Duration = Duration::from_hours(1);

/// What was seen of the clock.
#[derive(Debug, Default)]
pub(super) struct ClockWatch {
    last: Option<(Instant, Timestamp)>,
    doubted_until: Option<Instant>,
}

impl ClockWatch {
    /// Whether the clock, which shows `now`, may be believed; `at` is the same instant by a clock that nobody sets.
    pub(super) fn is_believed(&mut self, at: Instant, now: Timestamp) -> bool {
        let last = self.last.replace((at, now));
        if let Some((before, shown)) = last {
            let passed = SignedDuration::try_from(at.duration_since(before)).unwrap_or(SignedDuration::MAX);
            if now.duration_since(shown) > passed.saturating_add(JUMP) {
                tracing::warn!(clock = %now, "the clock has jumped ahead; nothing that has expired is deleted for an hour");
                self.doubted_until = Some(at + DOUBT);
            }
        }
        self.doubted_until.is_none_or(|until| at >= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumped_ahead_is_not_believed_for_an_hour() {
        let (start, shown) = (Instant::now(), Timestamp::UNIX_EPOCH);
        let mut watch = ClockWatch::default();
        let mut look = |seconds: u64, days: i64| {
            let ahead = SignedDuration::from_hours(24 * days) + SignedDuration::from_secs(seconds.cast_signed());
            watch.is_believed(start + Duration::from_secs(seconds), domain::time::later(shown, ahead))
        };
        assert!(look(0, 0) && look(30, 0) && look(600, 0));
        assert!(!look(630, 40), "it was set");
        assert!(!look(660, 0) && !look(4000, 0), "and set back");
        assert!(look(4300, 0));
        assert!(look(4330, -400), "a clock that goes back makes nothing expire");
        assert!(!look(4360, 0));
    }
}
