//! HTTP, by function URL or HTTP API.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use lambda_http::request::RequestContext;
use lambda_http::tower::util::MapRequestLayer;

use super::{RuntimeError, announce_start};

/// Serves the router until the function is shut down. Whom a request comes from is told as on one machine.
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
    announce_start();
    lambda_http::run(router).await.map_err(RuntimeError)
}

/// The address that the gateway saw, which the caller cannot choose.
fn source(request: &Request) -> Option<IpAddr> {
    match request.extensions().get()? {
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_deref()?.parse().ok(),
        _ => None,
    }
}
