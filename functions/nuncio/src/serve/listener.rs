//! HTTP on one machine.
//!
//! Owns what strangers may take of it before they show a token: how many connections there are, and how long
//! and how large a request's head may be. The same patience holds for a connection that asks for nothing.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt as _;

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
    let places = Arc::new(Semaphore::new(places()));
    let mut asked = pin!(shutdown.requested());
    loop {
        let (stream, peer, place) = tokio::select! {
            () = &mut asked => break,
            visitor = visitor(&listener, &places) => visitor,
        };
        // Answers are small: waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let service = service_fn(move |mut request: axum::http::Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request.map(Body::new))
        });
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // How a connection ends is its client's affair.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    open.shutdown().await;
}

async fn visitor(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            // It hung up before its turn, or the system has no more sockets for a while.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// How many connections there may be at a time: as many as the system lets a process have, up to the most.
fn places() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(u64::MAX).min(CONNECTIONS + OTHER_FILES);
    let had = limit.current.unwrap_or(u64::MAX);
    let raised =
        wanted > had && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }).is_ok();
    let files = if raised { wanted } else { had };
    let places = files.saturating_sub(OTHER_FILES).clamp(OTHER_FILES, CONNECTIONS);
    tracing::debug!(connections = places, "room for connections");
    usize::try_from(places).unwrap_or(usize::MAX)
}
