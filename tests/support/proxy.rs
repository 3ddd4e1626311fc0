//! Forwards a request to the emulator, for tests that stand between it and an adapter.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;

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

impl From<Passed> for Response {
    fn from(passed: Passed) -> Self {
        let mut response = Self::new(Body::from(passed.body));
        *response.status_mut() = passed.status;
        *response.headers_mut() = passed.headers;
        response
    }
}
