//! The routes, and the way of a request through the stages.
//!
//! Adds no fallback, so that the router can be merged with others on the same paths; whoever composes
//! calls `api::with_middleware`. A fault of the request as a whole stores nothing.

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
use http::header::ALLOW;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::SignedDuration;
use serde_json::json;

use crate::format::Format;
use crate::{Ingest, answer, decode, key, trace};

/// The most bytes of a request's body, counted after decompression: 5 MiB.
pub const MAX_BODY_BYTES: usize = 5 * 1024 * 1024;

/// The most events of a request.
pub const MAX_EVENTS: usize = 1000;

/// For how long events that the store did not accept say that it accepts none, unless it has accepted others since.
const DOUBTED: SignedDuration = SignedDuration::from_secs(30);

#[derive(Clone)]
struct AppState(Arc<Shared>);

/// The stage, and whether the store accepted the last events.
struct Shared {
    ingest: Ingest,
    /// When the store last failed to accept events, if it has accepted none since.
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

/// Grants senders of CloudEvents the permission that they ask for before they post (HTTP 1.1 Web Hooks for Event Delivery
/// 1.0.2, section 4). It protects receivers that check no credentials; here each post needs a token, so that any sender may ask.
async fn allow_sender(headers: HeaderMap) -> Response {
    let mut answer = (StatusCode::NO_CONTENT, [(ALLOW, HeaderValue::from_static("OPTIONS, POST"))]).into_response();
    if let Some(origin) = headers.get("webhook-request-origin") {
        answer.headers_mut().insert("webhook-allowed-origin", origin.clone());
        answer.headers_mut().insert("webhook-allowed-rate", HeaderValue::from_static("*"));
    }
    answer
}

/// Takes the rejection of a caller as a value: that response carries the caller's trace, too.
async fn events(
    authorized: Result<Authorized<scope::Ingest>, Problem>,
    State(AppState(shared)): State<AppState>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let trace = trace::of(&head.headers, shared.ingest.entropy.as_ref());
    let taken = match authorized {
        Ok(caller) => taken(&caller, &shared, head, body, trace).await,
        Err(problem) => Err(problem),
    };
    match taken {
        Ok((answer, lone)) => traced(answer, lone.or(trace)),
        Err(problem) => traced(problem.into_response(), trace),
    }
}

fn traced(mut answer: Response, trace: Option<TraceParent>) -> Response {
    if let Some(text) = trace.and_then(|trace| HeaderValue::try_from(trace.to_string()).ok()) {
        answer.headers_mut().insert(trace::TRACEPARENT, text);
    }
    answer
}

/// The answer, and the trace of the event if it is the only one.
async fn taken(
    _: &Authorized<scope::Ingest>,
    shared: &Shared,
    head: Parts,
    body: Body,
    trace: Option<TraceParent>,
) -> Result<(Response, Option<TraceParent>), Problem> {
    let ingest = &shared.ingest;
    let format = Format::of(&head.headers)?;
    let key = key::of(&head.headers)?;
    let memory = &ingest.memory;
    let body = api::read_body_within(&head.headers, body, MAX_BODY_BYTES, memory).await.map_err(busy)?;
    let active = ingest.configuration.current().await.map_err(repeatable)?;
    // Held until the events are stored.
    let _reading = memory.read(domain::json::memory(&body.bytes)).await.map_err(busy)?;
    let decoded = decode::events(format, &head.headers, &body.bytes, memory.max_read(), &active.document)?;
    drop(body);
    let (drafts, places) = decoded.split();
    let named = drafts.first().and_then(|draft| draft.as_ref().ok()?.traceparent).or(trace);
    let verdicts = ingest.take(drafts, key, trace, &active.document).await;
    match &verdicts {
        Err(_) => *shared.failed() = Some(ingest.clock.now()),
        Ok(verdicts) if verdicts.iter().any(Result::is_ok) => *shared.failed() = None,
        Ok(_) => {}
    }
    let verdicts = verdicts.map_err(repeatable)?;
    let lone = match verdicts[..] {
        [Ok(pk)] => Some(named.unwrap_or_else(|| pk.trace())),
        _ => None,
    };
    Ok((answer::of(verdicts, &places)?, lone))
}

/// Whether events can be accepted: whether the store takes a write, and took the last events.
async fn health(State(AppState(shared)): State<AppState>) -> Result<Response, Problem> {
    let away = |problem: Problem| match problem.status() {
        StatusCode::SERVICE_UNAVAILABLE => problem,
        _ => Problem::unavailable("the store accepts no events; the log says why"),
    };
    shared.ingest.intake.ready().await.map_err(|error| away(error.into()))?;
    let failed = *shared.failed();
    if failed.is_some_and(|failed| domain::time::later(failed, DOUBTED) > shared.ingest.clock.now()) {
        return Err(Problem::unavailable("the store did not accept the last events; the log says why"));
    }
    Ok((StatusCode::OK, Json(json!({ "status": "ok" }))).into_response())
}

fn repeatable(error: StoreError) -> Problem {
    busy(Problem::from(error))
}

/// What is unavailable is asked for again, and may be.
fn busy(problem: Problem) -> Problem {
    if problem.status() != StatusCode::SERVICE_UNAVAILABLE {
        return problem;
    }
    let detail = format!("{}; posting the same again is safe", problem.detail());
    problem.with_detail(detail)
}
