//! DynamoDB's partitions: ranges of hashed keys with a limit each, of which those that stay close to it are split.
//!
//! Records of one partition key whose sort key grows with time stay together: DynamoDB cannot usefully split them,
//! because all new ones sort last. Two such keys in one range part when the range is split.

use std::collections::BTreeMap;

use super::limits::{HOT, NEW_TABLE_PARTITIONS, PARTITION_WRITES, SPLIT_AFTER, TABLE_WRITES};

/// A table, or an index, of which only the keys that are written at the time matter.
#[derive(Debug)]
pub(crate) struct PartitionedTable {
    /// Where each range begins, and for how many seconds it has been close to its limit.
    ranges: BTreeMap<u64, f64>,
    /// The ranges of the keys of earlier seconds, as long as they do not change.
    layouts: Vec<Layout>,
    seed: u64,
}

/// The keys of one call, and the range of each, by range.
#[derive(Debug, Clone)]
struct Layout {
    keys: Vec<PartitionKey>,
    places: Vec<(u64, usize)>,
}

/// What one second asks of a partition key, in write units, and what of it was done.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyLoad {
    pub(crate) key: PartitionKey,
    pub(crate) asked: f64,
    pub(crate) done: f64,
}

/// The kind of records, the day and the shard of a partition key.
pub(crate) type PartitionKey = (char, usize, usize);

impl PartitionedTable {
    /// A table whose ranges were split at `splits` further places before.
    pub(crate) fn new(seed: u64, splits: usize) -> Self {
        let step = u64::MAX / NEW_TABLE_PARTITIONS as u64;
        let mut ranges: BTreeMap<u64, f64> = (0..NEW_TABLE_PARTITIONS as u64).map(|n| (n * step, 0.0)).collect();
        ranges.extend((0..splits).map(|n| (hash(seed, ('-', n, 0)), 0.0)));
        Self { ranges, layouts: Vec::new(), seed }
    }

    /// Writes for one second. Each partition does what it can, in proportion to what is asked of it.
    pub(crate) fn write(&mut self, loads: &mut [KeyLoad]) {
        let layout = self.layout(loads);
        for members in layout.places.chunk_by(|one, other| one.0 == other.0) {
            let asked: f64 = members.iter().map(|(_, index)| loads[*index].asked).sum();
            let share = (PARTITION_WRITES / asked.max(f64::MIN_POSITIVE)).min(1.0);
            for (_, index) in members {
                loads[*index].done = loads[*index].asked * share;
            }
            self.heat(asked, members, loads);
        }
        let all: f64 = loads.iter().map(|load| load.done).sum();
        let share = (TABLE_WRITES / all.max(f64::MIN_POSITIVE)).min(1.0);
        for load in loads {
            load.done *= share;
        }
    }

    fn layout(&mut self, loads: &[KeyLoad]) -> Layout {
        let is_known = |layout: &&Layout| layout.keys.iter().eq(loads.iter().map(|load| &load.key));
        if let Some(known) = self.layouts.iter().find(is_known) {
            return known.clone();
        }
        let range = |hash: u64| self.ranges.range(..=hash).next_back().map_or(0, |(start, _)| *start);
        let places = loads.iter().enumerate().map(|(index, load)| (range(hash(self.seed, load.key)), index));
        let mut layout = Layout { keys: loads.iter().map(|load| load.key).collect(), places: places.collect() };
        layout.places.sort_unstable();
        self.layouts.push(layout.clone());
        layout
    }

    /// Splits the range between its two halves of keys if it has been close to its limit for long enough.
    fn heat(&mut self, asked: f64, members: &[(u64, usize)], loads: &[KeyLoad]) {
        let seconds = self.ranges.entry(members[0].0).or_default();
        *seconds = if asked >= HOT * PARTITION_WRITES { *seconds + 1.0 } else { (*seconds - 1.0).max(0.0) };
        if *seconds < SPLIT_AFTER {
            return;
        }
        *seconds = 0.0;
        let mut hashes: Vec<u64> = members.iter().map(|(_, index)| hash(self.seed, loads[*index].key)).collect();
        hashes.sort_unstable();
        if hashes.len() > 1 {
            self.ranges.insert(hashes[hashes.len() / 2], 0.0);
            self.layouts.clear();
        }
    }
}

/// The place of a key. DynamoDB's hash is not known; this one spreads keys as well.
fn hash(seed: u64, (kind, day, shard): PartitionKey) -> u64 {
    let mut state = seed;
    for part in [u64::from(kind), day as u64, shard as u64] {
        state = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
    }
    state
}
