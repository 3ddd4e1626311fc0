//! The ports on AWS: DynamoDB, SQS, S3, SES, SSM and Secrets Manager. Also the common part of the Lambda functions.
//!
//! Refuses static clients and the process's environment: settings come from a map, and the SDK's own configuration
//! (credentials, region, `AWS_ENDPOINT_URL`) comes from its loader. `table/keys.rs` documents the layout of the table.
#![doc = include_str!("../README.md")]

mod archive;
mod cached;
mod codec;
mod configuration;
mod connect;
mod dead_letters;
mod describe;
mod documents;
mod endpoints;
mod erasure;
mod events;
mod groups;
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
mod send_rate;
mod sessions;
pub mod settings;
mod silences;
mod suppression;
mod table;
mod tokens;
mod volume;

pub use archive::S3Archive;
pub use codec::from_queued;
pub use configuration::CachedConfiguration;
pub use connect::{Adapters, tokens_in_table};
pub use dead_letters::SqsDeadLetters;
pub use documents::DynamoDocuments;
pub use endpoints::DynamoEndpoints;
pub use erasure::DynamoErasure;
pub use events::DynamoEventLog;
pub use groups::DynamoGroups;
pub use holds::DynamoHolds;
pub use inbox::DynamoInbox;
pub use intake::DynamoIntake;
pub use jobs::DynamoJobs;
pub use keeping::DynamoKeeping;
pub use ledger::DynamoLedger;
pub use mailer::SesMailer;
pub use queue::SqsWorkQueue;
pub use secrets::{AwsSecrets, CachedSecrets};
pub use sessions::DynamoSessions;
pub use settings::Settings;
pub use silences::{CachedSilences, DynamoSilences};
pub use suppression::DynamoSuppression;
pub use table::Table;
pub use table::event_index::IndexedField;
pub use table::expiries::GRACE as ARCHIVE_GRACE;
pub use tokens::{CachedTokens, DynamoTokens};
pub use volume::{DynamoVolume, VolumeLimits};
