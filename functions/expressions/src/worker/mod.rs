//! Evaluates untrusted bodies in worker processes.
//!
//! A body that allocates too much memory aborts its process. Therefore the caller keeps a [`WorkerPool`], each worker
//! the same binary started again with [`ARGUMENT`]. It sends bodies over pipes, kills a worker that misses the
//! deadline, and replaces one that has died. For the rules, such a body has raised an exception like any other.

mod breaker;
mod frame;
mod limits;
mod pool;
mod process;
mod server;

pub use limits::MAX_MEMORY;
pub use pool::WorkerPool;
pub use server::serve;

use std::process::ExitCode;
use std::time::Duration;

/// The command-line argument that makes a binary with [`hook`] a worker.
pub const ARGUMENT: &str = "--expression-worker";

/// The time after which a worker without an answer is killed, so that the caller has a result within 100 ms. The
/// deadline is extended for a worker that got too little processor time.
pub const DEADLINE: Duration = Duration::from_millis(92);

/// Runs this process as a worker if it was started as one, and returns its exit code; otherwise returns `None`. The
/// `main` of a binary that uses [`WorkerPool::from_current_binary`] must call it first.
pub fn hook() -> Option<ExitCode> {
    let started_as_worker = std::env::args_os().nth(1).is_some_and(|argument| argument == ARGUMENT);
    started_as_worker.then(main)
}

/// The main function of a worker: limits the process, then serves until the caller closes the pipe.
fn main() -> ExitCode {
    limits::confine();
    match serve(std::io::stdin().lock(), std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
