//! The schedule trigger. The event's content is ignored.

use std::fmt::Display;

use domain::Timestamp;
use domain::metric::Metric;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::de::IgnoredAny;

use super::{RuntimeError, count, deadline};

/// Runs `handler` at every invocation. Its argument is the time at which Lambda will end the invocation. A failure is
/// returned to Lambda, which counts it. `template.yaml` turns Lambda's own retries off: the next run is the retry.
///
/// # Errors
/// When the runtime fails.
pub async fn scheduled<E: Display>(handler: impl AsyncFn(Timestamp) -> Result<(), E>) -> Result<(), RuntimeError> {
    count(Metric::ColdStart);
    let handler = &handler;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<IgnoredAny>| {
        handler(deadline(&event.context)).await.map_err(|error| {
            tracing::error!(%error, "the scheduled work failed");
            count(Metric::Failed);
            lambda_runtime::Error::from(error.to_string())
        })
    }))
    .await
    .map_err(RuntimeError)
}
