//! The workers that a process keeps.
//!
//! Owns when one is started and when one is let go. A body that calls a policy which is a body of its
//! own takes a second worker, so the pool never waits for itself.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::frame::{Asked, Response, Seen};
use super::process::{Process, Silence};
use super::{ARGUMENT, DEADLINE};
use crate::evaluation::{Evaluation, Policies};
use crate::expression::Expression;
use crate::scope::Scope;

/// How deep policies may call policies.
const MAX_CALL_DEPTH: u8 = 4;
/// How many policies one body may call.
const MAX_CALLS: usize = 32;

/// Workers, kept between evaluations.
#[derive(Debug)]
pub struct Workers {
    program: PathBuf,
    arguments: Vec<OsString>,
    idle: Mutex<Vec<Process>>,
    keep: usize,
}

impl Workers {
    /// Workers that are this program with these arguments, of which `keep` are kept when idle.
    pub fn new(program: impl Into<PathBuf>, arguments: Vec<OsString>, keep: usize) -> Self {
        Self { program: program.into(), arguments, idle: Mutex::default(), keep }
    }

    /// Workers that are this binary again, whose `main` calls [`hook`](super::hook).
    ///
    /// # Errors
    /// When the system does not say where the binary is.
    pub fn of_this_binary(keep: usize) -> std::io::Result<Self> {
        Ok(Self::new(std::env::current_exe()?, vec![ARGUMENT.into()], keep))
    }

    /// Runs a body in a worker. Blocks for at most [`DEADLINE`], not counting the policies that it
    /// calls and the start of a worker where none is idle.
    pub fn evaluate(&self, expression: &Expression, scope: &Scope, policies: &dyn Policies) -> Evaluation {
        if scope.depth() > MAX_CALL_DEPTH {
            return Evaluation::raised("RecursionError", "policies call policies more than four deep");
        }
        let idle = self.idle().pop();
        let reused = idle.is_some();
        let first = idle.map_or_else(|| Process::start(&self.program, &self.arguments), Ok);
        let worker = match first {
            Ok(worker) => worker,
            Err(error) => return no_worker(&error),
        };
        match self.ask(worker, expression, scope, policies) {
            Err(Silence::Gone(_)) if reused => match Process::start(&self.program, &self.arguments) {
                Ok(worker) => self.ask(worker, expression, scope, policies).unwrap_or_else(|silence| told(&silence)),
                Err(error) => no_worker(&error),
            },
            asked => asked.unwrap_or_else(|silence| told(&silence)),
        }
    }

    /// Starts a worker now, so that the next body need not wait for one.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn warm(&self) -> std::io::Result<()> {
        let worker = Process::start(&self.program, &self.arguments)?;
        self.give_back(worker);
        Ok(())
    }

    fn ask(
        &self,
        mut worker: Process,
        expression: &Expression,
        scope: &Scope,
        policies: &dyn Policies,
    ) -> Result<Evaluation, Silence> {
        let seen = Seen::of(scope, expression.asks_for_groups());
        worker.tell(&Asked::Evaluate { source: expression.source(), scope: seen })?;
        let mut deadline = Instant::now() + DEADLINE;
        let mut calls = 0;
        loop {
            match worker.hear(deadline)? {
                Response::Done { evaluation, spent } => {
                    if !spent {
                        self.give_back(worker);
                    }
                    return Ok(*evaluation);
                }
                Response::Call { name, context } => {
                    let asked = Instant::now();
                    calls += 1;
                    let called = if calls > MAX_CALLS {
                        Err(format!("calls more than {MAX_CALLS} policies"))
                    } else {
                        policies.call(&name, context)
                    };
                    deadline += asked.elapsed();
                    worker.tell(&Asked::Called(called))?;
                }
                Response::Ready => return Err(Silence::Broken),
            }
        }
    }

    fn give_back(&self, worker: Process) {
        let mut idle = self.idle();
        if idle.len() < self.keep {
            idle.push(worker);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Process>> {
        // A list of workers is whole whatever panicked beside it.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn told(silence: &Silence) -> Evaluation {
    match silence {
        Silence::Late => Evaluation::raised("TimeoutError", "ran longer than it may"),
        Silence::Died => Evaluation::raised("MemoryError", "used more memory than it may"),
        Silence::Broken => Evaluation::raised("SandboxError", "the worker broke"),
        Silence::Gone(error) => no_worker(error),
    }
}

fn no_worker(error: &std::io::Error) -> Evaluation {
    Evaluation::raised("SandboxError", format!("no worker could be started: {error}"))
}
