//! The cost of each operation, recorded from the real functions on the real adapters: requests, units by the kind of
//! partition, and processor time.
//!
//! `recorded.json` holds the counts, and `processor.json` the processor times of an optimised build. The test
//! `recorded` compares the counts with what the functions do now, so a change that costs more or less changes the file,
//! and with it the tables that `simulation` makes.

pub mod cost;
mod detect;
mod operation;
mod operations;
pub mod recorder;
mod runs;
pub mod stack;
mod units;

pub use operation::Operation;
pub use operations::{BATCH, Operations};
pub use runs::{log_if_asked, record};

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use cost::Cost;

/// What was recorded.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Recorded {
    /// What one operation of each kind costs.
    pub costs: BTreeMap<Operation, Cost>,
    /// The number of events that the pages and the job were recorded with.
    pub events: f64,
    /// The mean size of an event's item, in bytes.
    pub item_bytes: f64,
    /// Bytes that the functions log for a request of 25 events and its message with one webhook, by log level.
    pub log_bytes: BTreeMap<String, f64>,
}

/// The processor times of operations, in milliseconds of a processor of the machine that recorded them.
pub type ProcessorTimes = BTreeMap<Operation, f64>;

/// The largest difference that is no change, as a share: keys and times are random, and compress differently.
const TOLERANCE: f64 = 0.1;

/// The same as an amount: a list of many items may need a request more.
const ROUNDING: f64 = 0.02;

impl Recorded {
    /// The recording that the repository has.
    pub fn stored() -> Self {
        let text = std::fs::read_to_string(Self::path()).expect("the recording is part of the repository");
        serde_json::from_str(&text).expect("the recording can be read")
    }

    /// Where the repository has it.
    pub fn path() -> PathBuf {
        folder().join("recorded.json")
    }

    /// The cost of one operation.
    pub fn cost(&self, operation: Operation) -> &Cost {
        &self.costs[&operation]
    }

    /// The differences from `other` that are more than chance, one per line. Empty if there is none.
    pub fn differences(&self, other: &Self) -> String {
        let mut text = String::new();
        for (operation, cost) in &self.costs {
            let theirs = other.costs.get(operation).cloned().unwrap_or_default().amounts();
            let mut amounts = theirs.clone();
            amounts.extend(cost.amounts());
            for name in amounts.keys() {
                let [ours, theirs] = [cost.amounts(), theirs.clone()].map(|all| all.get(name).copied().unwrap_or(0.0));
                compare(&mut text, &format!("{operation:?}: {name}"), ours, theirs);
            }
        }
        compare(&mut text, "bytes of an event's item", self.item_bytes, other.item_bytes);
        for (level, bytes) in &self.log_bytes {
            let theirs = other.log_bytes.get(level).copied().unwrap_or(0.0);
            compare(&mut text, &format!("bytes logged at {level}"), *bytes, theirs);
        }
        text
    }
}

fn compare(text: &mut String, name: &str, ours: f64, theirs: f64) {
    let difference = (ours - theirs).abs();
    if difference > ROUNDING + TOLERANCE * theirs {
        let _ = writeln!(text, "{name}: {ours} now, {theirs} recorded");
    }
}

/// The stored processor times.
pub fn processor_times() -> ProcessorTimes {
    let text = std::fs::read_to_string(processor_path()).expect("the processor times are part of the repository");
    serde_json::from_str(&text).expect("the processor times can be read")
}

/// Where the repository has the processor times.
pub fn processor_path() -> PathBuf {
    folder().join("processor.json")
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("support/recording")
}
