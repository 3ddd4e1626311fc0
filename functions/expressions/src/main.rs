//! A worker that is nothing else, for callers that are not to be started twice.

use std::process::ExitCode;

fn main() -> ExitCode {
    expressions::worker::hook().unwrap_or(ExitCode::FAILURE)
}
