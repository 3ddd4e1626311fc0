//! By a schedule. What the schedule sends along is not read.

use std::fmt::Display;

use domain::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::de::IgnoredAny;

use super::{RuntimeError, announce_start, deadline};

/// Runs `handler` at every invocation, with the instant at which Lambda will end it. A failure is
/// passed on, so that Lambda counts it and tries again.
///
/// # Errors
/// When the runtime fails.
pub async fn scheduled<E: Display>(handler: impl AsyncFn(Timestamp) -> Result<(), E>) -> Result<(), RuntimeError> {
    announce_start();
    let handler = &handler;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<IgnoredAny>| {
        handler(deadline(&event.context)).await.map_err(|error| {
            tracing::error!(%error, "the scheduled work failed");
            lambda_runtime::Error::from(error.to_string())
        })
    }))
    .await
    .map_err(RuntimeError)
}
