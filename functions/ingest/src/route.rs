//! The routes, and the way of a request through the stages.
//!
//! Adds no fallback, so that the router can be merged with others on the same paths; whoever composes
//! calls `api::finish`. A fault of the request as a whole stores nothing.

use std::sync::Arc;

use api::Problem;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::ports::StoreError;
use domain::token::Scope;
use domain::trace::TraceParent;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::format::Format;
use crate::{Ingest, answer, decode, key, trace};

/// The most bytes of a request's body, counted after decompression: 5 MiB.
pub const MAX_BODY_BYTES: usize = 5 * 1024 * 1024;

/// The most events of a request.
pub const MAX_EVENTS: usize = 1000;

/// `POST /v1/events` and `GET /healthz`.
pub fn router(ingest: Ingest) -> Router {
    Router::new().route("/v1/events", post(events)).route("/healthz", get(health)).with_state(Arc::new(ingest))
}

async fn events(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let trace = trace::of(&head.headers, ingest.entropy.as_ref());
    match taken(&ingest, head, body, trace).await {
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
    ingest: &Ingest,
    head: Parts,
    body: Body,
    trace: Option<TraceParent>,
) -> Result<(Response, Option<TraceParent>), Problem> {
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
    let verdicts = ingest.take(drafts, key, trace, &active.document).await.map_err(repeatable)?;
    let lone = match verdicts[..] {
        [Ok(pk)] => Some(named.unwrap_or_else(|| TraceParent::of_event(pk))),
        _ => None,
    };
    Ok((answer::of(verdicts, &places)?, lone))
}

async fn health(State(ingest): State<Arc<Ingest>>) -> Result<Response, Problem> {
    ingest.intake.ready().await?;
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
