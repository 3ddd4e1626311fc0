//! `GET /openapi.json`: the description of the API, as OpenAPI 3.1.
//!
//! `openapi.json`, next to this crate's manifest, describes the routes. This module adds the responses that many routes
//! share: a missing or wrong token, too many wrong tokens, a body that is too large or too slow, an unavailable store.
//! `tests/architecture.rs` compares the description with the routers.

use std::sync::OnceLock;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};

const DESCRIPTION: &str = include_str!("../openapi.json");

/// Needs no token: the description contains no stored data.
pub(crate) async fn show() -> Response {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let document = DOCUMENT.get_or_init(|| document().to_string().into());
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], document.clone()).into_response()
}

/// The description with the shared responses and the version.
pub(crate) fn document() -> Value {
    let mut document: Value = serde_json::from_str(DESCRIPTION).unwrap_or_default();
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        let open = operation["security"] == json!([]);
        let reads = operation.get("requestBody").is_some();
        if let Some(responses) = operation["responses"].as_object_mut() {
            for (status, name) in shared_responses(open, reads) {
                responses.entry(status).or_insert(json!({ "$ref": format!("#/components/responses/{name}") }));
            }
        }
    }
    document
}

fn shared_responses(open: bool, reads: bool) -> Vec<(&'static str, &'static str)> {
    let mut responses = vec![("503", "Unavailable")];
    if !open {
        responses.extend([("401", "Unauthorized"), ("403", "Forbidden"), ("429", "TooManyFailures")]);
    }
    if reads {
        responses.extend([("408", "Timeout"), ("413", "TooLarge")]);
    }
    responses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_responses_are_described_on_every_route() {
        let document = document();
        let answers = |path: &str, method: &str| {
            document["paths"][path][method]["responses"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(answers("/healthz", "get"), ["200", "503"]);
        assert_eq!(answers("/v1/config", "get"), ["200", "503", "401", "403", "429"]);
        assert_eq!(answers("/v1/config/check", "post")[3..], ["503", "401", "403", "429", "408", "413"]);
        let own = &document["paths"]["/v1/events"]["post"]["responses"]["413"];
        assert!(own.get("$ref").is_none(), "a response that the route describes itself is kept");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut open = vec![&document];
        while let Some(value) = open.pop() {
            match value {
                Value::Object(object) => open.extend(object.values()),
                Value::Array(items) => open.extend(items),
                Value::String(text) if text.starts_with("#/") => {
                    assert!(document.pointer(&text[1..]).is_some(), "{text} leads nowhere");
                }
                _ => {}
            }
        }
    }
}
