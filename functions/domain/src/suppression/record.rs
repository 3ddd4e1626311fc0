//! Lanes: what is counted together.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{DigestCarrier, ThrottleLog};
use crate::delivery::Delivery;

/// Names a lane: a hash over what its members have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SuppressionKey([u8; 20]);

impl SuppressionKey {
    /// Of a rule's throttle, for these values of these fields. A lane of other fields is another lane.
    pub fn throttle<'a>(rule: &str, key: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let mut parts = vec![Some("throttle"), Some(rule)];
        key.for_each(|(path, value)| parts.extend([Some(path), value]));
        Self::from_parts(&parts)
    }

    /// Of a rule's digest for one recipient by one transport, for these values of these fields.
    pub fn digest<'a>(delivery: &Delivery, key: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let (rule, transport, recipient) = (&delivery.rule, &delivery.transport, delivery.recipient.label());
        let mut parts = vec![Some("digest"), Some(rule), Some(transport), Some(recipient)];
        if delivery.is_to_additional_address() {
            parts.extend([Some("at"), Some(delivery.recipient.email.as_str())]);
        }
        key.for_each(|(path, value)| parts.extend([Some(path), value]));
        Self::from_parts(&parts)
    }

    fn from_parts(parts: &[Option<&str>]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // Lengths first: no two different lists may read the same. Nothing has no length at all.
            hash.update(part.map_or(u64::MAX, |part| part.len() as u64).to_be_bytes());
            hash.update(part.unwrap_or_default());
        }
        let mut id = [0; 20];
        id.copy_from_slice(&hash.finalize()[..20]);
        Self(id)
    }

    /// Its 20 bytes.
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

impl fmt::Display for SuppressionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// What is remembered of a lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressionRecord {
    /// Grows by one with each write, from 0. A write is refused unless it is the next one.
    pub revision: u64,
    /// From then on it is as if nothing had been remembered.
    #[serde(with = "crate::time::micros")]
    pub expires: Timestamp,
    /// What.
    pub state: SuppressionState,
}

/// By mechanism.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionState {
    /// Whom a throttle let through.
    Throttle(ThrottleLog),
    /// The window that a digest collects in.
    Digest(DigestCarrier),
}

impl SuppressionRecord {
    /// The first state of a lane, or the one to be written over `before`.
    pub fn next(before: Option<&Self>, state: SuppressionState, expires: Timestamp) -> Self {
        Self { revision: before.map_or(0, |before| before.revision + 1), expires, state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_things_have_different_lanes() {
        let lane = |rule: &str, key: &[(&'static str, Option<&'static str>)]| {
            SuppressionKey::throttle(rule, key.iter().copied())
        };
        let one = lane("r", &[("app", Some("a"))]);
        assert_eq!(one, lane("r", &[("app", Some("a"))]));
        for other in [
            lane("s", &[("app", Some("a"))]),
            lane("r", &[]),
            lane("r", &[("app", None)]),
            lane("r", &[("app", Some(""))]),
            lane("r", &[("action", Some("a"))]),
            lane("r", &[("app", Some("a")), ("action", Some("a"))]),
        ] {
            assert_ne!(one, other);
        }
    }
}
