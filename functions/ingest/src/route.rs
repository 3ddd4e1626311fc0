//! The routes, and the way of a request through the stages.
//!
//! Adds no fallback, so that the router can be merged with others on the same paths; whoever composes
//! calls `api::finish`. A fault of the request as a whole stores nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::Problem;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::Timestamp;
use domain::access::token::Scope;
use domain::ports::StoreError;
use domain::trace::TraceParent;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
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

/// The way in, and whether it led anywhere the last time.
struct Shared {
    ingest: Ingest,
    /// When the store last failed to accept events, if it has accepted none since.
    failed: Mutex<Option<Timestamp>>,
}

impl Shared {
    fn failed(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `POST /v1/events` and `GET /healthz`.
pub fn router(ingest: Ingest) -> Router {
    let shared = Shared { ingest, failed: Mutex::default() };
    Router::new().route("/v1/events", post(events)).route("/healthz", get(health)).with_state(Arc::new(shared))
}

async fn events(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let trace = trace::of(&head.headers, shared.ingest.entropy.as_ref());
    match taken(&shared, head, body, trace).await {
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
    shared: &Shared,
    head: Parts,
    body: Body,
    trace: Option<TraceParent>,
) -> Result<(Response, Option<TraceParent>), Problem> {
    let ingest = &shared.ingest;
    ingest.door.admit(&head.headers, Scope::Ingest).await?;
    let format = Format::of(&head.headers)?;
    let key = key::of(&head.headers)?;
    let memory = &ingest.memory;
    let body = api::receive(&head.headers, body, MAX_BODY_BYTES, memory).await.map_err(busy)?;
    let active = ingest.configuration.current().await.map_err(repeatable)?;
    // Held until the events are stored.
    let _reading = memory.read(domain::json::memory(&body.bytes)).await.map_err(busy)?;
    let decoded = decode::events(format, &head.headers, &body.bytes, memory.most(), &active.document)?;
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
async fn health(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
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
