//! Builds the response: one result per event, in order.
//!
//! The status is 202 if at least one event was accepted, 413 if all events are too large, and otherwise 422. The result
//! of a rejected event has a JSON pointer into the request.

use api::{EventOutcome, Problem};
use axum::Json;
use axum::response::{IntoResponse, Response};
use domain::EventPk;
use domain::admission::{Rejection, RejectionKind};
use domain::metric::{self, Metric, MetricBatch};
use http::StatusCode;
use serde::Serialize;

use crate::decode::{EventPositions, Note, in_cloudevent_terms};

/// The maximum length of the pointer in a note. A key may be as long as the event.
const MAX_POINTER_CHARS: usize = 256;

/// The body of a response with status 202.
#[derive(Serialize)]
struct Results {
    results: Vec<EventResult>,
}

/// The result of one event.
#[derive(Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum EventResult {
    Accepted {
        pk: EventPk,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
    },
    Rejected {
        detail: String,
        pointer: String,
    },
}

/// Builds the response and logs the counts.
///
/// # Errors
/// If no event was accepted.
pub(crate) fn build(outcomes: Vec<EventOutcome>, positions: &EventPositions) -> Result<Response, Problem> {
    let rejected: Vec<RejectionKind> =
        outcomes.iter().filter_map(|outcome| outcome.as_ref().err().map(|it| it.kind)).collect();
    let accepted = outcomes.len() - rejected.len();
    let batch = MetricBatch::default().with(Metric::Accepted, accepted).with(Metric::Rejected, rejected.len());
    tracing::info!(target: metric::TARGET, metrics = batch.to_json(), "counted");
    if !rejected.is_empty() {
        tracing::info!(accepted, rejected = rejected.len(), "some events of a request were rejected");
    }
    let none = rejected.len() == outcomes.len();
    let lines = outcomes.into_iter().zip(&positions.notes).enumerate();
    let results: Vec<EventResult> =
        lines.map(|(index, (outcome, notes))| result(index, outcome, notes, positions)).collect();
    if none { Err(none_accepted(&results, &rejected)) } else { Ok(accepted_response(results)) }
}

fn accepted_response(results: Vec<EventResult>) -> Response {
    (StatusCode::ACCEPTED, Json(Results { results })).into_response()
}

fn none_accepted(results: &[EventResult], rejected: &[RejectionKind]) -> Problem {
    let detail = match results {
        [EventResult::Rejected { detail, .. }] => detail.clone(),
        _ => format!("none of the {} events was accepted; see results for the reasons", results.len()),
    };
    let problem = if rejected.iter().all(|kind| *kind == RejectionKind::TooLarge) {
        Problem::too_large(detail)
    } else {
        Problem::unprocessable(detail)
    };
    problem.with("results", serde_json::to_value(results).unwrap_or_default())
}

fn result(index: usize, outcome: EventOutcome, notes: &[Note], positions: &EventPositions) -> EventResult {
    let prefix = if positions.shape.many { format!("/{index}") } else { String::new() };
    match outcome {
        Ok(pk) => EventResult::Accepted {
            pk,
            notes: notes.iter().map(|note| worded(&format!("{prefix}{}", note.pointer), note.what)).collect(),
        },
        Err(rejection) => {
            let rejection = if positions.shape.cloudevents { in_cloudevent_terms(rejection) } else { rejection };
            let Rejection { pointer, detail, .. } = rejection;
            EventResult::Rejected { detail, pointer: prefix + &pointer }
        }
    }
}

/// The text of a note: `POINTER: what`.
fn worded(pointer: &str, what: &str) -> String {
    let end = pointer.char_indices().nth(MAX_POINTER_CHARS).map_or(pointer.len(), |(end, _)| end);
    let cut = if end < pointer.len() { "…" } else { "" };
    format!("{}{cut}: {what}", &pointer[..end])
}
