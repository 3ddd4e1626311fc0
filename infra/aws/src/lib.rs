//! DynamoDB, SQS, S3, SES, SSM and Secrets Manager behind the ports, and the Lambda shells' shared glue.
//!
//! Refuses static clients and the process's environment: settings come from a map, the SDK's own
//! (credentials, region, `AWS_ENDPOINT_URL`) through its loader. Where things lie in the one table is
//! said in `table/keys.rs`.
#![doc = include_str!("../README.md")]

mod archive;
mod codec;
mod configuration;
mod connect;
mod dead_letters;
mod describe;
mod documents;
mod endpoints;
mod erasure;
mod events;
mod holds;
mod inbox;
mod intake;
mod jobs;
mod keeping;
pub mod lambda;
mod ledger;
mod mailer;
mod pack;
mod queue;
mod secrets;
mod sessions;
pub mod settings;
mod silences;
mod suppression;
mod table;
mod tokens;
mod volume;

pub use archive::Archive;
pub use codec::from_queued;
pub use configuration::Configuration;
pub use connect::{Adapters, tokens_of_table};
pub use dead_letters::DeadLetters;
pub use documents::Documents;
pub use endpoints::Endpoints;
pub use erasure::Erasure;
pub use events::EventLog;
pub use holds::Holds;
pub use inbox::Inbox;
pub use intake::Intake;
pub use jobs::Jobs;
pub use keeping::Keeping;
pub use ledger::Ledger;
pub use mailer::Mailer;
pub use queue::WorkQueue;
pub use secrets::{HeldSecrets, Secrets};
pub use sessions::Sessions;
pub use settings::Settings;
pub use silences::{HeldSilences, Silences};
pub use suppression::Suppression;
pub use table::Table;
pub use table::expiries::GRACE as ARCHIVE_GRACE;
pub use tokens::{RememberedTokens, Tokens};
pub use volume::Volume;

/// DynamoDB's TTL deletes for nothing, usually within days; a delete of ours costs what a write costs.
pub const LEFT_TO_TTL: jiff::SignedDuration = jiff::SignedDuration::from_hours(3 * 24);
