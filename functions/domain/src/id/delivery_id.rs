//! A delivery's id, which is the same on every attempt.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::EventPk;
use super::hex::from_hex;
use crate::trace::TraceParent;

/// `<event pk>_<20 hex digits>`. The digits are a hash over rule, transport and recipient: the same four always give
/// the same id, and the id leads to the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeliveryId {
    event: EventPk,
    rest: [u8; 10],
}

/// The text is not a delivery id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a delivery id; one looks like 018650dd-2c93-7f1e-8afe-ad5af90bf680_00112233445566778899")]
pub struct DeliveryIdError;

impl DeliveryId {
    /// The id of the delivery of this event, for this rule, by this transport, to the recipient of this
    /// [label](crate::person::Person::label).
    pub fn for_recipient(event: EventPk, rule: &str, transport: &str, recipient: &str) -> Self {
        Self::from_parts(event, &[rule, transport, recipient])
    }

    /// The id of the delivery to an additional address of that recipient.
    pub fn for_additional_address(event: EventPk, rule: &str, transport: &str, recipient: &str, address: &str) -> Self {
        Self::from_parts(event, &[rule, transport, recipient, &crate::person::fold(address)])
    }

    fn from_parts(event: EventPk, parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // Lengths first: no two different lists may read the same.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut rest = [0; 10];
        rest.copy_from_slice(&hash.finalize()[..10]);
        Self { event, rest }
    }

    /// The event that the delivery notifies of.
    pub fn event(&self) -> EventPk {
        self.event
    }

    /// The span of `trace` that all attempts of the delivery share.
    pub fn span_in(self, trace: TraceParent) -> TraceParent {
        trace.child(self.rest.iter().fold(0, |number, byte| number << 8 | u128::from(*byte)))
    }

    /// The 26 bytes, which sort by event first.
    pub fn to_bytes(self) -> [u8; 26] {
        let mut bytes = [0; 26];
        bytes[..16].copy_from_slice(self.event.as_bytes());
        bytes[16..].copy_from_slice(&self.rest);
        bytes
    }

    /// The id of these 26 bytes.
    pub fn from_bytes(bytes: [u8; 26]) -> Self {
        let (mut event, mut rest) = ([0; 16], [0; 10]);
        event.copy_from_slice(&bytes[..16]);
        rest.copy_from_slice(&bytes[16..]);
        Self { event: EventPk::from_bytes(event), rest }
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}_", self.event)?;
        self.rest.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl FromStr for DeliveryId {
    type Err = DeliveryIdError;
    fn from_str(text: &str) -> Result<Self, DeliveryIdError> {
        let (event, digits) = text.split_once('_').ok_or(DeliveryIdError)?;
        let rest = from_hex(digits).ok_or(DeliveryIdError)?;
        Ok(Self { event: event.parse().map_err(|_| DeliveryIdError)?, rest })
    }
}

impl TryFrom<String> for DeliveryId {
    type Error = DeliveryIdError;
    fn try_from(text: String) -> Result<Self, DeliveryIdError> {
        text.parse()
    }
}

impl From<DeliveryId> for String {
    fn from(id: DeliveryId) -> Self {
        id.to_string()
    }
}
