//! The routes, and the order of the stages that a request passes.
//!
//! Adds no fallback and no middleware, so that the router can be merged with others; the composition root calls
//! `api::with_middleware`. If the request as a whole is faulty, none of its events is stored.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::{Authenticator, Authorized, Problem, scope};
use axum::body::Body;
use axum::extract::{FromRef, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::Timestamp;
use domain::ports::StoreError;
use domain::trace::TraceParent;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::SignedDuration;
use serde_json::json;

use crate::format::Format;
use crate::limits::MAX_BODY_BYTES;
use crate::{Ingest, decode, idempotency_key, response, trace};

/// How long `/healthz` reports a failure after the store has rejected events, unless it has accepted others since.
const UNHEALTHY_FOR: SignedDuration = SignedDuration::from_secs(30);

#[derive(Clone)]
struct AppState(Arc<Shared>);

/// The stage, and the last failure of the store.
struct Shared {
    ingest: Ingest,
    /// When the store last rejected events; `None` if it has accepted events since.
    failed: Mutex<Option<Timestamp>>,
}

impl FromRef<AppState> for Authenticator {
    fn from_ref(AppState(shared): &AppState) -> Self {
        shared.ingest.authenticator.clone()
    }
}

impl Shared {
    fn failed(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `POST /v1/events`, the handshake before it, and `GET /healthz`.
pub fn router(ingest: Ingest) -> Router {
    let state = AppState(Arc::new(Shared { ingest, failed: Mutex::default() }));
    Router::new()
        .route("/v1/events", post(events).options(allow_sender))
        .route("/healthz", get(health))
        .with_state(state)
}

/// Grants senders of CloudEvents the permission that they ask for before they post (HTTP 1.1 Web Hooks for Event
/// Delivery 1.0.2, section 4). It protects receivers that check no credentials; here each post needs a token, so that
/// any sender may ask.
async fn allow_sender(headers: HeaderMap) -> Response {
    let mut answer = StatusCode::NO_CONTENT.into_response();
    if let Some(origin) = headers.get("webhook-request-origin") {
        answer.headers_mut().insert("webhook-allowed-origin", origin.clone());
        answer.headers_mut().insert("webhook-allowed-rate", HeaderValue::from_static("*"));
    }
    answer
}

/// Takes a failed authorisation as a value, because that response must carry the caller's trace, too.
async fn events(
    authorized: Result<Authorized<scope::Ingest>, Problem>,
    State(AppState(shared)): State<AppState>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let trace = trace::from_headers(&head.headers, shared.ingest.acceptance.entropy.as_ref());
    let result = match authorized {
        Ok(caller) => accept_request(&caller, &shared, head, body, trace).await,
        Err(problem) => Err(problem),
    };
    match result {
        Ok((response, lone)) => with_trace(response, lone.or(trace)),
        Err(problem) => with_trace(problem.into_response(), trace),
    }
}

/// Adds the `traceparent` header.
fn with_trace(mut response: Response, trace: Option<TraceParent>) -> Response {
    if let Some(text) = trace.and_then(|trace| HeaderValue::try_from(trace.to_string()).ok()) {
        response.headers_mut().insert(trace::TRACEPARENT, text);
    }
    response
}

/// The response, and the trace of the event if the request has only one event.
async fn accept_request(
    _: &Authorized<scope::Ingest>,
    shared: &Shared,
    head: Parts,
    body: Body,
    trace: Option<TraceParent>,
) -> Result<(Response, Option<TraceParent>), Problem> {
    let ingest = &shared.ingest;
    let format = Format::from_headers(&head.headers)?;
    let key = idempotency_key::from_headers(&head.headers)?;
    let memory = &ingest.memory;
    let mut body =
        api::read_body_within(&head.headers, body, MAX_BODY_BYTES, memory).await.map_err(with_retry_advice)?;
    let active = ingest.acceptance.configuration.current().await.map_err(retryable)?;
    // The guard reserves the memory until the events are stored.
    let encoded = decode::encoded_memory(format, &body.bytes);
    let estimate = domain::json::memory(&body.bytes).saturating_add(encoded);
    let _decoding = memory.decode(estimate, &mut body.wait).await.map_err(with_retry_advice)?;
    let most = memory.max_decoded();
    let encoded = encoded.min(most);
    let decoded = decode::events(format, &head.headers, &body.bytes, most - encoded, encoded, &active.document)?;
    drop(body);
    let (drafts, positions) = decoded.split();
    let named = drafts.first().and_then(|draft| draft.as_ref().ok()?.traceparent).or(trace);
    let outcomes = ingest.acceptance.accept(drafts, key, trace, &active.document).await;
    match &outcomes {
        Err(_) => *shared.failed() = Some(ingest.acceptance.clock.now()),
        Ok(outcomes) if outcomes.iter().any(Result::is_ok) => *shared.failed() = None,
        Ok(_) => {}
    }
    let outcomes = outcomes.map_err(retryable)?;
    let lone = match outcomes[..] {
        [Ok(pk)] => Some(named.unwrap_or_else(|| pk.trace())),
        _ => None,
    };
    Ok((response::build(outcomes, &positions)?, lone))
}

/// Reports whether events can be accepted: whether the store accepts writes and has accepted the last events.
async fn health(State(AppState(shared)): State<AppState>) -> Result<Response, Problem> {
    let unavailable = |problem: Problem| match problem.status() {
        StatusCode::SERVICE_UNAVAILABLE => problem,
        _ => Problem::unavailable("the store rejects writes at the moment; the server's log has the reason"),
    };
    shared.ingest.acceptance.intake.ready().await.map_err(|error| unavailable(error.into()))?;
    let failed = *shared.failed();
    if failed.is_some_and(|failed| domain::time::later(failed, UNHEALTHY_FOR) > shared.ingest.acceptance.clock.now()) {
        return Err(Problem::unavailable("the store rejected the last events; the server's log has the reason"));
    }
    Ok((StatusCode::OK, Json(json!({ "status": "ok" }))).into_response())
}

fn retryable(error: StoreError) -> Problem {
    with_retry_advice(Problem::from(error))
}

/// Tells callers of an unavailable service that they may repeat the request.
fn with_retry_advice(problem: Problem) -> Problem {
    if problem.status() != StatusCode::SERVICE_UNAVAILABLE {
        return problem;
    }
    let detail = format!("{}; you can safely post the same request again", problem.detail());
    problem.with_detail(detail)
}
