//! HTTP, by function URL or HTTP API.

use axum::Router;

use super::RuntimeError;

/// Serves the router until the function is shut down.
///
/// # Errors
/// When the runtime fails.
pub async fn http(router: Router) -> Result<(), RuntimeError> {
    lambda_http::run(router).await.map_err(RuntimeError)
}
