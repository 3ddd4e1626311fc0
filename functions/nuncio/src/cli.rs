//! The command line: names, defaults and help texts. Without a command, `serve` runs.

mod offline;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::Timestamp;
use domain::access::token::Scope;
use domain::event::{ActionPattern, EventPk};
use domain::rules_document::Period;
use jiff::SignedDuration;

use crate::values;

pub(crate) use offline::{CheckOptions, MatchOptions, SourceCommand, SourceOptions};

/// An event log that notifies the right people.
#[derive(Debug, Parser)]
#[command(name = "nuncio", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: ServeOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Accept events, evaluate rules and send notifications, in one process with an embedded store (the default)
    Serve(ServeOptions),
    /// Check a rules file and report every error
    Check(CheckOptions),
    /// Print the JSON Schema of rules files, for editors
    Schema,
    /// Show which rules of a file an event matches, and why
    Match(MatchOptions),
    /// Show the events that a payload of a source becomes
    Source(SourceOptions),
    /// Compare a rules file with the rules in force on stored events; sends nothing
    DryRun(DryRunOptions),
    /// Show why each rule matched a stored event or not, and the resulting deliveries
    Explain(ExplainOptions),
    /// Write stored events to a file or standard output, newest first
    Export(ExportOptions),
    /// Post events from files or standard input
    Send(SendOptions),
    /// Put a rules file in force on a running or deployed Nuncio
    Apply(ApplyOptions),
    /// Start a job over all stored data, and show its progress
    Job(JobOptions),
    /// Keep events beyond their retention, and release them again
    Hold(HoldOptions),
    /// Create, list and revoke tokens
    Token(TokenOptions),
}

#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    /// The rules file [default: nuncio.yaml if it exists, else the stored or built-in rules]
    #[arg(long, value_name = "FILE", env = "NUNCIO_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The folder for all data
    #[arg(long, value_name = "DIR", env = "NUNCIO_DATA", default_value = "nuncio-data")]
    pub(crate) data: PathBuf,
    /// The folder in which expired events are archived before they are deleted [default: no archive]
    #[arg(long, value_name = "DIR", env = "NUNCIO_ARCHIVE")]
    pub(crate) archive: Option<PathBuf>,
    /// The address to listen on
    #[arg(long, value_name = "ADDR:PORT", env = "NUNCIO_LISTEN", default_value = "127.0.0.1:8787", value_parser = values::listen_address)]
    pub(crate) listen: SocketAddr,
    /// A MaxMind DB file of cities or countries, which adds the location of the client to events
    #[arg(long, value_name = "FILE", env = "NUNCIO_GEOIP")]
    pub(crate) geoip: Option<PathBuf>,
    /// A MaxMind DB file of autonomous systems, which adds the network of the client to events
    #[arg(long, value_name = "FILE", env = "NUNCIO_ASN")]
    pub(crate) asn: Option<PathBuf>,
    /// The memory for request bodies and events together, such as 256MiB
    #[arg(long, value_name = "SIZE", env = "NUNCIO_MEMORY", default_value = "128MiB", value_parser = values::memory)]
    pub(crate) memory: usize,
    /// The log level: error, warn, info, debug or trace; stderr gets JSON lines unless it is a terminal
    #[arg(long, value_name = "LEVEL", env = "NUNCIO_LOG", default_value = "info")]
    pub(crate) log: String,
    /// Start with a damaged store and use what can be read; keeps a copy of a damaged write-ahead log
    #[arg(long)]
    pub(crate) accept_damage: bool,
    /// An admin token to install at start
    #[arg(skip)]
    pub(crate) token: Option<String>,
}

/// The server that a command uses.
#[derive(Debug, Args)]
pub(crate) struct ServerOptions {
    /// The URL of the server
    #[arg(long, value_name = "URL", env = "NUNCIO_URL", default_value = "http://127.0.0.1:8787")]
    pub(crate) url: String,
    /// A token of the server; use the variable, as command lines are visible to other users
    #[arg(long, value_name = "TOKEN", env = "NUNCIO_TOKEN", hide_env_values = true)]
    pub(crate) token: String,
}

