//! The limits and prices of AWS, each with its source, and what the simulation assumes where no source says it.
//!
//! Prices are list prices of us-east-1 in dollars, without a free tier.

const MILLION: f64 = 1e6;

// ---- DynamoDB ----

/// Write units per second and partition.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html>
pub(crate) const PARTITION_WRITES: f64 = 1000.0;
/// Read units per second and partition: the same page.
pub(crate) const PARTITION_READS: f64 = 3000.0;
/// Partitions of a new table on demand: it takes 4,000 writes and 12,000 reads per second.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html>
pub(crate) const NEW_TABLE_PARTITIONS: usize = 4;
/// Write units per second and table, by default.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html>
pub(crate) const TABLE_WRITES: f64 = 40_000.0;
/// Bytes after which a partition is split: the first page. It also says that burst capacity is up to 300 seconds of
/// unused capacity, within the limit of a partition. A partition of a table on demand always has all of its limit, so
/// there is nothing to burst to.
pub(crate) const PARTITION_BYTES: f64 = 10e9;
/// Seconds for which a partition is close to its limit before DynamoDB splits it. AWS names no time and speaks of
/// sustained traffic; ten minutes are assumed.
pub(crate) const SPLIT_AFTER: f64 = 600.0;
/// The share of its limit from which a partition counts as close to it. Assumed.
pub(crate) const HOT: f64 = 0.9;
/// Bytes that storage bills for each item beyond its content.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
pub(crate) const ITEM_OVERHEAD: f64 = 100.0;
/// How long the adapters and the SDK repeat a throttled write before the request fails, in seconds: `RETRY_DELAYS` of
/// `infra/aws/src/table/write.rs`.
pub(crate) const RETRIED_FOR: f64 = 3.3;

// ---- Lambda and SQS ----

/// The memory, in MB, with which a function has one processor.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
pub(crate) const PROCESSOR_MB: f64 = 1769.0;
/// Concurrent instances of an account.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub(crate) const ACCOUNT_INSTANCES: f64 = 1000.0;
/// Concurrent batches with which Lambda begins to poll a queue, and which it keeps while the queue is quiet. With
/// `MaximumConcurrency`, it does not reduce them to two.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>
pub(crate) const POLLERS: f64 = 5.0;
/// Batches by which Lambda raises this, per minute: the same page.
pub(crate) const POLLERS_PER_MINUTE: f64 = 300.0;
/// Seconds of a poll that finds nothing: the longest that SQS offers, and what `template.yaml` sets.
pub(crate) const POLL_SECONDS: f64 = 20.0;
/// Requests by which Lambda takes messages from the queue and deletes them, for each invocation.
pub(crate) const REQUESTS_PER_INVOCATION: f64 = 2.0;

// ---- Assumed times, in milliseconds ----

/// A request to DynamoDB or SQS and its response: both say "single-digit milliseconds" or little more.
pub(crate) const ROUND_MS: f64 = 7.0;
/// A receiver of a webhook.
pub(crate) const RECEIVER_MS: f64 = 80.0;
/// The times that a processor of Lambda needs for what a core of the recording machine does in one.
pub(crate) const SLOWER: f64 = 1.5;
/// Processor time for one message or request that the recording does not contain: Lambda's runtime interface.
pub(crate) const RUNTIME_MS: f64 = 0.5;

// ---- Prices ----

/// A write unit. <https://aws.amazon.com/dynamodb/pricing/on-demand/>
pub(crate) const WRITE_UNIT: f64 = 0.625 / MILLION;
/// A read unit.
pub(crate) const READ_UNIT: f64 = 0.125 / MILLION;
/// A stored GB for a month.
pub(crate) const STORED_GB: f64 = 0.25;
/// The same in the class for infrequent access, in which a write unit costs a quarter more.
pub(crate) const STORED_GB_INFREQUENT: f64 = 0.10;
/// A GB of continuous backups for a month.
pub(crate) const BACKUP_GB: f64 = 0.20;
/// A request to a standard queue. <https://aws.amazon.com/sqs/pricing/>
pub(crate) const QUEUE_REQUEST: f64 = 0.40 / MILLION;
/// An invocation. <https://aws.amazon.com/lambda/pricing/>
pub(crate) const INVOCATION: f64 = 0.20 / MILLION;
/// A GB-second on arm64.
pub(crate) const GB_SECOND: f64 = 0.000_013_333_4;
/// A logged byte. <https://aws.amazon.com/cloudwatch/pricing/>
pub(crate) const LOG_BYTE: f64 = 0.50 / 1e9;
/// A metric that an alarm reads, for a month: the same page.
pub(crate) const ALARM: f64 = 0.10;
/// A custom metric for a month: the same page.
pub(crate) const METRIC: f64 = 0.30;
/// An invocation by a schedule. <https://aws.amazon.com/eventbridge/pricing/>
pub(crate) const SCHEDULED: f64 = 1.0 / MILLION;
/// A mail. <https://aws.amazon.com/ses/pricing/>
pub(crate) const MAIL: f64 = 0.10 / 1000.0;
/// A recorded trace. <https://aws.amazon.com/xray/pricing/>
pub(crate) const TRACE: f64 = 5.0 / MILLION;
/// A request for a key that AWS manages. <https://aws.amazon.com/kms/pricing/>
pub(crate) const KEY_REQUEST: f64 = 0.03 / 10_000.0;
/// Requests for the table's key per month: DynamoDB repeats them every five minutes for a caller that is active.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html>
pub(crate) const KEY_REQUESTS: f64 = 43_800.0 / 5.0;
/// Minutes of a month.
pub(crate) const MINUTES: f64 = 43_800.0;
/// Bytes that Lambda itself logs for an invocation as JSON: its start and its report.
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html>
pub(crate) const PLATFORM_LOG_BYTES: f64 = 600.0;
