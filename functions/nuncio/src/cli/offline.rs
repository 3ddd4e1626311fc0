//! The options of commands that read files only, and need no server.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::values;

#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    /// The rules file to check
    pub(crate) file: PathBuf,
    /// Print one JSON object per error
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MatchOptions {
    /// The rules file with the rules to evaluate
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: PathBuf,
    /// The event as JSON; - for standard input
    #[arg(long, value_name = "FILE|-")]
    pub(crate) event: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SourceOptions {
    #[command(subcommand)]
    pub(crate) command: SourceCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SourceCommand {
    /// Show the events that a payload becomes, as they would be stored; verifies no signature and stores nothing
    Test(SourceTestOptions),
}

#[derive(Debug, Args)]
pub(crate) struct SourceTestOptions {
    /// The name of the source in the rules file
    pub(crate) name: String,
    /// The payload; - for standard input
    #[arg(long, value_name = "FILE|-")]
    pub(crate) file: PathBuf,
    /// A header of the request, such as 'X-GitHub-Event: push'; several if repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = values::header)]
    pub(crate) header: Vec<(String, String)>,
    /// The rules file with the source
    #[arg(long, value_name = "FILE", default_value = "nuncio.yaml")]
    pub(crate) rules: PathBuf,
}
