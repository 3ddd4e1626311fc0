//! The `nuncio` command: every function in one process on one machine, and the operator's tools.
//!
//! One file per command. A composition root: it builds the adapters and passes them to the functions.
#![doc = include_str!("../README.md")]

mod apply;
mod check;
mod cli;
mod dry_run;
mod explain;
mod export;
mod hold;
mod http;
mod job;
mod matching;
#[cfg(test)]
mod readme_tests;
mod send;
mod serve;
mod source_test;
mod token;
mod values;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};

/// Parsing events makes many small allocations, which mimalloc serves faster than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if let Some(code) = expressions::worker::hook() {
        return code;
    }
    let cli = Cli::parse();
    let done = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(options) => serve::run(options),
        Command::Check(options) => check::run(&options),
        Command::Schema => Ok(check::schema()),
        Command::Match(options) => matching::run(&options),
        Command::Source(options) => source_test::run(&options),
        Command::DryRun(options) => dry_run::run(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Export(options) => export::run(&options),
        Command::Send(options) => send::run(options),
        Command::Apply(options) => apply::run(&options),
        Command::Job(options) => job::run(options),
        Command::Hold(options) => hold::run(options),
        Command::Token(options) => token::run(options),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            // stderr may be closed; the exit code reports the failure in any case.
            let _ = writeln!(std::io::stderr(), "nuncio: {error:#}");
            ExitCode::FAILURE
        }
    }
}
