//! HTTP on one machine.
//!
//! Owns what strangers may take of it before they show a token: how many connections there are, and how long
//! and how large a request's head may be. The same patience holds for a connection that asks for nothing, and where there
//! is no room for another, the one that has asked for nothing for longest makes it.

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

use super::connections::{Busy, Connections, LOOK};
use super::shutdown::Shutdown;

/// How long a request's head may take to come, counted from the end of the answer before it.
const HEAD: Duration = Duration::from_secs(15);
/// The most bytes of a head; a larger one is answered 431.
const HEAD_BYTES: usize = 64 * 1024;
/// More connections than this wait until one ends.
const CONNECTIONS: u64 = 4096;
/// Open files that are kept for the store and the way out.
const OTHER_FILES: u64 = 256;

/// Serves until the process is asked to end; then what is in hand is finished.
pub(super) async fn serve(listener: TcpListener, router: Router, shutdown: Shutdown) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_header_size(HEAD_BYTES);
    let open = GracefulShutdown::new();
    let connections = Connections::up_to(places());
    let mut asked = pin!(shutdown.requested());
    loop {
        let (stream, peer, place) = tokio::select! {
            () = &mut asked => break,
            visitor = visitor(&listener, &connections) => visitor,
        };
        // Answers are small: waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let visit = connections.begin();
        let served = visit.clone();
        let service = service_fn(move |mut request: axum::http::Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            let (router, busy) = (router.clone(), served.busy());
            async move {
                let answer = match host_fault(&request) {
                    Some(problem) => problem.into_response(),
                    None => router.oneshot(request.map(Body::new)).await?,
                };
                Ok::<_, Infallible>(answer.map(|body| Answer { body, _busy: busy }))
            }
        });
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            tokio::select! {
                // How a connection ends is its client's affair.
                _ = connection => {}
                () = visit.closed() => {}
            }
            drop(place);
        });
    }
    drop(listener);
    open.shutdown().await;
}

async fn visitor(
    listener: &TcpListener,
    connections: &Connections,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    let place = connections.place().await;
    loop {
        if let Ok((stream, peer)) = listener.accept().await {
            return (stream, peer, place);
        }
        // It hung up before its turn, or the system has no more sockets for a while.
        connections.close_one();
        tokio::time::sleep(LOOK).await;
    }
}

/// What a request's `Host` is at fault with (RFC 9112, 3.2): a proxy in between might have taken it for another.
fn host_fault(request: &axum::http::Request<Incoming>) -> Option<Problem> {
    let mut lines = request.headers().get_all(HOST).iter();
    let (first, second) = (lines.next(), lines.next());
    let is_one = |host: &HeaderValue| {
        let authority = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
        host.is_empty() || authority.is_some_and(|authority| !authority.as_str().contains('@'))
    };
    let fault = match (first, second) {
        (_, Some(_)) => "a request has one Host header, not several",
        (None, None) if request.version() == Version::HTTP_11 => "a request by HTTP/1.1 has a Host header",
        (Some(host), None) if !is_one(host) => "the Host header is no host",
        _ => return None,
    };
    Some(Problem::bad_request(fault))
}

/// How many connections there may be at a time: as many as the system lets a process have, up to the most. Where that
/// is little, most is left to the store.
fn places() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(u64::MAX).min(CONNECTIONS + OTHER_FILES);
    let had = limit.current.unwrap_or(u64::MAX);
    let raised =
        wanted > had && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }).is_ok();
    let files = if raised { wanted } else { had };
    let places = files.saturating_sub(OTHER_FILES).max(files / 4).clamp(1, CONNECTIONS);
    tracing::debug!(connections = places, "room for connections");
    usize::try_from(places).unwrap_or(usize::MAX)
}

/// An answer, during which its connection is not idle.
struct Answer {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Answer {
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
