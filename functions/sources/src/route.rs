//! The route of the sources, and the order of the stages that a request passes.
//!
//! Adds no fallback and no middleware, so that the router can be merged with others. A caller whose request is refused
//! learns nothing that helps to forge the next one; the log has the reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{Acceptance, EventOutcome, Problem};
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use domain::metric::{self, Metric, MetricBatch};
use domain::ports::{ActiveRules, SecretText, StoreError};
use domain::rules_document::{EventSource, SourcePreset};
use domain::source::{self, Interpretation, OKTA_CHALLENGE, SourceRequest};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::verify::{RawRequest, verify};
use crate::{Sources, source_error};

/// The maximum size of a request's body in bytes, counted after decompression: 5 MiB.
const MAX_BODY_BYTES: usize = 5 * 1024 * 1024;

/// The maximum number of events that a request may become.
const MAX_EVENTS: usize = 1000;

#[derive(Clone)]
struct AppState(Arc<Sources>);

/// `/in/{source}`: the requests of senders, and the check that some make of a new URL by `GET`.
pub fn router(sources: Sources) -> Router {
    Router::new().route("/in/{source}", post(receive).get(challenge)).with_state(AppState(Arc::new(sources)))
}

async fn receive(
    State(AppState(sources)): State<AppState>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let active = sources.acceptance.configuration.current().await.map_err(retryable)?;
    let source = find(&active, &name)?;
    let mut body = api::read_body_within(&head.headers, body, MAX_BODY_BYTES, &sources.memory).await?;
    authenticate(&sources, &active, source, &head, &body.bytes).await?;
    let estimate = domain::json::memory(&body.bytes);
    let _decoding = sources.memory.decode(estimate, &mut body.wait).await?;
    let content_type = head.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let interpreted = source::parse(content_type, &body.bytes, sources.memory.max_decoded()).and_then(|payload| {
        let request = SourceRequest { headers: texts(&head.headers), payload };
        let id = source::request_id(source, &request);
        Ok((source::interpret(source, &request)?, id))
    });
    drop(body);
    let (events, id) = match interpreted {
        Ok((Interpretation::Handshake(answer), _)) => return Ok(Json(answer).into_response()),
        Ok((Interpretation::Events(events), _)) if events.len() > MAX_EVENTS => {
            let what = format!("the payload becomes {} events; at most {MAX_EVENTS} are allowed", events.len());
            return Err(unmappable(&sources.acceptance, &active, source, &what).await);
        }
        Ok((Interpretation::Events(events), id)) => (events, id),
        Err(why) => return Err(unmappable(&sources.acceptance, &active, source, &why.to_string()).await),
    };
    let drafts: Vec<_> =
        events.into_iter().enumerate().map(|(place, event)| event.into_draft(source, id.as_deref(), place)).collect();
    let outcomes = sources.acceptance.accept(drafts, None, None, &active.document).await.map_err(retryable)?;
    respond(&sources, &active, source, outcomes).await
}

/// Answers Okta's one-time check of a new hook. Every other source has no `GET`.
async fn challenge(
    State(AppState(sources)): State<AppState>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, _) = request.into_parts();
    let active = sources.acceptance.configuration.current().await.map_err(retryable)?;
    let source = find(&active, &name)?;
    if source.preset != Some(SourcePreset::Okta) {
        return Err(Problem::method_not_allowed("this source takes POST"));
    }
    authenticate(&sources, &active, source, &head, b"").await?;
    let challenge = head.headers.get(OKTA_CHALLENGE).and_then(|value| value.to_str().ok());
    let challenge =
        challenge.ok_or_else(|| Problem::bad_request("there is no header x-okta-verification-challenge"))?;
    Ok(Json(json!({ "verification": challenge })).into_response())
}

fn find<'a>(active: &'a ActiveRules, name: &str) -> Result<&'a EventSource, Problem> {
    let found = active.document.sources.get(name);
    found.ok_or_else(|| Problem::not_found("there is no source of this name; `sources` in the rules file defines them"))
}

/// Lets a request pass that one of the source's secrets proves.
async fn authenticate(
    sources: &Sources,
    active: &ActiveRules,
    source: &EventSource,
    head: &Parts,
    body: &[u8],
) -> Result<(), Problem> {
    let secrets = resolve(sources, source).await?;
    let public = active.document.public_url.as_deref();
    let url = public.map(|base| format!("{base}{}", head.uri.path_and_query().map_or("/", |path| path.as_str())));
    let request =
        RawRequest { headers: &head.headers, url: url.as_deref(), query: head.uri.query().unwrap_or_default(), body };
    verify(&source.verification, &secrets, request, sources.acceptance.clock.now()).map_err(|refusal| {
        tracing::warn!(source = source.name, reason = %refusal, "refused a request of a source");
        Problem::unauthorized("the request does not prove that it comes from the sender of this source")
    })
}

/// The texts of the source's secrets. Those that are missing are left out, as long as one is there.
async fn resolve(sources: &Sources, source: &EventSource) -> Result<Vec<SecretText>, Problem> {
    let mut texts = Vec::new();
    for reference in source.verification.secrets() {
        match sources.secrets.resolve(reference).await {
            Ok(text) => texts.push(text),
            Err(error) => tracing::error!(source = source.name, %error, "a secret of a source is missing"),
        }
    }
    if texts.is_empty() {
        return Err(Problem::unavailable("no secret of this source can be read; the server's log has the reason"));
    }
    Ok(texts)
}

/// The headers as texts; of one that occurs twice, the first.
fn texts(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |name: &http::HeaderName| Some((name.as_str().to_owned(), headers.get(name)?.to_str().ok()?.to_owned()));
    headers.keys().filter_map(text).collect()
}

/// 202 if every event was accepted. A sender posts the rest again, and what was accepted is the same event then.
async fn respond(
    sources: &Sources,
    active: &ActiveRules,
    source: &EventSource,
    outcomes: Vec<EventOutcome>,
) -> Result<Response, Problem> {
    let all = outcomes.len();
    let (accepted, rejected): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    let batch = MetricBatch::default().with(Metric::Accepted, accepted.len()).with(Metric::Rejected, rejected.len());
    tracing::info!(target: metric::TARGET, metrics = batch.to_json(), "counted");
    match rejected.into_iter().find_map(Result::err) {
        Some(rejection) => {
            let what = format!("{} {}", rejection.pointer, rejection.detail);
            Err(unmappable(&sources.acceptance, active, source, what.trim()).await)
        }
        None => Ok((StatusCode::ACCEPTED, Json(json!({ "events": all }))).into_response()),
    }
}

/// Records that a payload became no event, and says so to the sender.
async fn unmappable(acceptance: &Acceptance, active: &ActiveRules, source: &EventSource, why: &str) -> Problem {
    tracing::warn!(source = source.name, why, "a payload of a source became no event");
    match source_error::record(acceptance, &active.document, source, why).await {
        Ok(()) => Problem::unprocessable(format!("the payload is not what this source takes: {why}")),
        Err(error) => retryable(error),
    }
}

fn retryable(error: StoreError) -> Problem {
    Problem::from(error)
}
