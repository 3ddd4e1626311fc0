//! The workers that a process keeps.
//!
//! Owns when one is started and when one is let go, and how many there are at a time. A body that calls a policy which is a body of its
//! own takes a second worker, so the pool never waits for itself.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use domain::expression::{Evaluation, ExpressionScope, PolicyCaller};
use domain::ports::Expressions;

use super::breaker::Breaker;
use super::frame::{Asked, Response, Seen};
use super::process::{Process, Silence};
use super::{ARGUMENT, DEADLINE};
use crate::expression::Expression;
use crate::run::{TIMEOUT, TOO_LONG};

/// How deep policies may call policies.
const MAX_CALL_DEPTH: u8 = 4;
/// How many policies one body may call.
const MAX_CALLS: usize = 32;

/// More bodies than these are looked at anew.
const MAX_KNOWN: usize = 4096;

/// Workers, kept between evaluations.
#[derive(Debug)]
pub struct Workers {
    program: PathBuf,
    arguments: Vec<OsString>,
    idle: Mutex<Vec<Process>>,
    keep: usize,
    turns: Turns,
    breaker: Breaker,
    /// By body, whether the groups can matter to it.
    asks_for_groups: Mutex<HashMap<String, bool>>,
}

impl Workers {
    /// Workers that are this program with these arguments. `keep` bodies are run at a time, the policies
    /// that they call not counted; the others wait. So many workers are kept when idle.
    pub fn new(program: impl Into<PathBuf>, arguments: Vec<OsString>, keep: usize) -> Self {
        Self {
            program: program.into(),
            arguments,
            idle: Mutex::default(),
            keep,
            turns: Turns::new(keep.max(1)),
            breaker: Breaker::default(),
            asks_for_groups: Mutex::default(),
        }
    }

    /// Workers that are this binary again, whose `main` calls [`hook`](super::hook): as many as there
    /// are processors. None is started before there is a body to run.
    ///
    /// # Errors
    /// When the system does not say where the binary is.
    pub fn of_this_binary() -> io::Result<Self> {
        let keep = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self::new(std::env::current_exe()?, vec![ARGUMENT.into()], keep))
    }

    /// Runs a body in a worker, unless it is set aside for using up its bounds. Blocks for at most [`DEADLINE`], not
    /// counting the policies that it calls, the wait for its turn, and the start of a worker where none is idle.
    pub fn evaluate(
        &self,
        expression: &Expression,
        scope: &ExpressionScope,
        policies: &dyn PolicyCaller,
    ) -> Evaluation {
        self.run(expression.source(), expression.asks_for_groups(), scope, policies)
    }

    fn run(&self, source: &str, with_groups: bool, scope: &ExpressionScope, policies: &dyn PolicyCaller) -> Evaluation {
        if scope.depth > MAX_CALL_DEPTH {
            return Evaluation::raised("RecursionError", "policies call policies more than four deep");
        }
        // Before it waits for its turn: a body that is set aside takes nobody's place.
        let _admitted = match self.breaker.admit(source, Instant::now()) {
            Ok(admitted) => admitted,
            Err(set_aside) => return set_aside.into(),
        };
        let evaluation = self.run_now(source, with_groups, scope, policies);
        self.breaker.ended(source, &evaluation, Instant::now());
        evaluation
    }

    fn run_now(
        &self,
        source: &str,
        with_groups: bool,
        scope: &ExpressionScope,
        policies: &dyn PolicyCaller,
    ) -> Evaluation {
        // Who is called by a body that has its turn must not wait for that body.
        let _turn = (scope.depth == 0).then(|| self.turns.take());
        let seen = || Seen::of(scope, with_groups);
        let idle = self.idle().pop();
        let reused = idle.is_some();
        let first = idle.map_or_else(|| self.start(), Ok);
        let worker = match first {
            Ok(worker) => worker,
            Err(error) => return no_worker(&error),
        };
        match self.ask(worker, source, seen(), policies) {
            Err(Silence::Gone(_)) if reused => match self.start() {
                Ok(worker) => self.ask(worker, source, seen(), policies).unwrap_or_else(|silence| told(&silence)),
                Err(error) => no_worker(&error),
            },
            asked => asked.unwrap_or_else(|silence| told(&silence)),
        }
    }

    /// Starts a worker now, so that the next body need not wait for one.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn warm(&self) -> io::Result<()> {
        let worker = self.start()?;
        self.give_back(worker);
        Ok(())
    }

    fn start(&self) -> io::Result<Process> {
        Process::start(&self.program, &self.arguments)
    }

    fn ask(
        &self,
        mut worker: Process,
        source: &str,
        scope: Seen<'_>,
        policies: &dyn PolicyCaller,
    ) -> Result<Evaluation, Silence> {
        worker.tell(&Asked::Evaluate { source, scope })?;
        let mut deadline = Instant::now() + DEADLINE;
        let mut calls = 0;
        loop {
            match worker.hear(deadline)? {
                Response::Done { evaluation, spent, .. } => {
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

    fn known(&self) -> MutexGuard<'_, HashMap<String, bool>> {
        self.asks_for_groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Process>> {
        // A list of workers is whole whatever panicked beside it.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expressions for Workers {
    fn evaluate(&self, source: &str, scope: &ExpressionScope, policies: &dyn PolicyCaller) -> Evaluation {
        let known = self.known().get(source).copied();
        let with_groups = known.unwrap_or_else(|| {
            // What cannot be read asks for nothing, and the worker says so.
            let asks = Expression::parse(source).is_ok_and(|expression| expression.asks_for_groups());
            let mut known = self.known();
            if known.len() >= MAX_KNOWN {
                known.clear();
            }
            known.insert(source.to_owned(), asks);
            asks
        });
        self.run(source, with_groups, scope, policies)
    }
}

/// How many may run at a time.
#[derive(Debug)]
struct Turns {
    free: Mutex<usize>,
    freed: Condvar,
}

/// Given back when dropped.
struct Turn<'a>(&'a Turns);

impl Turns {
    fn new(free: usize) -> Self {
        Self { free: Mutex::new(free), freed: Condvar::new() }
    }

    fn take(&self) -> Turn<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

fn told(silence: &Silence) -> Evaluation {
    match silence {
        Silence::Late => Evaluation::raised(TIMEOUT, TOO_LONG),
        Silence::Died => Evaluation::raised("MemoryError", "used more memory than it may"),
        Silence::Broken => Evaluation::raised("SandboxError", "the worker broke"),
        Silence::Gone(error) => no_worker(error),
    }
}

fn no_worker(error: &io::Error) -> Evaluation {
    Evaluation::raised("SandboxError", format!("no worker could be started: {error}"))
}
