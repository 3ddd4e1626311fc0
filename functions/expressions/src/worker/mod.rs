//! Bodies that nobody vouches for, evaluated in a process that may die.
//!
//! A body that asks for more memory than there is takes its process with it. So the caller keeps
//! [`Workers`], each the same binary started again with [`ARGUMENT`]; it asks them over pipes, kills
//! the one that is late, and starts another for the one that died. What is told of a body that did
//! that is an exception like any other.

mod breaker;
mod frame;
mod limits;
mod pool;
mod process;
mod serve;

pub use limits::MAX_MEMORY;
pub use pool::Workers;
pub use serve::serve;

use std::process::ExitCode;
use std::time::Duration;

/// Makes a binary that calls [`hook`] a worker.
pub const ARGUMENT: &str = "--expression-worker";

/// When a worker that has not answered is killed, so that the caller has its answer within 100 ms. One
/// that others kept from the processor for most of this time is waited for longer.
pub const DEADLINE: Duration = Duration::from_millis(92);

/// The first thing that the `main` of a binary with [`Workers`] of its own does: where it was started
/// as a worker it is one, and ends with this code.
pub fn hook() -> Option<ExitCode> {
    let started_as_worker = std::env::args_os().nth(1).is_some_and(|argument| argument == ARGUMENT);
    started_as_worker.then(main)
}

/// A worker's whole life: confines the process, then serves until its caller is gone.
fn main() -> ExitCode {
    limits::confine();
    match serve(std::io::stdin().lock(), std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
