//! The members of a group as they are kept: when, which event, and its distinct value.
//!
//! Owns the packed form: base64 of 20 bytes a member, 28 with a value, so that about 28 members fit into one kibibyte.

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use jiff::Timestamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::EventPk;

/// The place of an event in the order of its group: by time, then by pk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventPosition {
    /// The time that counts, in microseconds since the epoch.
    pub at: i64,
    /// The pk of the event.
    pub pk: EventPk,
}

impl EventPosition {
    /// The time that counts.
    pub fn instant(self) -> Timestamp {
        Timestamp::from_microsecond(self.at).unwrap_or(Timestamp::MAX)
    }
}

/// One event in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// Where it stands in the group.
    pub position: EventPosition,
    /// The hash of the value that is counted once; `None` where events are counted, and for an event without a value.
    pub value: Option<u64>,
}

/// Members in order, packed when they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Members(pub(super) Vec<Member>);

const BYTES: usize = 20;
const BYTES_WITH_VALUE: usize = 29;

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let with_values = self.0.iter().any(|member| member.value.is_some());
        let mut bytes = vec![u8::from(with_values)];
        for member in &self.0 {
            let EventPosition { at, pk } = member.position;
            bytes.extend(pk.as_bytes());
            // The pk has the time to the millisecond. The rest is small, unless the sender's clock was ahead.
            let rest = at.saturating_sub(pk.instant().as_microsecond());
            let rest = i32::try_from(rest).map_err(|_| serde::ser::Error::custom("a member's time is not its pk's"))?;
            bytes.extend(rest.to_be_bytes());
            if with_values {
                bytes.push(u8::from(member.value.is_some()));
                bytes.extend(member.value.unwrap_or_default().to_be_bytes());
            }
        }
        serializer.serialize_str(&BASE64_STANDARD_NO_PAD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64_STANDARD_NO_PAD.decode(text).map_err(D::Error::custom)?;
        let (with_values, packed) = match bytes.split_first() {
            None => return Ok(Self::default()),
            Some((flag, packed)) => (*flag != 0, packed),
        };
        let length = if with_values { BYTES_WITH_VALUE } else { BYTES };
        if packed.len() % length != 0 {
            return Err(D::Error::custom("the members of a group are cut off"));
        }
        let members = packed.chunks_exact(length).map(|bytes| {
            let (pk, rest) = bytes.split_first_chunk::<16>()?;
            let (micros, rest) = rest.split_first_chunk::<4>()?;
            let pk = EventPk::from_bytes(*pk);
            let at = pk.instant().as_microsecond().saturating_add(i32::from_be_bytes(*micros).into());
            let value = match rest.split_first() {
                Some((1, value)) => value.first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes)),
                _ => None,
            };
            Some(Member { position: EventPosition { at, pk }, value })
        });
        Ok(Self(members.flatten().collect()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn members_are_read_as_they_were_written(
            members in prop::collection::vec((0_i64..4_000_000_000_000_000, -900_000_000_i64..1000, any::<u64>(), any::<Option<u64>>()), 0..50),
        ) {
            let members = members.into_iter().map(|(at, rest, random, value)| {
                let pk = EventPk::unnamed(Timestamp::from_microsecond(at).unwrap(), random.into());
                Member { position: EventPosition { at: pk.instant().as_microsecond() + rest, pk }, value }
            });
            let members = Members(members.collect());
            let text = serde_json::to_string(&members).unwrap();
            prop_assert_eq!(serde_json::from_str::<Members>(&text).unwrap(), members);
        }
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        assert!(serde_json::from_str::<Members>("\"AAAA\"").is_err());
        assert!(serde_json::from_str::<Members>("\"?\"").is_err());
    }
}
