//! Detects jumps of the system clock, which happen when it is set or after the system slept.
//!
//! Owns when expired records may be deleted: not for an hour after a jump forwards. So a clock that is wrong for a
//! moment, say 40 days ahead, deletes nothing. Expired records are invisible at once in any case.

use domain::Timestamp;
use jiff::SignedDuration;
use tokio::time::{Duration, Instant};

/// A clock that advances by this much more than real time was set.
const JUMP: SignedDuration = SignedDuration::from_mins(5);

/// How long the clock is not trusted after a jump.
const DISTRUST: Duration = Duration::from_hours(1);

/// The last reading of the clock, and whether the clock is trusted.
#[derive(Debug, Default)]
pub(super) struct ClockWatch {
    last: Option<(Instant, Timestamp)>,
    distrusted_until: Option<Instant>,
}

impl ClockWatch {
    /// Whether the clock, which shows `now`, is trusted. `at` is the same time by the monotonic clock.
    pub(super) fn is_trusted(&mut self, at: Instant, now: Timestamp) -> bool {
        let last = self.last.replace((at, now));
        if let Some((before, shown)) = last {
            let passed = SignedDuration::try_from(at.duration_since(before)).unwrap_or(SignedDuration::MAX);
            if now.duration_since(shown) > passed.saturating_add(JUMP) {
                tracing::warn!(clock = %now, "the clock has jumped ahead; expired records are not deleted for an hour");
                self.distrusted_until = Some(at + DISTRUST);
            }
        }
        self.distrusted_until.is_none_or(|until| at >= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumped_ahead_is_not_trusted_for_an_hour() {
        let (start, shown) = (Instant::now(), Timestamp::UNIX_EPOCH);
        let mut watch = ClockWatch::default();
        let mut look = |seconds: u64, days: i64| {
            let ahead = SignedDuration::from_hours(24 * days) + SignedDuration::from_secs(seconds.cast_signed());
            watch.is_trusted(start + Duration::from_secs(seconds), domain::time::later(shown, ahead))
        };
        assert!(look(0, 0) && look(30, 0) && look(600, 0));
        assert!(!look(630, 40), "it was set");
        assert!(!look(660, 0) && !look(4000, 0), "and set back");
        assert!(look(4300, 0));
        assert!(look(4330, -400), "a clock that goes back makes nothing expire");
        assert!(!look(4360, 0));
    }
}