#[derive(Debug, Args)]
pub(crate) struct DryRunOptions {
    /// The rules file to try
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The period of stored events to try: 30d, 12h, days=30
    #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = values::period_before_now)]
    pub(crate) since: SignedDuration,
    /// Show some messages as their receivers would get them
    #[arg(long)]
    pub(crate) payloads: bool,
    /// Print the report as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainOptions {
    /// The pk of the event to explain
    pub(crate) pk: EventPk,
    /// Print the trace as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

#[derive(Debug, Args)]
pub(crate) struct ExportOptions {
    /// One JSON event per line, or a table
    #[arg(long, value_enum, default_value = "ndjson")]
    pub(crate) format: ExportFormat,
    /// The file to write; with --cursor, the file to append to [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// An action, or the beginning of one with *
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// The app, or a parent of it: a matches a.b
    #[arg(long)]
    pub(crate) app: Option<String>,
    #[arg(long)]
    pub(crate) username: Option<String>,
    /// An address, or a network such as 192.0.2.0/24
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) client_ip: Option<String>,
    /// A search query, or a text that the event contains
    #[arg(long)]
    pub(crate) search: Option<String>,
    /// The earliest time: 30d, 12h, 2026-01-02T03:04:05Z
    #[arg(long, value_name = "WHEN", value_parser = values::instant)]
    pub(crate) since: Option<Timestamp>,
    /// The latest time, exclusive: 1d, 12h, 2026-01-02T03:04:05Z
    #[arg(long, value_name = "WHEN", value_parser = values::instant)]
    pub(crate) until: Option<Timestamp>,
    /// Continue where another export stopped
    #[arg(long)]
    pub(crate) cursor: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ExportFormat {
    Ndjson,
    Csv,
}

#[derive(Debug, Args)]
pub(crate) struct SendOptions {
    /// Files of JSON objects, arrays or NDJSON; - or no file for standard input
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyOptions {
    /// The rules file to put in force
    #[arg(default_value = "nuncio.yaml")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

#[derive(Debug, Args)]
pub(crate) struct JobOptions {
    #[command(subcommand)]
    pub(crate) command: JobCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// Recalculate the expiry of every stored event by the rules in force
    Restamp {
        /// Only count the events that would be deleted, kept shorter and kept longer
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        watch: WatchOptions,
    },
    /// Remove one person's data from events, deliveries, inboxes and the archive
    #[command(group(clap::ArgGroup::new("person").required(true).multiple(true).args(["username", "email"])))]
    Erase {
        /// The person's name in events and rules
        #[arg(long)]
        username: Option<String>,
        /// The person's address; --username or --email is enough
        #[arg(long)]
        email: Option<String>,
        /// Only count what would be removed
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        watch: WatchOptions,
    },
    /// List jobs, newest first
    List {
        #[command(flatten)]
        server: ServerOptions,
    },
}

#[derive(Debug, Args)]
pub(crate) struct HoldOptions {
    #[command(subcommand)]
    pub(crate) command: HoldCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HoldCommand {
    /// Keep the events that match all filters until the hold is lifted
    Put {
        #[command(flatten)]
        filters: HoldFilters,
        /// The reason for keeping them
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        watch: WatchOptions,
    },
    /// List holds, newest first
    List {
        /// Only holds in this state
        #[arg(long, value_enum)]
        state: Option<HoldState>,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// End a hold: its events get their own expiry again
    Lift {
        /// The id, as `list` shows it
        id: String,
        #[command(flatten)]
        watch: WatchOptions,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct HoldFilters {
    /// An action, or the beginning of one with *
    #[arg(long, value_parser = values::action)]
    pub(crate) action: Option<ActionPattern>,
    /// The app, or a parent of it: a matches a.b
    #[arg(long)]
    pub(crate) app: Option<String>,
    #[arg(long)]
    pub(crate) username: Option<String>,
    #[arg(long, value_name = "ADDRESS", value_parser = values::address)]
    pub(crate) client_ip: Option<IpAddr>,
    /// The earliest time: 30d, 12h, 2026-01-02T03:04:05Z
    #[arg(long, value_name = "WHEN", value_parser = values::instant)]
    pub(crate) since: Option<Timestamp>,
    /// The latest time, exclusive: 1d, 12h, 2026-01-02T03:04:05Z
    #[arg(long, value_name = "WHEN", value_parser = values::instant)]
    pub(crate) until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum HoldState {
    Active,
    Ended,
}

impl HoldState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Ended => "ended",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct WatchOptions {
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

#[derive(Debug, Args)]
pub(crate) struct TokenOptions {
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
    /// The data folder of the server
    #[arg(long, value_name = "DIR", env = "NUNCIO_DATA", default_value = "nuncio-data", global = true)]
    pub(crate) data: PathBuf,
    /// The DynamoDB table of a stack on AWS, instead of a data folder; requires a build with `--features cloud`
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) table: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Create a token and print it; it is not shown again
    Create {
        /// A scope of the token; repeatable
        #[arg(long = "scope", value_enum, required = true)]
        scopes: Vec<ScopeName>,
        /// The user whose inbox the token opens by default
        #[arg(long)]
        username: Option<String>,
        /// How long the token is valid: 30d, 12h, days=30 [default: until it is revoked]
        #[arg(long, value_name = "PERIOD", value_parser = values::period)]
        expires: Option<Period>,
        /// A note on the use of the token
        #[arg(long, default_value = "")]
        note: String,
    },
    /// List all tokens, without the secrets
    List,
    /// Revoke a token, so that the server refuses it
    Revoke {
        /// The id, as `list` shows it
        id: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ScopeName {
    /// Post events, but not read them
    Ingest,
    /// Read events, notifications and deliveries
    Read,
    /// Everything, including the other scopes
    Admin,
}

impl From<ScopeName> for Scope {
    fn from(name: ScopeName) -> Self {
        match name {
            ScopeName::Ingest => Self::Ingest,
            ScopeName::Read => Self::Read,
            ScopeName::Admin => Self::Admin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serving_needs_no_command() {
        let cli = Cli::try_parse_from(["nuncio", "--listen", "127.0.0.1:1"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.serve.listen.port(), 1);
    }
}
