//! Sets aside bodies that use up their time or memory again and again.
//!
//! A body that never ends takes a worker for a tenth of a second each time, so that a few events a second that reach it
//! would hold up every other expression for minutes. After [`FAILURES`] such runs in a row a body is set aside: it raises
//! what it raised, without being run, for a second at first and twice as long each time up to a minute. Then one run tries
//! it again; a run that ends by itself, even by raising, makes it an ordinary body again. Such trials take turns, so that
//! many bodies that are set aside take one worker at most. This is a circuit breaker, one for each body.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::expression::{Evaluation, RaisedException};

/// Runs in a row that used up their bounds, after which a body is set aside.
const FAILURES: u32 = 3;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);

/// More bodies than these are not remembered: rules documents that are tried out bring their own.
const MOST_BODIES: usize = 4096;

/// What is known of the bodies that used up their bounds lately.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    bodies: Mutex<HashMap<String, Failing>>,
    trial: AtomicBool,
}

#[derive(Debug, Clone)]
struct Failing {
    /// In a row.
    failures: u32,
    raised: RaisedException,
    until: Instant,
}

/// What a body raises without being run.
#[derive(Debug)]
pub(super) struct SetAside {
    kind: String,
    why: String,
}

impl From<SetAside> for Evaluation {
    fn from(SetAside { kind, why }: SetAside) -> Self {
        Self::raised(&kind, why)
    }
}

/// The right to run a body. The one trial of a body that is set aside is over when it is dropped.
#[derive(Debug)]
pub(super) struct Admitted<'a> {
    breaker: &'a Breaker,
    is_trial: bool,
}

impl Breaker {
    /// Lets a body be run.
    ///
    /// # Errors
    /// What it raises instead while it is set aside.
    pub(super) fn admit(&self, source: &str, now: Instant) -> Result<Admitted<'_>, SetAside> {
        let failing = self.bodies().get(source).filter(|failing| failing.failures >= FAILURES).cloned();
        let Some(Failing { raised, until, .. }) = failing else {
            return Ok(Admitted { breaker: self, is_trial: false });
        };
        if now >= until && !self.trial.swap(true, Ordering::Acquire) {
            return Ok(Admitted { breaker: self, is_trial: true });
        }
        let why = format!("{}, {FAILURES} times in a row; it is set aside for a while", raised.message);
        Err(SetAside { kind: raised.kind, why })
    }

    /// Takes note of how a run ended.
    pub(super) fn ended(&self, source: &str, evaluation: &Evaluation, now: Instant) {
        let mut bodies = self.bodies();
        let Some(raised) = evaluation.outcome.as_ref().err().filter(|raised| raised.is_of_bounds()) else {
            bodies.remove(source);
            return;
        };
        if bodies.len() >= MOST_BODIES && !bodies.contains_key(source) {
            bodies.clear();
        }
        let fresh = || Failing { failures: 0, raised: raised.clone(), until: now };
        let failing = bodies.entry(source.to_owned()).or_insert_with(fresh);
        failing.failures = failing.failures.saturating_add(1);
        let doublings = failing.failures.saturating_sub(FAILURES).min(16);
        failing.until = now + FIRST.saturating_mul(1 << doublings).min(LONGEST);
    }

    fn bodies(&self) -> MutexGuard<'_, HashMap<String, Failing>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if self.is_trial {
            self.breaker.trial.store(false, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn late() -> Evaluation {
        Evaluation::raised("TimeoutError", "too long")
    }

    /// Runs a body that ends so; whether it was run.
    fn run(breaker: &Breaker, source: &str, end: &Evaluation, now: Instant) -> bool {
        let admitted = breaker.admit(source, now);
        if admitted.is_ok() {
            breaker.ended(source, end, now);
        }
        admitted.is_ok()
    }

    #[test]
    fn a_body_that_uses_up_its_bounds_is_run_ever_less_often() {
        let (breaker, start) = (Breaker::default(), Instant::now());
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
            ("TimeoutError", "too long, 3 times in a row; it is set aside for a while")
        );
    }

    #[test]
    fn one_run_that_ends_by_itself_makes_it_an_ordinary_body() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..3 {
            assert!(run(&breaker, "body", &late(), start));
        }
        assert!(!run(&breaker, "body", &late(), start));
        let later = start + FIRST;
        assert!(run(&breaker, "body", &Evaluation::raised("KeyError", "of its own"), later));
        for _ in 0..3 {
            assert!(run(&breaker, "body", &late(), later));
        }
    }

    #[test]
    fn others_are_not_held_up_and_trials_take_turns() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for source in ["one", "two"] {
            (0..3).for_each(|_| assert!(run(&breaker, source, &late(), start)));
        }
        assert!(run(&breaker, "three", &late(), start));
        let later = start + FIRST;
        let trial = breaker.admit("one", later).unwrap();
        assert!(breaker.admit("two", later).is_err(), "while another is tried");
        assert!(breaker.admit("three", later).is_ok());
        drop(trial);
        assert!(breaker.admit("two", later).is_ok());
    }
}
