//! What turns a function's library into a Lambda function: one way in for each kind of trigger.

mod http;
mod scheduled;
mod sqs;

pub use http::http;
pub use scheduled::scheduled;
pub use sqs::sqs;

use domain::Timestamp;
use domain::metric::{self, Metric, MetricBatch};
use lambda_runtime::Context;

/// The runtime stopped, or could not start.
#[derive(Debug, thiserror::Error)]
#[error("the Lambda runtime failed: {0}")]
pub struct RuntimeError(#[source] lambda_runtime::Error);

/// Counts this process as one that had to be started for somebody.
fn announce_start() {
    tracing::info!(target: metric::TARGET, tally = MetricBatch::default().with(Metric::ColdStart, 1).to_json(), "counted");
}

/// When Lambda will end this invocation.
fn deadline(context: &Context) -> Timestamp {
    i64::try_from(context.deadline).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX)
}
