//! The id of one group of a detection: a hash of the detection's definition, and a hash of the group's values.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::hex::from_hex;

/// The id of a detection with its definition. A detection whose definition changes gets another id, and
/// starts without groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DetectionId([u8; 12]);

/// The id of one group of a detection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupId {
    detection: DetectionId,
    group: [u8; 20],
}

/// The text is not the id of a group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a group: it has 64 hexadecimal digits")]
pub struct GroupIdError;

impl DetectionId {
    /// The id of the detection that these texts define.
    pub fn from_definition(definition: &[&str]) -> Self {
        Self(*hash(definition).first_chunk().unwrap_or(&[0; 12]))
    }

    /// The id of these 12 bytes.
    pub fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// The 12 bytes of the id.
    pub fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }

    /// The detection's group of these values.
    pub fn group(self, values: &[&str]) -> GroupId {
        GroupId { detection: self, group: *hash(values).first_chunk().unwrap_or(&[0; 20]) }
    }
}

impl GroupId {
    /// The detection that the group belongs to.
    pub fn detection(&self) -> DetectionId {
        self.detection
    }

    /// The 20 bytes that distinguish the groups of one detection.
    pub fn group_bytes(&self) -> &[u8; 20] {
        &self.group
    }

    /// The id of these parts.
    pub fn from_parts(detection: DetectionId, group: [u8; 20]) -> Self {
        Self { detection, group }
    }
}

/// Length prefixes keep different lists apart.
fn hash(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

impl fmt::Display for DetectionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.detection)?;
        self.group.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl FromStr for GroupId {
    type Err = GroupIdError;
    fn from_str(text: &str) -> Result<Self, GroupIdError> {
        let (detection, group) = text.split_at_checked(24).ok_or(GroupIdError)?;
        let detection = from_hex(detection).map(DetectionId).ok_or(GroupIdError)?;
        Ok(Self { detection, group: from_hex(group).ok_or(GroupIdError)? })
    }
}

impl TryFrom<String> for GroupId {
    type Error = GroupIdError;
    fn try_from(text: String) -> Result<Self, GroupIdError> {
        text.parse()
    }
}

impl From<GroupId> for String {
    fn from(id: GroupId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written_and_keep_lists_apart() {
        let detection = DetectionId::from_definition(&["brute-force", "{}"]);
        let group = detection.group(&["\"192.0.2.7\""]);
        assert_eq!(group.to_string().parse(), Ok(group));
        assert_eq!(group.detection(), detection);
        assert_ne!(group, detection.group(&["\"192.0.2.\"", "7"]));
        assert_ne!(detection, DetectionId::from_definition(&["brute-force{}"]));
        for text in ["", "00", &"x".repeat(64), &"é".repeat(32), &"0".repeat(63), &"+f".repeat(32)] {
            assert!(text.parse::<GroupId>().is_err(), "{text}");
        }
    }
}
