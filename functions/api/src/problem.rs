//! Errors as RFC 9457 `application/problem+json` responses.
//!
//! Owns which error has which status. Refuses to show callers details that are meant for the operator: those go to the
//! log, once, where the problem is created.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use domain::ports::StoreError;
use http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// The `Retry-After` of a 503, in seconds.
pub const RETRY_AFTER_SECONDS: u32 = 5;

/// An error response: a status, a `detail` text for the caller, further members and headers.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    status: StatusCode,
    detail: Cow<'static, str>,
    members: Vec<(&'static str, Value)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, detail: detail.into(), members: Vec::new(), headers: Vec::new() }
    }

    /// 400: the request is malformed.
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401 with `WWW-Authenticate`: the token is missing or not valid.
    pub fn unauthorized(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail).header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 403: the token is valid, but does not allow this request.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404: the path or the object does not exist.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 405: the path does not support the method. The router adds `Allow`.
    pub fn method_not_allowed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, detail)
    }

    /// 408: the request did not arrive completely in time.
    pub fn request_timeout(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, detail)
    }

    /// 409: the request conflicts with the current state of the object.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// 412: the object has changed since the version that the caller names in `If-Match`.
    pub fn precondition_failed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, detail)
    }

    /// 413: the request exceeds a limit, which the detail must name.
    pub fn too_large(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// 415: the type or encoding of the body is not supported. The detail must name the supported ones.
    pub fn unsupported_media_type(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// 422: the request is well-formed, but its content is not valid.
    pub fn unprocessable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// 428: the caller must send `If-Match`.
    pub fn precondition_required(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::PRECONDITION_REQUIRED, detail)
    }

    /// 429 with `Retry-After`: this address has sent too many wrong tokens and is blocked for `seconds`.
    pub fn too_many_failures(seconds: i64) -> Self {
        let detail = format!("too many wrong tokens from this address; try again after {seconds} seconds");
        Self::new(StatusCode::TOO_MANY_REQUESTS, detail).header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// 500: an error in Nuncio. Log the cause before you return this.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error; see Nuncio's log")
    }

    /// 503 with `Retry-After`: the request cannot be served now, but repeating it later may succeed.
    pub fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).header(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS))
    }

    /// The problem for a rejection by one of axum's extractors, which chooses the status.
    pub(crate) fn rejected(status: StatusCode, detail: String) -> Self {
        Self::new(status, detail)
    }

    /// Adds a member to the body, next to `type`, `title`, `status` and `detail`.
    pub fn with(mut self, name: &'static str, value: Value) -> Self {
        self.members.push((name, value));
        self
    }

    /// Adds a response header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Replaces the text for the caller. The status, the headers and the other members stay.
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The status of the response.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The text for the caller.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4 + self.members.len()))?;
        map.serialize_entry("type", "about:blank")?;
        map.serialize_entry("title", self.status.canonical_reason().unwrap_or("Error"))?;
        map.serialize_entry("status", &self.status.as_u16())?;
        map.serialize_entry("detail", &self.detail)?;
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let json = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(json));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.extend(self.headers);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = %error, "cannot serve a request: the store or the queue failed");
        match error {
            StoreError::Unavailable { part, .. } => {
                Self::unavailable(format!("the {part} is unavailable; try again after {RETRY_AFTER_SECONDS} seconds"))
            }
            StoreError::Corrupt(_) => Self::internal(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    async fn shown(problem: Problem) -> (StatusCode, http::HeaderMap, Value) {
        let (parts, body) = problem.into_response().into_parts();
        let bytes = axum::body::to_bytes(body, 10_000).await.unwrap();
        (parts.status, parts.headers, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn a_problem_has_type_title_status_and_detail() {
        let (status, headers, body) = shown(Problem::unprocessable("no event taken").with("results", json!([1]))).await;
        assert_eq!(status, 422);
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(
            body,
            json!({ "type": "about:blank", "title": "Unprocessable Entity", "status": 422, "detail": "no event taken", "results": [1] })
        );
    }

    #[tokio::test]
    async fn a_failing_store_is_503_and_keeps_its_detail_for_the_operator() {
        let (status, headers, body) = shown(StoreError::queue("sqs said: account 1234").into()).await;
        assert_eq!((status.as_u16(), &headers["retry-after"]), (503, &HeaderValue::from_static("5")));
        assert_eq!(body["detail"], "the queue is unavailable; try again after 5 seconds");

        let (status, headers, body) = shown(StoreError::Corrupt("row 7".to_owned()).into()).await;
        assert_eq!((status.as_u16(), headers.get("retry-after")), (500, None));
        assert!(!body.to_string().contains("row 7"));
    }

    #[tokio::test]
    async fn a_401_names_the_scheme() {
        let (status, headers, _) = shown(Problem::unauthorized("unknown token")).await;
        assert_eq!((status.as_u16(), &headers["www-authenticate"]), (401, &HeaderValue::from_static("Bearer")));
    }
}
