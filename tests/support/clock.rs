//! A clock that shows the same time until it is set.

use std::sync::Mutex;

use domain::Timestamp;
use domain::ports::Clock;
use jiff::SignedDuration;

/// A clock that shows the time it was set to.
#[derive(Debug)]
pub struct FakeClock(Mutex<Timestamp>);

impl FakeClock {
    /// Set to this RFC 3339 instant.
    pub fn at(instant: &str) -> Self {
        Self(Mutex::new(instant.parse().expect("an RFC 3339 instant")))
    }

    /// Sets the time.
    pub fn set(&self, instant: Timestamp) {
        *self.0.lock().unwrap() = instant;
    }

    /// Advances the clock, and returns the new time.
    pub fn advance(&self, duration: SignedDuration) -> Timestamp {
        let mut instant = self.0.lock().unwrap();
        *instant = domain::time::later(*instant, duration);
        *instant
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}
