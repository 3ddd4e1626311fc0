//! The HTTP trigger: a function URL or an HTTP API.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use domain::metric::Metric;
use lambda_http::request::RequestContext;
use lambda_http::tower::util::{MapRequestLayer, MapResponseLayer};

use super::{RuntimeError, count};

/// Serves the router until the function is shut down. Handlers find the client's address in `ConnectInfo`, as on one
/// machine.
///
/// # Errors
/// When the runtime fails.
pub async fn http(router: Router) -> Result<(), RuntimeError> {
    let router = router.layer(MapRequestLayer::new(|mut request: Request| {
        if let Some(address) = source(&request) {
            request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address, 0)));
        }
        request
    }));
    let router = router.layer(MapResponseLayer::new(|response: Response| {
        if response.status().is_server_error() {
            count(Metric::Failed);
        }
        response
    }));
    count(Metric::ColdStart);
    lambda_http::run(router).await.map_err(RuntimeError)
}

/// The client's address as the gateway saw it: unlike a header, clients cannot forge it.
fn source(request: &Request) -> Option<IpAddr> {
    match request.extensions().get()? {
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_deref()?.parse().ok(),
        _ => None,
    }
}
