//! Passing a request on to the emulator, for whoever stands between it and an adapter.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;

use crate::emulator::Emulator;

/// What the emulator answered.
#[derive(Debug)]
pub struct Passed {
    /// The status.
    pub status: http::StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Asks the emulator what an adapter asked, with this body.
///
/// # Panics
/// When the emulator does not answer.
pub async fn pass_on(client: &reqwest::Client, parts: Parts, body: Bytes) -> Passed {
    let mut headers = parts.headers;
    for name in ["host", "content-length"] {
        headers.remove(name);
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
