//! Runs a function's library as a Lambda function: one entry point per kind of trigger.

mod http;
mod scheduled;
mod sqs;

pub use http::http;
pub use scheduled::scheduled;
pub use sqs::sqs;

use domain::Timestamp;
use domain::metric::{self, Metric, MetricBatch};
use lambda_runtime::Context;

/// The Lambda runtime stopped, or could not start.
#[derive(Debug, thiserror::Error)]
#[error("the Lambda runtime failed: {0}")]
pub struct RuntimeError(#[source] lambda_runtime::Error);

/// Logs one count of a metric.
fn count(metric: Metric) {
    tracing::info!(target: metric::TARGET, metrics = MetricBatch::default().with(metric, 1).to_json(), "counted");
}

/// The time at which Lambda will end this invocation.
fn deadline(context: &Context) -> Timestamp {
    i64::try_from(context.deadline).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX)
}
