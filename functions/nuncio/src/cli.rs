//! The command line: names, defaults and help. `serve` is what happens without a command.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::Timestamp;
use domain::access::token::Scope;
use domain::event::{ActionPattern, EventPk};
use domain::rules_document::Period;
use jiff::SignedDuration;

use crate::values;

/// An event log that tells the right people.
#[derive(Debug, Parser)]
#[command(name = "nuncio", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: Serve,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Take events, evaluate rules and deliver, in one process with an embedded store (the default)
    Serve(Serve),
    /// Check a rules file and report every fault
    Check(Check),
    /// Print the rules file's JSON Schema, for editors
    Schema,
    /// Say which rules of a file an event matches, and why
    Match(Match),
    /// Try a rules file on stored events, against the rules in force; nothing is sent
    DryRun(DryRun),
    /// Say why each rule fired or did not for a stored event, and what became of it
    Explain(Explain),
    /// Write stored events to a file or standard output, newest first
    Export(Export),
    /// Post events from files or standard input
    Send(Send),
    /// Put a rules file in force on a running or deployed Nuncio
    Apply(Apply),
    /// Ask for work over all that is stored, and watch it
    Job(JobOptions),
    /// Keep events whatever their retention, and let them go again
    Hold(HoldOptions),
    /// Create, list and revoke tokens
    Token(Token),
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The rules file [default: nuncio.yaml if there, else the stored or built-in rules]
    #[arg(long, value_name = "FILE", env = "NUNCIO_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Where everything is kept
    #[arg(long, value_name = "DIR", env = "NUNCIO_DATA", default_value = "nuncio-data")]
    pub(crate) data: PathBuf,
    /// Where expired events are archived before they are deleted [default: they are not]
    #[arg(long, value_name = "DIR", env = "NUNCIO_ARCHIVE")]
    pub(crate) archive: Option<PathBuf>,
    /// Where to listen
    #[arg(long, value_name = "ADDR:PORT", env = "NUNCIO_LISTEN", default_value = "127.0.0.1:8787")]
    pub(crate) listen: SocketAddr,
    /// A MaxMind DB file of cities or countries: adds where each event came from
    #[arg(long, value_name = "FILE", env = "NUNCIO_GEOIP")]
    pub(crate) geoip: Option<PathBuf>,
    /// A MaxMind DB file of autonomous systems: adds whose network each event came from
    #[arg(long, value_name = "FILE", env = "NUNCIO_ASN")]
    pub(crate) asn: Option<PathBuf>,
    /// How much memory bodies and events may take together, such as 256MiB
    #[arg(long, value_name = "SIZE", env = "NUNCIO_MEMORY", default_value = "128MiB", value_parser = values::memory)]
    pub(crate) memory: usize,
    /// error, warn, info, debug or trace; JSON lines on stderr unless it is a terminal
    #[arg(long, value_name = "LEVEL", env = "NUNCIO_LOG", default_value = "info")]
    pub(crate) log: String,
    /// Start on a damaged store, with what can be read of it; a damaged write-ahead log is kept as a copy
    #[arg(long)]
    pub(crate) accept_damage: bool,
    /// An admin token to install at start
    #[arg(skip)]
    pub(crate) token: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The rules file
    pub(crate) file: PathBuf,
    /// One JSON object a fault
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Match {
    /// The rules file
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: PathBuf,
    /// The event as JSON; - is standard input
    #[arg(long, value_name = "FILE|-")]
    pub(crate) event: PathBuf,
}

/// Which Nuncio to talk to.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// Where it is
    #[arg(long, value_name = "URL", env = "NUNCIO_URL", default_value = "http://127.0.0.1:8787")]
    pub(crate) url: String,
    /// A token of it; better given in the environment than on the command line
    #[arg(long, value_name = "TOKEN", env = "NUNCIO_TOKEN", hide_env_values = true)]
    pub(crate) token: String,
}

