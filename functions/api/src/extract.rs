//! Axum's extractors with a [`Problem`] as their rejection, which names the wrong parameter.
//!
//! Refuses to validate values: the extracted types do that. Types for query parameters should carry
//! `#[serde(deny_unknown_fields)]`, so that a misspelt filter is an error and not ignored.

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::{Problem, parameters, read_body};

/// The largest body that [`Json`] reads: 1 MiB.
pub const MAX_JSON_BYTES: usize = 1024 * 1024;

/// The parsed query string. Rejects with 400.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        axum::extract::Query::try_from_uri(&parts.uri).map(|axum::extract::Query(value)| Self(value)).map_err(
            |rejection| {
                let text = rejection.body_text();
                // Axum's own words before those of the fault.
                let fault = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
                Problem::rejected(rejection.status(), parameters::query_fault(parts, fault))
            },
        )
    }
}

/// The parsed parameters of the path. Rejects with 400.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|rejection| {
                Problem::rejected(rejection.status(), parameters::path_fault(parts, &rejection.body_text()))
            })
    }
}

/// A parsed body of type `application/json`, up to [`MAX_JSON_BYTES`] after decompression. Rejects with 415 for another
/// type, with 400 for invalid JSON, and as [`read_body`] does.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let media_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
            return Err(Problem::unsupported_media_type("Content-Type must be application/json"));
        }
        let bytes = read_body(&parts.headers, body, MAX_JSON_BYTES).await?;
        // The same is refused here as in events: what would not be read back as it was written.
        domain::json::parse(&bytes).map_err(|error| Problem::bad_request(error.to_string()))?;
        let bytes = domain::json::without_bom(&bytes);
        // Serde would take the elements of a list for the fields of an object.
        if bytes.trim_ascii_start().starts_with(b"[") {
            return Err(Problem::bad_request("the body must be a JSON object"));
        }
        axum::Json::from_bytes(bytes).map(|axum::Json(value)| Self(value)).map_err(|rejection| {
            let text = rejection.body_text();
            // Axum's own words before those of the fault.
            let fault = text.strip_prefix("Failed to deserialize the JSON body into the target type: ");
            Problem::bad_request(parameters::body_fault(&parts, bytes, fault.unwrap_or(&text)))
        })
    }
}
