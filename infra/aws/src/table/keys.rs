//! The keys of all items in the table. The keys of events and deliveries follow from an event's pk: finding one needs
//! no index, and writing it twice writes the same item.
//!
//! | what | `pk` | `sk` |
//! |---|---|---|
//! | event | `E#<yyyymmdd>#<shard>` | event pk |
//! | ledger entry | `D#<yyyymmdd>#<shard>`, by the event's pk | delivery id |
//! | marker of a day that has events or ledger entries, with its number of shards | `DAYS` | `E#<yyyymmdd>`, `D#<yyyymmdd>` |
//! | marker of an hour in which events expire, by the hour in which they happened | `EXPIRIES` | both, in seconds |
//! | inbox item | `N#<folded username>`, or `L#<hash>` if that would be too long | the item's pk |
//! | token | `TOKENS` | its hash |
//! | session of a browser | `B#<hash>` | `B` |
//! | first pk of an event that may be posted again | `I#<hash>` | `I` |
//! | group of a detection | `K#<detection>#<first digit of the group>` | the group's hash |
//! | state of storm control, and the parts of a large throttle's log | `S#<key>` | `S`, hash of the part |
//! | events collected for a digest, and the mark that the digest is closed | `G#<delivery id>` | hash of the events, `closed` |
//! | silence | `SILENCES` | its id |
//! | count of events of one hour and action | `V#<yyyymmdd>` | `<hh>#<action>` |
//! | time up to which hours are counted, and how far the next one is | `V` | `V` |
//! | mark of an hour for which an event came late, and how far it is counted again | `LATE` | the start of the hour, in seconds |
//! | hold | `HOLDS` | its id |
//! | operator's job | `JOBS` | the job's id |
//! | rules document | `C` | `<version>#<chunk>` |
//! | number of shards with which the table was begun | `SHARDS` | `SHARDS` |
//! | entry of an event in the index by user, address or action | `U#`, `A#` or `O#`, then `<hash>#<yyyymm>#<shard>` | the event's pk |
//! | time from which on each index has every event | `INDEXES` | `INDEXES` |
//! | state of an endpoint that has failed before | `H` | its transport |

use domain::EventPk;
use domain::Timestamp;
use domain::delivery::DeliveryId;
use domain::detection::{DetectionId, GroupId};
use domain::person::fold;
use domain::suppression::SuppressionKey;
use sha2::{Digest as _, Sha256};

/// The attribute that is the table's partition key.
pub(crate) const PK: &str = "pk";
/// The attribute that is the table's sort key.
pub(crate) const SK: &str = "sk";
/// The time from which DynamoDB may delete the item, in whole seconds since the epoch.
pub(crate) const TTL: &str = "ttl";
/// The record's revision, for conditional writes.
pub(crate) const REVISION: &str = "rev";
/// The record: versioned JSON, compressed.
pub(crate) const BODY: &str = "body";
/// The sparse index over ledger entries that wait for another attempt or are dead.
pub(crate) const DUE_INDEX: &str = "due";
/// The partition key of [`DUE_INDEX`]: `R#<shard>` (retrying), `X#<shard>` (dead), or [`GROUPS_DUE`].
pub(crate) const DUE_PARTITION: &str = "due_p";
/// The sort key of [`DUE_INDEX`]: the time of the next attempt, or a dead entry's id.
pub(crate) const DUE_AT: &str = "due_at";

/// Partition of the day markers.
pub(crate) const DAYS: &str = "DAYS";
/// Partition of the expiry markers.
pub(crate) const EXPIRIES: &str = "EXPIRIES";
/// Partition of the tokens.
pub(crate) const TOKENS: &str = "TOKENS";
/// The attribute of a token with the time of its last use, in microseconds since the epoch.
pub(crate) const USED: &str = "used";
/// Partition of the silences.
pub(crate) const SILENCES: &str = "SILENCES";
/// Partition of the holds.
pub(crate) const HOLDS: &str = "HOLDS";
/// Partition of the operators' jobs.
pub(crate) const JOBS: &str = "JOBS";
/// Partition of the endpoint states.
pub(crate) const ENDPOINTS: &str = "H";
/// Partition of the marks of hours to be counted again.
pub(crate) const LATE: &str = "LATE";
/// Partition of the groups whose absence of events is to be reported, in [`DUE_INDEX`].
pub(crate) const GROUPS_DUE: &str = "K";
/// Partition of the rules documents.
pub(crate) const DOCUMENTS: &str = "C";

/// DynamoDB's limits of the keys, in bytes.
const MAX_PARTITION_KEY: usize = 2048;
const MAX_SORT_KEY: usize = 1024;

/// Sort before and after every id: ids begin with a hexadecimal digit.
pub(crate) const FIRST: &str = "0";
pub(crate) const LAST: &str = "~";

/// The kinds of records that are partitioned by day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RecordKind {
    Events,
    Deliveries,
}

impl RecordKind {
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Events => 'E',
            Self::Deliveries => 'D',
        }
    }

    /// The sort key of a day's marker.
    pub(crate) fn marker(self, day: &str) -> String {
        format!("{}#{day}", self.letter())
    }

    pub(crate) fn partition(self, day: &str, shard: u16) -> String {
        format!("{}#{day}#{shard}", self.letter())
    }
}

/// The UTC day of the time as `yyyymmdd`, such as `20260131`.
pub(crate) fn day(instant: Timestamp) -> String {
    instant.strftime("%Y%m%d").to_string()
}

/// The shard of an event within its day. The pk's last bytes are random or a hash, so shards fill evenly.
pub(crate) fn shard(event: EventPk, shards: u16) -> u16 {
    let bytes = event.as_bytes();
    let tail = u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
    u16::try_from(tail % u32::from(shards.max(1))).unwrap_or(0)
}

