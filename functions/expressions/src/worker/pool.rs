//! The pool of worker processes.
//!
//! Owns when a worker is started and stopped, and how many run at a time. If a body calls a policy that is an
//! expression, the called body uses another worker without waiting for a permit, so that the pool cannot deadlock.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use domain::expression::{Evaluation, ExpressionScope, PolicyCaller};
use domain::ports::Expressions;

use super::breaker::ExpressionBreaker;
use super::frame::{RequestRef, Response, VisibleScope};
use super::process::{WorkerFailure, WorkerProcess};
use super::{ARGUMENT, DEADLINE};
use crate::expression::Expression;
use crate::run::{TIMEOUT, TOO_LONG};

/// The maximum depth of policies that call policies.
const MAX_CALL_DEPTH: u8 = 4;
/// The maximum number of policies that one body may call.
const MAX_CALLS: usize = 32;

/// The number of bodies whose use of groups is cached.
const MAX_CACHED: usize = 4096;

/// A pool of workers that are reused between evaluations.
#[derive(Debug)]
pub struct WorkerPool {
    program: PathBuf,
    arguments: Vec<OsString>,
    idle: Mutex<Vec<WorkerProcess>>,
    /// The maximum number of idle workers.
    max_idle: usize,
    limit: ConcurrencyLimit,
    breaker: ExpressionBreaker,
    /// By source text, whether a body may read the groups.
    uses_groups: Mutex<HashMap<String, bool>>,
}

impl WorkerPool {
    /// A pool of workers that run `program` with these arguments. At most `max_workers` bodies run at a time, called
    /// policies not counted; the others wait. The pool keeps up to the same number of idle workers.
    pub fn new(program: impl Into<PathBuf>, arguments: Vec<OsString>, max_workers: usize) -> Self {
        Self {
            program: program.into(),
            arguments,
            idle: Mutex::default(),
            max_idle: max_workers,
            limit: ConcurrencyLimit::new(max_workers.max(1)),
            breaker: ExpressionBreaker::default(),
            uses_groups: Mutex::default(),
        }
    }

