//! An endpoint: what a transport leads to, and whether deliveries may go there now.
//!
//! Owns the circuit breaker's decisions and the disabling by 410, and the record of them that all dispatchers share.
//! Refuses to wait, to send, or to judge an attempt: [`Sign`] says what one showed. An endpoint that has never failed
//! has no record, and a record that was made under another configuration of the transport says nothing.
//!
//! ```text
//!           5 failures in a row, or one with Retry-After
//!     ┌─▶ Ready ─────────────────────────────────▶ Paused ◀─┐ the probe fails:
//!     │     ▲               a success                │      │ paused for longer
//!     │     └────────────────────────────────────────┴──────┘
//!     │ enabled by an operator
//! Disabled ◀── 410, from either
//! ```

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Sign;
use crate::rules_document::Transport;

/// So many failures in a row pause an endpoint: fewer may be chance, more would only make people wait.
pub const FAILURES: u32 = 5;

/// The first pause; each probe that fails doubles it.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// No pause is longer, whatever the receiver asks for: recovery must be noticed.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// How long a probe may take before another one is made: longer than an attempt.
const PROBE: SignedDuration = SignedDuration::from_secs(30);

/// What is known of one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The transport's name.
    pub transport: String,
    /// Grows by one with each write, from 0. A write is refused unless it is the next one.
    pub revision: u64,
    /// [`Transport::fingerprint`] of the configuration that it was found out under.
    pub fingerprint: String,
    /// What was found out.
    pub standing: Standing,
}

/// Whether deliveries may go there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Standing {
    /// They may.
    Ready,
    /// Not for a while.
    Paused(Pause),
    /// Not until an operator says so: the receiver answered 410.
    Disabled {
        /// Since when.
        #[serde(with = "crate::time::micros")]
        since: Timestamp,
        /// What it answered.
        why: String,
    },
}

/// A pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// When the endpoint last was ready.
    #[serde(with = "crate::time::micros")]
    pub since: Timestamp,
    /// From then on one delivery may probe.
    #[serde(with = "crate::time::micros")]
    pub until: Timestamp,
    /// Pauses in a row, this one included.
    pub times: u32,
    /// The last failure.
    pub why: String,
    /// While somebody probes: until when nobody else does.
    #[serde(with = "crate::time::micros_option")]
    pub probe: Option<Timestamp>,
}

/// Whether one delivery may go now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// It may.
    Open,
    /// It may, if it first puts [`Endpoint::probed`] in the record's place: the endpoint's pause is over.
    Probe,
    /// Not before then.
    Paused {
        /// The end of the pause, or of somebody's probe.
        until: Timestamp,
        /// The failure that caused it.
        why: String,
    },
    /// Not at all.
    Disabled {
        /// Since when.
        since: Timestamp,
        /// What the receiver answered.
        why: String,
    },
}

impl Standing {
    /// What is known of the transport as it is configured now.
    pub fn of<'e>(known: Option<&'e Endpoint>, transport: &Transport) -> &'e Self {
        known.filter(|known| known.fingerprint == transport.fingerprint()).map_or(&Self::Ready, |known| &known.standing)
    }

    /// Whether a delivery may go now.
    pub fn gate(&self, now: Timestamp) -> Gate {
        match self {
            Self::Ready => Gate::Open,
            Self::Disabled { since, why } => Gate::Disabled { since: *since, why: why.clone() },
            Self::Paused(pause) => match pause.ends(now) {
                Some(until) => Gate::Paused { until, why: pause.why.clone() },
                None => Gate::Probe,
            },
        }
    }

    /// What an attempt that showed `sign`, and failed with `why`, makes of it; none if it stays as it is.
    ///
    /// `failures` is how many attempts in a row have shown [`Sign::Ailing`], this one included.
    pub fn after(&self, sign: Sign, why: &str, failures: u32, now: Timestamp) -> Option<Self> {
        let now = crate::time::to_micros(now);
        let why = why.to_owned();
        match (self, sign) {
            (Self::Disabled { .. }, _) | (Self::Ready, Sign::Well | Sign::Nothing) => None,
            // A probe that never reached the endpoint says nothing; the next delivery probes at once.
            (Self::Paused(pause), Sign::Nothing) => {
                pause.probe.map(|_| Self::Paused(Pause { probe: None, ..pause.clone() }))
            }
            (Self::Paused(_), Sign::Well) => Some(Self::Ready),
            (_, Sign::Gone) => Some(Self::Disabled { since: now, why }),
            (Self::Ready, Sign::Ailing { not_before }) => {
                let own = (failures >= FAILURES).then(|| crate::time::later(now, FIRST_PAUSE));
                let until = own.max(not_before).filter(|until| *until > now)?;
                Some(Self::Paused(Pause { since: now, until: bounded(until, now), times: 1, why, probe: None }))
            }
            // An attempt from before the pause says nothing new.
            (Self::Paused(pause), Sign::Ailing { .. }) if !pause.is_over(now) => None,
            (Self::Paused(pause), Sign::Ailing { not_before }) => {
                let times = pause.times.saturating_add(1);
                let until = crate::time::later(now, length(times)).max(not_before.unwrap_or(now));
                Some(Self::Paused(Pause { since: pause.since, until: bounded(until, now), times, why, probe: None }))
            }
        }
    }
}

impl Pause {
    fn is_over(&self, now: Timestamp) -> bool {
        crate::time::has_passed(self.until, LONGEST_PAUSE, now)
    }

    /// The end of the pause or of a probe that is under way; `None` if both are over. Neither is further away than it
    /// could be if it had begun now.
    fn ends(&self, now: Timestamp) -> Option<Timestamp> {
        let pause = Some(self.until).filter(|_| !self.is_over(now));
        pause.max(self.probe.filter(|probe| !crate::time::has_passed(*probe, PROBE, now)))
    }
}

impl Endpoint {
    /// The record to be written over the known one, if there is one.
    pub fn next(known: Option<&Self>, transport: &Transport, standing: Standing) -> Self {
        Self {
            transport: transport.name.clone(),
            revision: known.map_or(0, |known| known.revision + 1),
            fingerprint: transport.fingerprint(),
            standing,
        }
    }

    /// The record with a probe under way, to be written over this one; none unless it is paused.
    pub fn probed(&self, now: Timestamp) -> Option<Self> {
        let Standing::Paused(pause) = &self.standing else { return None };
        let probe = Some(crate::time::to_micros(crate::time::later(now, PROBE)));
        let standing = Standing::Paused(Pause { probe, ..pause.clone() });
        Some(Self { revision: self.revision + 1, standing, ..self.clone() })
    }
}

fn length(times: u32) -> SignedDuration {
    // Doubling ten times passes the longest by far.
    (FIRST_PAUSE * (1 << times.saturating_sub(1).min(10))).min(LONGEST_PAUSE)
}

fn bounded(until: Timestamp, now: Timestamp) -> Timestamp {
    crate::time::to_micros(until.min(crate::time::later(now, LONGEST_PAUSE)))
}

#[cfg(test)]
mod tests;
