//! `/v1/config`: reads, checks and replaces the active rules document.

use api::{Authorized, Problem, read_body, scope};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use domain::message::{QueueMessage, QueuedWork};
use domain::ports::{ActiveRules, SaveOutcome};
use http::header::{ALLOW, CONTENT_TYPE, ETAG, IF_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::SignedDuration;
use rulesfile::Fault;
use serde::Serialize;
use serde_json::json;

use crate::{Console, RulesSource};

const MAX_BYTES: usize = 1024 * 1024;
/// Longer than any dispatcher uses the previous document.
const DISPATCHERS_LAG: SignedDuration = SignedDuration::from_secs(90);
const YAML: HeaderValue = HeaderValue::from_static("application/yaml");

/// The result of a check. A document without faults is valid, whatever its warnings.
#[derive(Serialize)]
pub(crate) struct CheckResult {
    valid: bool,
    faults: Vec<Fault>,
    /// Probable mistakes in a valid document; empty if there are faults.
    warnings: Vec<Fault>,
}

/// The version of the new document.
#[derive(Serialize)]
pub(crate) struct ReplaceResult {
    version: u64,
}

/// Gets the active document as it was written. Its version is the `ETag`.
pub(crate) async fn show(_: Authorized<scope::Read>, State(console): State<Console>) -> Result<Response, Problem> {
    let active = console.configuration.current().await?;
    // The console reads from this header whether it can offer to apply changes.
    let allowed = match console.rules {
        RulesSource::File => "GET, HEAD",
        RulesSource::Stored(_) => "GET, HEAD, PUT",
    };
    let mut response = document_response(&active);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    Ok(response)
}

/// A response with the document as it was written. Its version is the `ETag`.
pub(crate) fn document_response(active: &ActiveRules) -> Response {
    ([(CONTENT_TYPE, YAML), etag(active.version)], active.source.clone()).into_response()
}

/// Lists all faults of a document, or its warnings if it has no faults. Changes nothing.
pub(crate) async fn check(_: Authorized<scope::Read>, request: Request) -> Result<Json<CheckResult>, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = read_body(&parts.headers, body, MAX_BYTES).await?;
    Ok(Json(match rulesfile::read_with_warnings(&bytes) {
        Ok(checked) => CheckResult { valid: true, faults: Vec::new(), warnings: checked.warnings },
        Err(faults) => CheckResult { valid: false, faults, warnings: Vec::new() },
    }))
}

/// Replaces the version that `If-Match` names by a valid document.
pub(crate) async fn replace(
    caller: Authorized<scope::Admin>,
    State(console): State<Console>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let RulesSource::Stored(documents) = &console.rules else {
        return Err(Problem::conflict(
            "the rules document comes from a file; edit that file, Nuncio reloads it automatically",
        ));
    };
    let expected = expected_version(&parts.headers)?;
    let bytes = read_body(&parts.headers, body, MAX_BYTES).await?;
    let document = rulesfile::read(&bytes).map_err(|faults| {
        Problem::unprocessable("the rules document has faults and was not applied").with("faults", json!(faults))
    })?;
    let source = String::from_utf8_lossy(&bytes).into_owned();
    let by = caller.into_token().bearer();
    let active = ActiveRules { version: expected + 1, document, source, at: console.clock.now(), by };
    match documents.save(&active).await? {
        SaveOutcome::Saved => {
            activate_detections(&console, &active).await;
            Ok(([etag(active.version)], Json(ReplaceResult { version: active.version })).into_response())
        }
        SaveOutcome::Conflict => {
            Err(Problem::precondition_failed("the document has changed since that version; get it and try again"))
        }
    }
}

/// Has the detections activated once every dispatcher has the document. If that fails, the next event activates them.
async fn activate_detections(console: &Console, active: &ActiveRules) {
    if active.document.detections().next().is_none() {
        return;
    }
    let message = QueueMessage::new(QueuedWork::Groups(Vec::new()));
    if let Err(error) = console.stores.queue.send(&[message], DISPATCHERS_LAG).await {
        tracing::warn!(%error, "the activation of detections could not be queued; the next event activates them");
    }
}

fn etag(version: u64) -> (HeaderName, HeaderValue) {
    let value = HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""));
    (ETAG, value)
}

fn expected_version(headers: &HeaderMap) -> Result<u64, Problem> {
    let Some(value) = headers.get(IF_MATCH) else {
        return Err(Problem::precondition_required(
            "name the version that you replace in If-Match: the ETag of GET /v1/config",
        ));
    };
    let text = value.to_str().unwrap_or_default().trim();
    text.trim_start_matches("W/")
        .trim_matches('"')
        .parse()
        .map_err(|_| Problem::bad_request("If-Match must be the ETag of GET /v1/config, such as \"3\""))
}