    /// A pool of workers that run the current binary, whose `main` must call [`hook`](super::hook). The pool has one
    /// worker per processor and starts each when it is needed.
    ///
    /// # Errors
    /// If the system does not report the path of the current binary.
    pub fn from_current_binary() -> io::Result<Self> {
        let max_workers = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self::new(std::env::current_exe()?, vec![ARGUMENT.into()], max_workers))
    }

    /// Runs a body in a worker, unless its circuit is open. Blocks for at most [`DEADLINE`], without the time of called
    /// policies, of waiting for a permit, and of starting a worker if none is idle.
    pub fn evaluate(
        &self,
        expression: &Expression,
        scope: &ExpressionScope,
        policies: &dyn PolicyCaller,
    ) -> Evaluation {
        self.run(expression.source(), expression.uses_groups(), scope, policies)
    }

    fn run(&self, source: &str, with_groups: bool, scope: &ExpressionScope, policies: &dyn PolicyCaller) -> Evaluation {
        if scope.depth > MAX_CALL_DEPTH {
            return Evaluation::raised("RecursionError", "policies call each other more than four levels deep");
        }
        // Before waiting for a permit, so that a body with an open circuit does not take a place.
        let _run = match self.breaker.admit(source, Instant::now()) {
            Ok(run) => run,
            Err(open) => return open.into(),
        };
        let evaluation = self.run_in_worker(source, with_groups, scope, policies);
        self.breaker.record(source, &evaluation, Instant::now());
        evaluation
    }

    fn run_in_worker(
        &self,
        source: &str,
        with_groups: bool,
        scope: &ExpressionScope,
        policies: &dyn PolicyCaller,
    ) -> Evaluation {
        // A called policy needs no permit: it would wait for the caller, which waits for it.
        let _permit = (scope.depth == 0).then(|| self.limit.acquire());
        let visible = || VisibleScope::from_scope(scope, with_groups);
        let idle = self.idle().pop();
        let reused = idle.is_some();
        let first = idle.map_or_else(|| self.start(), Ok);
        let worker = match first {
            Ok(worker) => worker,
            Err(error) => return no_worker(&error),
        };
        match self.evaluate_in(worker, source, visible(), policies) {
            // An idle worker may have died in the meantime; only then is the body run a second time.
            Err(WorkerFailure::Unreachable(_)) if reused => match self.start() {
                Ok(worker) => self
                    .evaluate_in(worker, source, visible(), policies)
                    .unwrap_or_else(|failure| to_evaluation(&failure)),
                Err(error) => no_worker(&error),
            },
            result => result.unwrap_or_else(|failure| to_evaluation(&failure)),
        }
    }

    /// Starts one worker in advance.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn prestart(&self) -> io::Result<()> {
        let worker = self.start()?;
        self.release(worker);
        Ok(())
    }

    fn start(&self) -> io::Result<WorkerProcess> {
        WorkerProcess::start(&self.program, &self.arguments)
    }

    /// Sends the body to the worker, answers its calls of policies, and returns the worker to the pool.
    fn evaluate_in(
        &self,
        mut worker: WorkerProcess,
        source: &str,
        scope: VisibleScope<'_>,
        policies: &dyn PolicyCaller,
    ) -> Result<Evaluation, WorkerFailure> {
        worker.send(&RequestRef::Evaluate { source, scope })?;
        let mut deadline = Instant::now() + DEADLINE;
        let mut calls = 0;
        loop {
            match worker.receive(deadline)? {
                Response::Done { evaluation, spent, .. } => {
                    if !spent {
                        self.release(worker);
                    }
                    return Ok(*evaluation);
                }
                Response::Call { name, context } => {
                    let called_at = Instant::now();
                    calls += 1;
                    let called = if calls > MAX_CALLS {
                        Err(format!("called more than {MAX_CALLS} policies"))
                    } else {
                        policies.call(&name, context)
                    };
                    // The time of a called policy does not count for the caller.
                    deadline += called_at.elapsed();
                    worker.send(&RequestRef::Called(called))?;
                }
                Response::Ready => return Err(WorkerFailure::Protocol),
            }
        }
    }

    fn release(&self, worker: WorkerProcess) {
        let mut idle = self.idle();
        if idle.len() < self.max_idle {
            idle.push(worker);
        }
    }

    fn cached(&self) -> MutexGuard<'_, HashMap<String, bool>> {
        self.uses_groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<WorkerProcess>> {
        // A panic elsewhere cannot leave the list in an invalid state, so that poisoning is ignored.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expressions for WorkerPool {
    fn evaluate(&self, source: &str, scope: &ExpressionScope, policies: &dyn PolicyCaller) -> Evaluation {
        let cached = self.cached().get(source).copied();
        let with_groups = cached.unwrap_or_else(|| {
            // A body that cannot be parsed needs no groups; the worker will raise the syntax error.
            let uses_groups = Expression::parse(source).is_ok_and(|expression| expression.uses_groups());
            let mut cache = self.cached();
            if cache.len() >= MAX_CACHED {
                cache.clear();
            }
            cache.insert(source.to_owned(), uses_groups);
            uses_groups
        });
        self.run(source, with_groups, scope, policies)
    }
}

/// A counting semaphore that blocks the thread.
#[derive(Debug)]
struct ConcurrencyLimit {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A permit of a [`ConcurrencyLimit`], which is released when this is dropped.
struct Permit<'a>(&'a ConcurrencyLimit);

impl ConcurrencyLimit {
    fn new(free: usize) -> Self {
        Self { free: Mutex::new(free), freed: Condvar::new() }
    }

    fn acquire(&self) -> Permit<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Permit(self)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

/// The exception of a body whose worker has failed.
fn to_evaluation(failure: &WorkerFailure) -> Evaluation {
    match failure {
        WorkerFailure::TimedOut => Evaluation::raised(TIMEOUT, TOO_LONG),
        WorkerFailure::Killed => Evaluation::raised("MemoryError", "used more memory than it may"),
        WorkerFailure::Protocol => Evaluation::raised("SandboxError", "the worker failed"),
        WorkerFailure::Unreachable(error) => no_worker(error),
    }
}

fn no_worker(error: &io::Error) -> Evaluation {
    Evaluation::raised("SandboxError", format!("could not start a worker: {error}"))
}
