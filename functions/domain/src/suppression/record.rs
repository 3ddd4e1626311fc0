//! The stored state of throttles and digests, by key.
//!
//! Owns the key, which is a hash, and the form of the record. The decisions belong to the types of the states.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{DigestCarrier, ThrottleLog};
use crate::delivery::Delivery;

/// The key of a suppression record: a hash over what its deliveries have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SuppressionKey([u8; 20]);

impl SuppressionKey {
    /// The key of a rule's throttle, for these fields with these values. Other fields give another key.
    pub fn throttle<'a>(rule: &str, key: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let mut parts = vec![Some("throttle"), Some(rule)];
        key.for_each(|(path, value)| parts.extend([Some(path), value]));
        Self::from_parts(&parts)
    }

    /// The key of a rule's digest to one recipient by one transport, for these fields with these values.
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
            // Length prefixes keep different lists apart. A missing value has a length that no text can have.
            hash.update(part.map_or(u64::MAX, |part| part.len() as u64).to_be_bytes());
            hash.update(part.unwrap_or_default());
        }
        let mut id = [0; 20];
        id.copy_from_slice(&hash.finalize()[..20]);
        Self(id)
    }

    /// The key's 20 bytes.
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

impl fmt::Display for SuppressionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// The stored state of one throttle or digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressionRecord {
    /// Incremented by every write, from 0. A write succeeds only if the stored revision is one less.
    pub revision: u64,
    /// Ignored from this time on.
    #[serde(with = "crate::time::micros")]
    pub expires: Timestamp,
    /// The state of the mechanism.
    pub state: SuppressionState,
}

/// The state, by mechanism.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionState {
    /// The events that a throttle let pass.
    Throttle(ThrottleLog),
    /// The open window of a digest and the delivery that carries it.
    Digest(DigestCarrier),
}

impl SuppressionRecord {
    /// The first record of a key, or the next revision of `before`.
    pub fn next(before: Option<&Self>, state: SuppressionState, expires: Timestamp) -> Self {
        Self { revision: before.map_or(0, |before| before.revision + 1), expires, state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_rules_and_fields_have_different_keys() {
        let key = |rule: &str, key: &[(&'static str, Option<&'static str>)]| {
            SuppressionKey::throttle(rule, key.iter().copied())
        };
        let one = key("r", &[("app", Some("a"))]);
        assert_eq!(one, key("r", &[("app", Some("a"))]));
        for other in [
            key("s", &[("app", Some("a"))]),
            key("r", &[]),
            key("r", &[("app", None)]),
            key("r", &[("app", Some(""))]),
            key("r", &[("action", Some("a"))]),
            key("r", &[("app", Some("a")), ("action", Some("a"))]),
        ] {
            assert_ne!(one, other);
        }
    }
}
