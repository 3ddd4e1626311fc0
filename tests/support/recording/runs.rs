//! Runs a recording: the functions on the caller's thread, and everything else beside it. Also runs this program again
//! for each log level, because a process has one log, on its standard error.

use std::process::{Command, Stdio};

use host::Emitter;
use host::log::LogFormat;
use tokio::runtime::{Builder, Handle, Runtime};

use super::operations::{record_all, report_some};
use super::stack::Error;
use super::{Operations, Recorded};

/// The argument with which this program runs itself.
const LEVEL: &str = "--log-level-of-child";

/// The log levels whose bytes are counted.
const LEVELS: [&str; 2] = ["warn", "info"];

/// Records everything. The program's `main` must call [`log_if_asked`] first.
///
/// # Errors
/// If a function fails, or the emulator does.
pub fn record() -> Result<(Recorded, Operations), Error> {
    let operations = with_runtimes(async |background| Box::pin(record_all(background)).await)?;
    let events = f64::from(u32::try_from(operations.events)?);
    let (costs, item_bytes) = (operations.costs.clone(), operations.item_bytes.round());
    let mut recorded = Recorded { costs, events, item_bytes, ..Recorded::default() };
    for level in LEVELS {
        recorded.log_bytes.insert(level.to_owned(), logged(level)?);
    }
    Ok((recorded, operations))
}

/// If this process is to log at a level, does that and returns `true`: the program is then done.
///
/// # Errors
/// If a function fails.
pub fn log_if_asked() -> Result<bool, Error> {
    let Some(level) = std::env::args().skip_while(|argument| argument != LEVEL).nth(1) else { return Ok(false) };
    let emitter = Emitter { function: "dispatch", namespace: "Nuncio/nuncio".to_owned() };
    host::log::init(&level, LogFormat::Metered(emitter))?;
    with_runtimes(async |background| report_some(background).await)?;
    Ok(true)
}

/// The bytes that are logged at a level for a batch and its message.
fn logged(level: &str) -> Result<f64, Error> {
    let child = Command::new(std::env::current_exe()?).args([LEVEL, level]).stderr(Stdio::piped()).output()?;
    let log = String::from_utf8_lossy(&child.stderr);
    if !child.status.success() {
        return Err(format!("a run at the level {level} failed:\n{log}").into());
    }
    let bytes = u32::try_from(log.len())?;
    Ok((f64::from(bytes) / f64::from(u32::try_from(super::operations::REPEATED)?)).round())
}

fn with_runtimes<T>(work: impl AsyncFnOnce(&Handle) -> Result<T, Error>) -> Result<T, Error> {
    let background = Runtime::new()?;
    Builder::new_current_thread().enable_all().build()?.block_on(work(background.handle()))
}
