//! HTTP on one machine.
//!
//! Owns the limits that hold before a client shows a token: the number of connections, and the time and size of a
//! request's head. The same time limit applies to idle connections. At the limit, a new connection replaces the one
//! that has been idle for longest.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use api::Problem;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::Version;
use axum::http::header::{HOST, HeaderValue};
use axum::http::uri::Authority;
use axum::response::IntoResponse as _;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tower::ServiceExt as _;

use super::connections::{BusyGuard, Connections, RETRY_INTERVAL};
use super::shutdown::Shutdown;

/// The time limit of a request's head, counted from the end of the response before it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// The most bytes of a request's head. A larger one gets the response 431.
const MAX_HEAD: usize = 64 * 1024;
/// The most connections; further ones wait.
const MAX_CONNECTIONS: u64 = 4096;
/// Open files that are reserved for the store and outgoing connections.
const RESERVED_FILES: u64 = 256;

/// Serves until the process is asked to end, then finishes the running requests.
pub(super) async fn serve(listener: TcpListener, router: Router, shutdown: Shutdown) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_header_size(MAX_HEAD);
    let open = GracefulShutdown::new();
    let connections = Connections::up_to(connection_limit());
    let mut shutdown = pin!(shutdown.requested());
    loop {
        let (stream, peer, permit) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        // Responses are small: waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let handle = connections.register();
        let served = handle.clone();
        let service = service_fn(move |mut request: axum::http::Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            let (router, busy) = (router.clone(), served.busy());
            async move {
                let response = match host_fault(&request) {
                    Some(problem) => problem.into_response(),
                    None => router.oneshot(request.map(Body::new)).await?,
                };
                Ok::<_, Infallible>(response.map(|body| BusyBody { body, _busy: busy }))
            }
        });
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            tokio::select! {
                // An error of a connection concerns its client only.
                _ = connection => {}
                () = handle.closed() => {}
            }
            drop(permit);
        });
    }
    drop(listener);
    open.shutdown().await;
}

/// Waits for a permit and then for a connection.
async fn accept(
    listener: &TcpListener,
    connections: &Connections,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    let permit = connections.permit().await;
    loop {
        if let Ok((stream, peer)) = listener.accept().await {
            return (stream, peer, permit);
        }
        // The client has closed the connection already, or the system has no free sockets.
        connections.close_idle();
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

/// The error of a request's `Host` header (RFC 9112, 3.2), if it has one. A proxy in between might read an ambiguous
/// header differently.
fn host_fault(request: &axum::http::Request<Incoming>) -> Option<Problem> {
    let mut lines = request.headers().get_all(HOST).iter();
    let (first, second) = (lines.next(), lines.next());
    let is_valid = |host: &HeaderValue| {
        let authority = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
        host.is_empty() || authority.is_some_and(|authority| !authority.as_str().contains('@'))
    };
    let fault = match (first, second) {
        (_, Some(_)) => "the request has several Host headers; send one",
        (None, None) if request.version() == Version::HTTP_11 => {
            "the request has no Host header, which HTTP/1.1 requires"
        }
        (Some(host), None) if !is_valid(host) => "the Host header is not a valid host",
        _ => return None,
    };
    Some(Problem::bad_request(fault))
}

/// The number of connections that the system allows, up to [`MAX_CONNECTIONS`]. Raises the process's limit on open
/// files if it may. With a low limit, most files are left to the store.
fn connection_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(u64::MAX).min(MAX_CONNECTIONS + RESERVED_FILES);
    let current = limit.current.unwrap_or(u64::MAX);
    let raised = wanted > current
        && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }).is_ok();
    let files = if raised { wanted } else { current };
    let connections = files.saturating_sub(RESERVED_FILES).max(files / 4).clamp(1, MAX_CONNECTIONS);
    tracing::debug!(connections, "limit of connections");
    usize::try_from(connections).unwrap_or(usize::MAX)
}

/// A response body that marks its connection as busy until it is sent.
struct BusyBody {
    body: Body,
    _busy: BusyGuard,
}

impl HttpBody for BusyBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
