//! An event's pk: a UUID whose first 48 bits are the event's time in milliseconds (RFC 9562).
//!
//! An unnamed event gets a version 7 UUID (time and random bits). A named event gets a version 8 UUID whose remaining
//! 74 bits are the start of a SHA-256 over its name, its time and its masked body, so that posting it again gives the
//! same pk. Secrets are masked before hashing, so that a `pk` reveals nothing about them.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::trace::TraceParent;

/// The id of an event. Pks sort by the events' times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventPk(Uuid);

/// The text is not an event pk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an event pk; one looks like 018650dd-2c93-7f1e-8afe-ad5af90bf680")]
pub struct PkError;

const VERSION_TIME: u128 = 7;
const VERSION_NAMED: u128 = 8;

impl EventPk {
    /// The pk of an event that the caller did not name; `random` fills the 74 free bits.
    pub fn unnamed(created: Timestamp, random: u128) -> Self {
        Self::assemble(created, random, VERSION_TIME)
    }

    /// The pk of a named event; `digest` is the hash over its name, time and body.
    pub fn named(created: Timestamp, digest: &[u8; 32]) -> Self {
        let mut bits = [0; 16];
        bits.copy_from_slice(&digest[..16]);
        Self::assemble(created, u128::from_be_bytes(bits), VERSION_NAMED)
    }

    fn assemble(created: Timestamp, free: u128, version: u128) -> Self {
        let millis = u128::from(created.as_millisecond().max(0).unsigned_abs()) & ((1 << 48) - 1);
        let (upper, lower) = ((free >> 62) & 0xfff, free & ((1 << 62) - 1));
        Self(Uuid::from_u128(millis << 80 | version << 76 | upper << 64 | 0b10 << 62 | lower))
    }

    /// The event's time, to the millisecond.
    pub fn instant(self) -> Timestamp {
        let millis = i64::try_from(self.0.as_u128() >> 80).unwrap_or(0);
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
    }

    /// Whether the pk is derived from the caller's name for the event, so that posting the event again gives the same
    /// pk.
    pub fn is_named(self) -> bool {
        (self.0.as_u128() >> 76) & 0xf == VERSION_NAMED
    }

    /// The smallest pk that an event of this millisecond can have; for ranges.
    pub fn first_at(instant: Timestamp) -> Self {
        let millis = u128::from(instant.as_millisecond().max(0).unsigned_abs()) & ((1 << 48) - 1);
        Self(Uuid::from_u128(millis << 80))
    }

    /// The trace of an event that came without one. Its id is the pk's digits, so that each leads to the other. It is
    /// not sampled.
    pub fn trace(self) -> TraceParent {
        TraceParent::from_id(self.0.as_u128())
    }

    /// The 16 bytes, which sort like the pks.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The pk of these 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for EventPk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for EventPk {
    type Err = PkError;
    fn from_str(text: &str) -> Result<Self, PkError> {
        Uuid::try_parse(text).map(Self).map_err(|_| PkError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_its_time_version_and_variant() {
        let created: Timestamp = "2023-02-15T15:33:42.771091Z".parse().unwrap();
        let plain = EventPk::unnamed(created, u128::MAX);
        assert_eq!(plain.instant(), crate::time::to_millis(created));
        assert_eq!(plain.0.get_version_num(), 7);
        assert_eq!(plain.0.get_variant(), uuid::Variant::RFC4122);
        let named = EventPk::named(created, &[7; 32]);
        assert_eq!(named.0.get_version_num(), 8);
        assert!(named.is_named() && !plain.is_named());
        assert!(EventPk::first_at(created) <= plain);
    }

    #[test]
    fn orders_by_time() {
        let earlier: Timestamp = "2023-02-15T15:33:42.771Z".parse().unwrap();
        let later: Timestamp = "2023-02-15T15:33:42.772Z".parse().unwrap();
        assert!(EventPk::unnamed(earlier, u128::MAX) < EventPk::unnamed(later, 0));
    }
}
