//! A binary that is only a worker, for callers that cannot start their own binary again, such as tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    expressions::worker::hook().unwrap_or(ExitCode::FAILURE)
}
