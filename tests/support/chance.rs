//! Random numbers: repeatable ones for test data, real ones for names that must be unique.

use std::sync::Mutex;

use domain::ports::Entropy;
use host::OsEntropy;

/// A random number generator that gives the same numbers for the same seed.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn bits(&self) -> u128 {
        let mut state = self.0.lock().unwrap();
        u128::from(split_mix(&mut state)) << 64 | u128::from(split_mix(&mut state))
    }
}

/// `SplitMix64`: each state gives a different number, and neighbours look unrelated.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// 128 random bits: no two tests, and no two runs, get the same.
pub fn random_bits() -> u128 {
    OsEntropy.bits()
}

/// A name that no other test has.
pub fn unique(start: &str) -> String {
    format!("{start}-{:016x}", random_bits() >> 64)
}
