//! The machine that the process runs on: the only crate that reads the clock, random numbers and the environment, and
//! writes the log. All other code gets these as arguments or through ports.

mod embedded_metrics;
mod environment;
pub mod log;
mod stderr;
mod timestamp;

pub use embedded_metrics::Emitter;
pub use environment::{EnvironmentSecrets, environment};

use domain::ports::{Clock, Entropy};
use jiff::Timestamp;

/// The clock of the operating system. Only tests use another one.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock's adapter")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The system's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn bits(&self) -> u128 {
        let mut bytes = [0; 16];
        // Without random numbers, events would get equal pks and overwrite each other: better to stop.
        #[expect(clippy::expect_used, reason = "a system without random numbers cannot run anything")]
        getrandom::fill(&mut bytes).expect("the system has random numbers");
        u128::from_ne_bytes(bytes)
    }
}
