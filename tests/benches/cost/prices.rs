//! List prices of us-east-1, in dollars, and what is assumed where nothing can be counted here.
//!
//! Lambda on arm64, DynamoDB on demand since November 2024, standard SQS, `CloudWatch` Logs by what is ingested. No
//! free tier. A function URL costs nothing by itself.

const MILLION: f64 = 1e6;
pub(crate) const WRITE_UNIT: f64 = 0.625 / MILLION;
pub(crate) const READ_UNIT: f64 = 0.125 / MILLION;
pub(crate) const QUEUE_REQUEST: f64 = 0.40 / MILLION;
pub(crate) const INVOCATION: f64 = 0.20 / MILLION;
pub(crate) const GB_SECOND: f64 = 0.000_013_333_4;
pub(crate) const LOG_BYTE: f64 = 0.50 / 1e9;

/// Of `Ingest` and `Dispatch` in template.yaml.
pub(crate) const MEMORY_GB: f64 = 0.5;
/// How long ingest takes for a request: two calls, one after the other, of some 10 ms each.
pub(crate) const INGEST_SECONDS: f64 = 0.03;
/// How long dispatch takes for an invocation whose events match: a receiver that answers in some 80 ms, and the calls
/// before and after it. Its messages are handled side by side.
pub(crate) const DISPATCH_SECONDS: f64 = 0.12;
/// Requests by which Lambda takes messages from the queue and deletes them, for each invocation.
pub(crate) const POLLS: f64 = 2.0;
/// Messages of one invocation of dispatch in a rush: `BatchSize` in template.yaml.
pub(crate) const RUSH: f64 = 10.0;
