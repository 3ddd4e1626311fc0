//! What the functions ask of AWS is what `tests/support/recording/recorded.json` says. The cost and scale tables of the
//! documentation follow from it.
//!
//! Has no test harness: it runs itself again to count what is logged.

#![expect(clippy::print_stdout, reason = "a failure says what differs")]

use std::process::ExitCode;

use support::recording::{self, Recorded};

/// Set, the test rewrites the recording instead of failing.
const UPDATE: &str = "NUNCIO_UPDATE_DOCS";

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    if recording::log_if_asked()? {
        return Ok(ExitCode::SUCCESS);
    }
    let (current, _) = recording::record()?;
    if is_update() {
        std::fs::write(Recorded::path(), serde_json::to_string_pretty(&current)? + "\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    let differences = current.differences(&Recorded::stored());
    if differences.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "what the functions ask of AWS has changed:\n{differences}\nif that is intended, rewrite the recording and the \
         tables: {UPDATE}=1 cargo test -p support --test recorded --test documentation"
    );
    Ok(ExitCode::FAILURE)
}

#[expect(clippy::disallowed_methods, reason = "a developer asks a test to rewrite a file by a variable")]
fn is_update() -> bool {
    std::env::var_os(UPDATE).is_some()
}