/// Partition and sort key of the number of shards with which the table was begun.
pub(crate) fn shards() -> (String, String) {
    ("SHARDS".to_owned(), "SHARDS".to_owned())
}

/// The partitions of a detection's groups.
pub(crate) fn group_partitions(detection: DetectionId) -> [String; 16] {
    std::array::from_fn(|digit| format!("K#{detection}#{digit:x}"))
}

/// Partition and sort key of a group. The first digit of its hash spreads the groups of one detection.
pub(crate) fn group(id: GroupId) -> (String, String) {
    let text = id.to_string();
    let (detection, group) = text.split_at(24);
    (format!("K#{detection}#{}", &group[..1]), group.to_owned())
}

/// The group of these keys.
pub(crate) fn group_id(partition: &str, sort: &str) -> Option<GroupId> {
    let (detection, _) = partition.strip_prefix("K#")?.split_once('#')?;
    format!("{detection}{sort}").parse().ok()
}

/// Partition and sort key of the times from which on the indexes have every event.
pub(crate) fn indexes() -> (String, String) {
    ("INDEXES".to_owned(), "INDEXES".to_owned())
}

/// Partition and sort key of a remembered name.
pub(crate) fn name(hash: &[u8; 32]) -> (String, String) {
    (format!("I#{}", domain::access::token::TokenHash(*hash).to_hex()), "I".to_owned())
}

/// Partition and sort key of a throttle or digest record.
pub(crate) fn suppression(id: SuppressionKey) -> (String, String) {
    (format!("S#{id}"), "S".to_owned())
}

/// Partition of a day's counts.
pub(crate) fn counts(hour: Timestamp) -> String {
    format!("V#{}", day(hour))
}

/// Partition and sort key of one count.
pub(crate) fn count(hour: Timestamp, action: &str) -> (String, String) {
    (counts(hour), format!("{}#{action}", hour.strftime("%H")))
}

/// Partition and sort key of the time up to which hours are counted.
pub(crate) fn counted() -> (String, String) {
    ("V".to_owned(), "V".to_owned())
}

/// Partition and sort key of events collected for a digest.
pub(crate) fn collected(carrier: DeliveryId, hash: &[u8; 32]) -> (String, String) {
    (format!("G#{carrier}"), domain::access::token::TokenHash(*hash).to_hex())
}

/// Partition and sort key of the mark that a digest is closed.
pub(crate) fn closed(carrier: DeliveryId) -> (String, String) {
    (format!("G#{carrier}"), "closed".to_owned())
}

/// Partition of the inbox of a username that is folded already. A username is whatever an event says: if it would make
/// a key that is too long, its hash stands for it.
pub(crate) fn inbox(folded: &str) -> String {
    let partition = format!("N#{folded}");
    if partition.len() <= MAX_PARTITION_KEY {
        return partition;
    }
    let hash: [u8; 32] = Sha256::digest(folded).into();
    format!("L#{}", domain::access::token::TokenHash(hash).to_hex())
}

/// Whether an item may have this key. Callers choose some ids and cursors, and DynamoDB answers longer ones with an
/// error.
pub(crate) fn is_possible((partition, sort): &(String, String)) -> bool {
    let fits = |key: &str, longest: usize| !key.is_empty() && key.len() <= longest;
    fits(partition, MAX_PARTITION_KEY) && fits(sort, MAX_SORT_KEY)
}

/// Partitions in which items of a username are: the one of its folded form, and the one that 0.1.0 wrote to.
pub(crate) fn inboxes(username: &str) -> Vec<String> {
    let mut partitions = vec![inbox(&fold(username)), inbox(username)];
    partitions.dedup();
    partitions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_follows_from_the_pk() {
        let pk: EventPk = "018650dd-2c93-7f1e-8afe-ad5af90bf683".parse().unwrap();
        for (kind, partition) in [(RecordKind::Events, "E#20230214#3"), (RecordKind::Deliveries, "D#20230214#3")] {
            assert_eq!(kind.partition(&day(pk.instant()), shard(pk, 4)), partition);
        }
        let sort = DeliveryId::for_recipient(pk, "rule", "transport", "ann").to_string();
        assert!(sort.starts_with(&format!("{pk}_")));
        assert!(*FIRST < *sort && *sort < *LAST);
    }

    #[test]
    fn an_inbox_has_a_possible_key_whatever_the_username() {
        let key = |username: &str| inboxes(username).remove(0);
        assert_eq!(key("Ann"), "N#ann");
        // Folded, this letter is three bytes longer.
        for username in ["", "a", &"a".repeat(2046), &"a".repeat(2047), &"\u{390}".repeat(1000), &"a".repeat(200_000)] {
            assert!(is_possible(&(key(username), FIRST.to_owned())), "{}", username.len());
        }
        assert!(key(&"a".repeat(2046)).starts_with("N#") && key(&"a".repeat(2047)).starts_with("L#"));
        assert_ne!(key(&"a".repeat(3000)), key(&"a".repeat(3001)));
        assert_eq!(key(&"A".repeat(3000)), key(&"a".repeat(3000)));
        let sort = |length| is_possible(&("C".to_owned(), "x".repeat(length)));
        assert_eq!([0, 1, 1024, 1025].map(sort), [false, true, true, false]);
    }

    #[test]
    fn shards_fill_evenly() {
        let mut filled = [0_u32; 4];
        for n in 0..4000_u128 {
            let random = n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            filled[usize::from(shard(EventPk::unnamed(Timestamp::UNIX_EPOCH, random), 4))] += 1;
        }
        assert!(filled.iter().all(|count| (900..1100).contains(count)), "{filled:?}");
    }
}
