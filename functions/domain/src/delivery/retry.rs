//! The retry schedule: decides what follows an attempt.
//!
//! Owns the waits and their limits. Pure: callers pass the time and the jitter.

use jiff::{SignedDuration, Timestamp};

use super::{AttemptOutcome, FailureClass};

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;

/// Waits between attempts, in seconds.
pub const SCHEDULE: [i64; 9] =
    [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// Jitter lengthens a wait by up to this share of it, never shortens it.
const JITTER: f64 = 0.2;

/// The longest wait that a receiver's `Retry-After` can cause.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// The longest wait for an attempt, including jitter, apart from a digest's window.
pub const LONGEST_DELAY: SignedDuration = SignedDuration::from_hours(29);

/// A store examines entries that are due later than this from now: a wrong clock may have written their time, so that
/// they are due at once; see [`Delivery::waits_until`](super::Delivery::waits_until).
pub const LONGEST_POSTPONEMENT: SignedDuration = SignedDuration::from_mins(90);

/// A delivery whose attempts are postponed for longer than the whole schedule takes, including jitter, is given up.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(91);

/// The step that follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// The message was delivered; close the entry.
    Closed,
    /// Make another attempt, but not before `at`.
    Retry {
        /// When the next attempt is due.
        at: Timestamp,
    },
    /// Give the delivery up.
    Dead,
}

/// Decides what follows attempt number `attempt` (from 1).
///
/// `jitter` lies in 0.0..=1.0. `Retry-After` can lengthen a wait, up to 24 hours, but not shorten it.
pub fn next(attempt: usize, outcome: &AttemptOutcome, now: Timestamp, jitter: f64) -> NextStep {
    let not_before = match outcome {
        AttemptOutcome::Delivered { .. } => return NextStep::Closed,
        AttemptOutcome::Failed(failure) => match failure.class() {
            FailureClass::Permanent => return NextStep::Dead,
            FailureClass::Temporary { not_before } => not_before,
        },
    };
    let Some(wait) = attempt.checked_sub(1).and_then(|index| SCHEDULE.get(index)) else {
        return NextStep::Dead;
    };
    let wait = SignedDuration::from_secs(*wait);
    let at = crate::time::later(now, wait + wait.mul_f64(JITTER * jitter.clamp(0.0, 1.0)));
    let longest = crate::time::later(now, LONGEST_WAIT);
    NextStep::Retry { at: not_before.map_or(at, |asked| at.max(asked.min(longest))) }
}

/// Postpones a delivery whose endpoint is paused or busy until `until`.
///
/// `waited` is the time since the delivery was due. The longer it has waited, the longer the postponement, up to
/// `longest` or until `until`, so that a long outage costs few reads per delivery. `jitter`, in 0.0..=1.0, spreads
/// deliveries that wait for the same instant over up to half of their wait.
pub fn postpone(
    waited: SignedDuration,
    until: Timestamp,
    longest: SignedDuration,
    now: Timestamp,
    jitter: f64,
) -> NextStep {
    if waited > LONGEST_LIFE {
        return NextStep::Dead;
    }
    let wait = until.duration_since(now).max((waited / 2).min(longest)).max(SignedDuration::from_secs(1));
    NextStep::Retry { at: crate::time::later(now, wait + wait.mul_f64(0.5 * jitter.clamp(0.0, 1.0))) }
}
