//! HTTP, by function URL or HTTP API.

use axum::Router;

use super::{RuntimeError, announce_start};

/// Serves the router until the function is shut down.
///
/// # Errors
/// When the runtime fails.
pub async fn http(router: Router) -> Result<(), RuntimeError> {
    announce_start();
    lambda_http::run(router).await.map_err(RuntimeError)
}
