//! `/v1/config`: the rules document in force, and putting another in its place.

use api::{Authorized, Problem, read_body, scope};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use domain::ports::{Active, Saved};
use http::header::{ALLOW, CONTENT_TYPE, ETAG, IF_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue};
use rulesfile::Fault;
use serde::Serialize;
use serde_json::json;

use crate::{Console, RulesSource};

const MAX_BYTES: usize = 1024 * 1024;
const YAML: HeaderValue = HeaderValue::from_static("application/yaml");

#[derive(Serialize)]
pub(crate) struct Checked {
    valid: bool,
    faults: Vec<Fault>,
}

#[derive(Serialize)]
pub(crate) struct Replaced {
    version: u64,
}

/// The document as it was written; its version is the `ETag`.
pub(crate) async fn show(_: Authorized<scope::Read>, State(console): State<Console>) -> Result<Response, Problem> {
    let active = console.configuration.current().await?;
    // Says beforehand whether it can be replaced here.
    let allowed = match console.rules {
        RulesSource::File => "GET, HEAD",
        RulesSource::Stored(_) => "GET, HEAD, PUT",
    };
    let mut response = written(&active);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    Ok(response)
}

/// A document as it was written; its version is the `ETag`.
pub(crate) fn written(active: &Active) -> Response {
    ([(CONTENT_TYPE, YAML), etag(active.version)], active.source.clone()).into_response()
}

/// Says every fault; changes nothing.
pub(crate) async fn check(_: Authorized<scope::Read>, request: Request) -> Result<Json<Checked>, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = read_body(&parts.headers, body, MAX_BYTES).await?;
    let faults = rulesfile::read(&bytes).err().unwrap_or_default();
    Ok(Json(Checked { valid: faults.is_empty(), faults }))
}

/// Puts a valid document in the place of the version that `If-Match` names.
pub(crate) async fn replace(
    caller: Authorized<scope::Admin>,
    State(console): State<Console>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let RulesSource::Stored(documents) = &console.rules else {
        return Err(Problem::conflict(
            "the rules document comes from a file; edit the file, it is read again by itself",
        ));
    };
    let seen = version_seen(&parts.headers)?;
    let bytes = read_body(&parts.headers, body, MAX_BYTES).await?;
    let document = rulesfile::read(&bytes).map_err(|faults| {
        Problem::unprocessable("the rules document has faults; the one in force stays").with("faults", json!(faults))
    })?;
    let source = String::from_utf8_lossy(&bytes).into_owned();
    let by = caller.into_token().bearer();
    let active = Active { version: seen + 1, document, source, at: console.clock.now(), by };
    match documents.save(&active).await? {
        Saved::Saved => Ok(([etag(active.version)], Json(Replaced { version: active.version })).into_response()),
        Saved::Conflict => Err(Problem::precondition_failed("the document has changed since; get it and try again")),
    }
}

fn etag(version: u64) -> (HeaderName, HeaderValue) {
    let value = HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""));
    (ETAG, value)
}

fn version_seen(headers: &HeaderMap) -> Result<u64, Problem> {
    let Some(value) = headers.get(IF_MATCH) else {
        return Err(Problem::precondition_required(
            "say in If-Match which version you replace: the ETag of GET /v1/config",
        ));
    };
    let text = value.to_str().unwrap_or_default().trim();
    text.trim_start_matches("W/")
        .trim_matches('"')
        .parse()
        .map_err(|_| Problem::bad_request("If-Match must be the ETag of GET /v1/config, such as \"3\""))
}