#[derive(Debug, Args)]
pub(crate) struct DryRun {
    /// The rules file to try
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// How far back: 30d, 12h, days=30
    #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = crate::dry_run::since)]
    pub(crate) since: SignedDuration,
    /// Show some of the messages as their receivers would get them
    #[arg(long)]
    pub(crate) payloads: bool,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The event's pk
    pub(crate) pk: EventPk,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// One event a line as JSON, or a table
    #[arg(long, value_enum, default_value = "ndjson")]
    pub(crate) format: ExportFormat,
    /// The file to write; added to with --cursor [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// An action, or its beginning and *
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// The app, or one above it by dotted parts
    #[arg(long)]
    pub(crate) app: Option<String>,
    #[arg(long)]
    pub(crate) username: Option<String>,
    #[arg(long)]
    pub(crate) client_ip: Option<String>,
    /// A query, or text that stands in the event
    #[arg(long)]
    pub(crate) search: Option<String>,
    /// From then on: 30d, 12h, 2026-01-02T03:04:05Z
    #[arg(long, value_name = "WHEN", value_parser = crate::export::when)]
    pub(crate) since: Option<Timestamp>,
    /// Up to then
    #[arg(long, value_name = "WHEN", value_parser = crate::export::when)]
    pub(crate) until: Option<Timestamp>,
    /// Go on where another export stopped
    #[arg(long)]
    pub(crate) cursor: Option<String>,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ExportFormat {
    Ndjson,
    Csv,
}

#[derive(Debug, Args)]
pub(crate) struct Send {
    /// JSON objects, arrays or NDJSON; - or nothing is standard input
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The rules file
    #[arg(default_value = "nuncio.yaml")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Debug, Args)]
pub(crate) struct JobOptions {
    #[command(subcommand)]
    pub(crate) command: JobCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// Give every stored event the expiry that the rules in force would give it
    Restamp {
        /// Only count what would be deleted, kept shorter and kept longer
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        watched: Watched,
    },
    /// Remove one person's data from events, deliveries, inboxes and the archive
    Erase {
        #[arg(long)]
        username: Option<String>,
        #[arg(long, required_unless_present = "username")]
        email: Option<String>,
        /// Only count what would go
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        watched: Watched,
    },
    /// List jobs, newest first
    List {
        #[command(flatten)]
        server: Server,
    },
}

#[derive(Debug, Args)]
pub(crate) struct HoldOptions {
    #[command(subcommand)]
    pub(crate) command: HoldCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HoldCommand {
    /// Keep the events that all of these admit until the hold is lifted
    Put {
        #[command(flatten)]
        filters: HoldFilters,
        /// Why they are kept
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        watched: Watched,
    },
    /// List holds, newest first
    List {
        /// Only those
        #[arg(long, value_enum)]
        state: Option<HoldState>,
        #[command(flatten)]
        server: Server,
    },
    /// Give the events of a hold their own expiry again
    Lift {
        /// As `list` shows it
        id: String,
        #[command(flatten)]
        watched: Watched,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct HoldFilters {
    /// An action, or its beginning and *
    #[arg(long, value_parser = values::action)]
    pub(crate) action: Option<ActionPattern>,
    /// The app, or one above it by dotted parts
    #[arg(long)]
    pub(crate) app: Option<String>,
    #[arg(long)]
    pub(crate) username: Option<String>,
    #[arg(long)]
    pub(crate) client_ip: Option<IpAddr>,
    /// From then on: 30d, 12h, 2026-01-02T03:04:05Z
    #[arg(long, value_name = "WHEN", value_parser = crate::export::when)]
    pub(crate) since: Option<Timestamp>,
    /// Up to then
    #[arg(long, value_name = "WHEN", value_parser = crate::export::when)]
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
pub(crate) struct Watched {
    /// What became of it as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Debug, Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
    /// The data folder of the Nuncio that is to honour it
    #[arg(long, value_name = "DIR", env = "NUNCIO_DATA", default_value = "nuncio-data", global = true)]
    pub(crate) data: PathBuf,
    /// The DynamoDB table of a stack on AWS, instead of a data folder; needs a build with `--features cloud`
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) table: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it, once
    Create {
        /// What it allows; may be given several times
        #[arg(long = "scope", value_enum, required = true)]
        scopes: Vec<ScopeName>,
        /// Whose inbox it opens by default
        #[arg(long)]
        username: Option<String>,
        /// How long it is good for, such as days=30 [default: until it is revoked]
        #[arg(long, value_name = "PERIOD", value_parser = values::period)]
        expires: Option<Period>,
        /// What it is for
        #[arg(long, default_value = "")]
        note: String,
    },
    /// List all tokens, without the secrets
    List,
    /// Refuse a token from now on
    Revoke {
        /// As `list` shows it
        id: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ScopeName {
    /// Post events
    Ingest,
    /// Read events, notifications and deliveries
    Read,
    /// Everything
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
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serving_needs_no_command() {
        let cli = Cli::try_parse_from(["nuncio", "--listen", "127.0.0.1:1"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.serve.listen.port(), 1);
    }
}
