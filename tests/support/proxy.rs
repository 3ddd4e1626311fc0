//! Forwards a request to the emulator, for tests that stand between it and an adapter.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;

use crate::emulator::Emulator;

/// The emulator's response.
#[derive(Debug)]
pub struct Passed {
    /// The response's status.
    pub status: http::StatusCode,
    /// The response's headers.
    pub headers: HeaderMap,
    /// The response's body.
    pub body: Bytes,
}

/// Forwards an adapter's request to the emulator, with this body.
///
/// # Panics
/// When the emulator does not answer.
pub async fn pass_on(client: &reqwest::Client, parts: Parts, body: Bytes) -> Passed {
    pass_on_to(client, None, parts, body).await
}

/// The same, asking for the function whose URL has this host, if one is given.
///
/// # Panics
/// When the emulator does not answer.
pub async fn pass_on_to(client: &reqwest::Client, host: Option<&str>, parts: Parts, body: Bytes) -> Passed {
    let mut headers = parts.headers;
    for name in ["host", "content-length"] {
        headers.remove(name);
    }
    if let Some(host) = host.and_then(|host| host.parse().ok()) {
        headers.insert(http::header::HOST, host);
    }
    let url = format!("{}{}", Emulator::shared().endpoint(), parts.uri);
    let answer = client.request(parts.method, url).headers(headers).body(body).send().await.expect("it answers");
    let (status, headers) = (answer.status(), answer.headers().clone());
    Passed { status, headers, body: answer.bytes().await.expect("its answer can be read") }
}

/// The most bytes of a function's response, as Lambda carries it.
const MAX_RESPONSE: usize = 6_291_556;

/// Starts to forward requests to the functions of the emulator, and returns the address. Like Lambda, and unlike the
/// emulator, answers 502 instead of a response that is too large.
pub async fn limiting_responses() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("127.0.0.1 has a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
    let router = Router::new().fallback(limit_response).with_state(reqwest::Client::new());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn limit_response(State(client): State<reqwest::Client>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
    let body = to_bytes(body, usize::MAX).await.expect("the request can be read");
    let passed = pass_on_to(&client, host.as_deref(), parts, body).await;
    let carried = passed.carried();
    if carried <= MAX_RESPONSE {
        return passed.into();
    }
    let mut response = Response::new(Body::from(format!("Lambda would have to carry {carried} bytes")));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

impl Passed {
    /// The size of the body as a function hands it to Lambda: text as a string in JSON, anything else in base64.
    fn carried(&self) -> usize {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_text = !self.headers.contains_key(CONTENT_ENCODING)
            && (kind.starts_with("text/") || kind.starts_with("application/json"));
        match std::str::from_utf8(&self.body) {
            Ok(text) if is_text => domain::query::escaped_len(text),
            _ => self.body.len().div_ceil(3) * 4,
        }
    }
}

impl From<Passed> for Response {
    fn from(passed: Passed) -> Self {
        let mut response = Self::new(Body::from(passed.body));
        *response.status_mut() = passed.status;
        *response.headers_mut() = passed.headers;
        response
    }
}
