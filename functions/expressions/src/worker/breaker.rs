//! A circuit breaker per body, for bodies that repeatedly exceed their time or memory limit.
//!
//! A body that never ends occupies a worker for a tenth of a second per run, so that a few events per second could
//! block all other expressions. After [`MAX_FAILURES`] such runs in a row, the circuit opens: the body is not run but
//! raises its last exception, for one second at first, and twice as long after each further failure, up to one minute.
//! Then one probe runs the body. If it stays within its limits, even if it raises, the circuit closes. Only one probe
//! runs at a time, so that many failing bodies together occupy at most one worker.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::expression::{Evaluation, RaisedException};

/// The number of consecutive runs beyond the limits that opens the circuit.
const MAX_FAILURES: u32 = 3;

/// How long the circuit is open at first.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest time that the circuit is open before the next probe.
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// The maximum number of failing bodies that are remembered. Dry runs bring bodies of their own.
const MAX_BODIES: usize = 4096;

/// The circuit breakers of all bodies.
#[derive(Debug, Default)]
pub(super) struct ExpressionBreaker {
    /// By source text; a body without an entry has a closed circuit.
    bodies: Mutex<HashMap<String, FailingBody>>,
    /// Whether a probe is running.
    probing: AtomicBool,
}

/// A body that has exceeded its limits.
#[derive(Debug, Clone)]
struct FailingBody {
    /// The number of consecutive failures.
    failures: u32,
    /// The exception of the first of these failures. While the circuit is open, each run raises one of the same kind.
    raised: RaisedException,
    /// When the next probe may run.
    until: Instant,
}

/// The exception of a body whose circuit is open.
#[derive(Debug)]
pub(super) struct OpenCircuit {
    kind: String,
    why: String,
}

impl From<OpenCircuit> for Evaluation {
    fn from(OpenCircuit { kind, why }: OpenCircuit) -> Self {
        Self::raised(&kind, why)
    }
}

/// The permission to run a body. If the run is a probe, dropping the permit ends it.
#[derive(Debug)]
pub(super) struct RunPermit<'a> {
    breaker: &'a ExpressionBreaker,
    is_probe: bool,
}

impl ExpressionBreaker {
    /// Permits a run of the body.
    ///
    /// # Errors
    /// The exception that the body raises instead, if its circuit is open.
    pub(super) fn admit(&self, source: &str, now: Instant) -> Result<RunPermit<'_>, OpenCircuit> {
        let failing = self.bodies().get(source).filter(|failing| failing.failures >= MAX_FAILURES).cloned();
        let Some(FailingBody { raised, until, .. }) = failing else {
            return Ok(RunPermit { breaker: self, is_probe: false });
        };
        if now >= until && !self.probing.swap(true, Ordering::Acquire) {
            return Ok(RunPermit { breaker: self, is_probe: true });
        }
        let why = format!("{}, {MAX_FAILURES} times in a row; it is not run for a while", raised.message);
        Err(OpenCircuit { kind: raised.kind, why })
    }

    /// Records the result of a run.
    pub(super) fn record(&self, source: &str, evaluation: &Evaluation, now: Instant) {
        let mut bodies = self.bodies();
        let Some(raised) = evaluation.outcome.as_ref().err().filter(|raised| raised.is_of_bounds()) else {
            bodies.remove(source);
            return;
        };
        if bodies.len() >= MAX_BODIES && !bodies.contains_key(source) {
            bodies.clear();
        }
        let new = || FailingBody { failures: 0, raised: raised.clone(), until: now };
        let failing = bodies.entry(source.to_owned()).or_insert_with(new);
        failing.failures = failing.failures.saturating_add(1);
        let doublings = failing.failures.saturating_sub(MAX_FAILURES).min(16);
        failing.until = now + FIRST_PAUSE.saturating_mul(1 << doublings).min(MAX_PAUSE);
    }

    fn bodies(&self) -> MutexGuard<'_, HashMap<String, FailingBody>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RunPermit<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.breaker.probing.store(false, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn late() -> Evaluation {
        Evaluation::raised("TimeoutError", "too long")
    }

    /// Runs a body with this result, if it is permitted. Returns whether it ran.
    fn run(breaker: &ExpressionBreaker, source: &str, end: &Evaluation, now: Instant) -> bool {
        let admitted = breaker.admit(source, now);
        if admitted.is_ok() {
            breaker.record(source, end, now);
        }
        admitted.is_ok()
    }

    #[test]
    fn a_body_beyond_its_limits_is_run_less_and_less_often() {
        let (breaker, start) = (ExpressionBreaker::default(), Instant::now());
        let mut runs = Vec::new();
        for tenths in 0..3000 {
            let now = start + Duration::from_millis(100 * tenths);
            if run(&breaker, "while True: pass", &late(), now) {
                runs.push(tenths);
            }
        }
        assert_eq!(runs, [0, 1, 2, 12, 32, 72, 152, 312, 632, 1232, 1832, 2432], "then once a minute");
        let refused = Evaluation::from(breaker.admit("while True: pass", start).unwrap_err()).outcome.unwrap_err();
        assert_eq!(
            (refused.kind.as_str(), refused.message.as_str()),
            ("TimeoutError", "too long, 3 times in a row; it is not run for a while")
        );
    }

    #[test]
    fn one_run_within_the_limits_closes_the_circuit() {
        let (breaker, start) = (ExpressionBreaker::default(), Instant::now());
        for _ in 0..3 {
            assert!(run(&breaker, "body", &late(), start));
        }
        assert!(!run(&breaker, "body", &late(), start));
        let later = start + FIRST_PAUSE;
        assert!(run(&breaker, "body", &Evaluation::raised("KeyError", "its own exception"), later));
        for _ in 0..3 {
            assert!(run(&breaker, "body", &late(), later));
        }
    }

    #[test]
    fn other_bodies_run_and_only_one_probe_runs_at_a_time() {
        let (breaker, start) = (ExpressionBreaker::default(), Instant::now());
        for source in ["one", "two"] {
            (0..3).for_each(|_| assert!(run(&breaker, source, &late(), start)));
        }
        assert!(run(&breaker, "three", &late(), start));
        let later = start + FIRST_PAUSE;
        let probe = breaker.admit("one", later).unwrap();
        assert!(breaker.admit("two", later).is_err(), "while another probe runs");
        assert!(breaker.admit("three", later).is_ok());
        drop(probe);
        assert!(breaker.admit("two", later).is_ok());
    }
}
