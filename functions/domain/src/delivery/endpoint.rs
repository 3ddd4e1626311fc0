//! The circuit breaker of an endpoint, which is the receiver that a transport sends to.
//!
//! Owns the breaker's states and transitions, and the record that all dispatchers share. `Ready` is a closed circuit,
//! `Paused` an open one, which is half-open while a delivery probes it. Refuses to wait, to send, or to classify an
//! attempt: [`EndpointSignal`] does that. An endpoint that has never failed has no record. A record that was made under
//! another configuration of the transport is ignored.
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

use super::EndpointSignal;
use crate::rules_document::Transport;

/// The number of consecutive failures that pause an endpoint: fewer may be chance, more only delay the pause.
pub const FAILURES: u32 = 5;

/// The first pause; each failed probe doubles it.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// The longest pause, whatever the receiver's `Retry-After`, so that a recovery is noticed soon.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// How long a probe is exclusive: longer than an attempt takes.
const PROBE: SignedDuration = SignedDuration::from_secs(30);

/// The stored record of one endpoint's circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The name of the transport that sends to the endpoint.
    pub transport: String,
    /// Incremented by every write, from 0. A write succeeds only if the stored revision is one less.
    pub revision: u64,
    /// The [`Transport::fingerprint`] of the configuration that the state applies to.
    pub fingerprint: String,
    /// The state of the breaker; stored under the key `standing`.
    #[serde(rename = "standing")]
    pub state: EndpointState,
}

/// The state of a circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum EndpointState {
    /// Closed circuit: deliveries are sent.
    Ready,
    /// Open circuit: no delivery is sent until the pause ends.
    Paused(Pause),
    /// No delivery is sent until an operator enables the transport: the receiver answered 410.
    Disabled {
        /// When the receiver answered 410.
        #[serde(with = "crate::time::micros")]
        since: Timestamp,
        /// The failure, in words.
        why: String,
    },
}

/// A pause after repeated failures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// When the first pause in a row began.
    #[serde(with = "crate::time::micros")]
    pub since: Timestamp,
    /// When the pause ends; one delivery may then probe the endpoint.
    #[serde(with = "crate::time::micros")]
    pub until: Timestamp,
    /// The number of consecutive pauses, including this one.
    pub times: u32,
    /// The last failure, in words.
    pub why: String,
    /// While a delivery probes the endpoint: until when no other delivery may.
    #[serde(with = "crate::time::micros_option")]
    pub probe: Option<Timestamp>,
}

/// The breaker's decision on one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointAdmission {
    /// Send it now: the endpoint is ready.
    Allowed,
    /// The pause is over: send it as a probe, after storing [`Endpoint::probed`].
    Probe,
    /// Do not send before `until`.
    Paused {
        /// The end of the pause, or of another delivery's probe.
        until: Timestamp,
        /// The failure that caused the pause.
        why: String,
    },
    /// Do not send at all.
    Disabled {
        /// When the receiver answered 410.
        since: Timestamp,
        /// The failure, in words.
        why: String,
    },
}

impl EndpointState {
    /// The state that applies to the transport as configured now: `Ready` without a record, or with one for another
    /// configuration.
    pub fn for_transport<'e>(known: Option<&'e Endpoint>, transport: &Transport) -> &'e Self {
        known.filter(|known| known.fingerprint == transport.fingerprint()).map_or(&Self::Ready, |known| &known.state)
    }

    /// The decision on a delivery at `now`.
    pub fn admission(&self, now: Timestamp) -> EndpointAdmission {
        match self {
            Self::Ready => EndpointAdmission::Allowed,
            Self::Disabled { since, why } => EndpointAdmission::Disabled { since: *since, why: why.clone() },
            Self::Paused(pause) => match pause.ends(now) {
                Some(until) => EndpointAdmission::Paused { until, why: pause.why.clone() },
                None => EndpointAdmission::Probe,
            },
        }
    }

    /// The state after an attempt with this signal, which failed with `why`; `None` if the state does not change.
    ///
    /// `failures` is the number of consecutive attempts that have shown [`EndpointSignal::Failing`], this one included.
    pub fn after(&self, signal: EndpointSignal, why: &str, failures: u32, now: Timestamp) -> Option<Self> {
        let now = crate::time::to_micros(now);
        let why = why.to_owned();
        match (self, signal) {
            (Self::Disabled { .. }, _) | (Self::Ready, EndpointSignal::Healthy | EndpointSignal::Inconclusive) => None,
            // The probe did not reach the endpoint; the next delivery may probe at once.
            (Self::Paused(pause), EndpointSignal::Inconclusive) => {
                pause.probe.map(|_| Self::Paused(Pause { probe: None, ..pause.clone() }))
            }
            (Self::Paused(_), EndpointSignal::Healthy) => Some(Self::Ready),
            (_, EndpointSignal::Gone) => Some(Self::Disabled { since: now, why }),
            (Self::Ready, EndpointSignal::Failing { not_before }) => {
                let own = (failures >= FAILURES).then(|| crate::time::later(now, FIRST_PAUSE));
                let until = own.max(not_before).filter(|until| *until > now)?;
                Some(Self::Paused(Pause { since: now, until: bounded(until, now), times: 1, why, probe: None }))
            }
            // An attempt that began before the pause reveals nothing new.
            (Self::Paused(pause), EndpointSignal::Failing { .. }) if !pause.is_over(now) => None,
            (Self::Paused(pause), EndpointSignal::Failing { not_before }) => {
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

    /// The end of the pause or of a running probe; `None` if both are over. Ignores an end that is further away than a
    /// pause or probe that begins now, because a wrong clock wrote it.
    fn ends(&self, now: Timestamp) -> Option<Timestamp> {
        let pause = Some(self.until).filter(|_| !self.is_over(now));
        pause.max(self.probe.filter(|probe| !crate::time::has_passed(*probe, PROBE, now)))
    }
}

impl Endpoint {
    /// The first record of the transport, or the next revision of the known one.
    pub fn next(known: Option<&Self>, transport: &Transport, state: EndpointState) -> Self {
        Self {
            transport: transport.name.clone(),
            revision: known.map_or(0, |known| known.revision + 1),
            fingerprint: transport.fingerprint(),
            state,
        }
    }

    /// The next revision of the record, with a running probe; `None` unless the endpoint is paused.
    pub fn probed(&self, now: Timestamp) -> Option<Self> {
        let EndpointState::Paused(pause) = &self.state else { return None };
        let probe = Some(crate::time::to_micros(crate::time::later(now, PROBE)));
        let state = EndpointState::Paused(Pause { probe, ..pause.clone() });
        Some(Self { revision: self.revision + 1, state, ..self.clone() })
    }
}

fn length(times: u32) -> SignedDuration {
    // The cap on the shift prevents an overflow; ten doublings exceed the longest pause by far.
    (FIRST_PAUSE * (1 << times.saturating_sub(1).min(10))).min(LONGEST_PAUSE)
}

fn bounded(until: Timestamp, now: Timestamp) -> Timestamp {
    crate::time::to_micros(until.min(crate::time::later(now, LONGEST_PAUSE)))
}

#[cfg(test)]
mod tests;
