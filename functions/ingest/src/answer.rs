//! The answer: one result for each event, in order.
//!
//! 202 as soon as one event is accepted; 422 when none is, or 413 when all are too large. A rejected
//! event is pointed at within the request as it was posted.

use api::Problem;
use axum::Json;
use axum::response::{IntoResponse, Response};
use domain::EventPk;
use domain::admission::{Kind, Rejection};
use domain::metric::{self, Metric, Tally};
use http::StatusCode;
use serde::Serialize;

use crate::Verdict;
use crate::decode::{Places, reworded};

/// A note's pointer is cut there; a key may be as long as the event.
const MAX_POINTER_CHARS: usize = 256;

#[derive(Serialize)]
struct Results {
    results: Vec<Line>,
}

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Line {
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

pub(crate) fn of(verdicts: Vec<Verdict>, places: &Places) -> Result<Response, Problem> {
    let rejected: Vec<Kind> = verdicts.iter().filter_map(|verdict| verdict.as_ref().err().map(|it| it.kind)).collect();
    let accepted = verdicts.len() - rejected.len();
    let tally = Tally::default().with(Metric::Accepted, accepted).with(Metric::Rejected, rejected.len());
    tracing::info!(target: metric::TARGET, tally = tally.to_json(), "counted");
    if !rejected.is_empty() {
        tracing::info!(accepted, rejected = rejected.len(), "a request had events that were rejected");
    }
    let none = rejected.len() == verdicts.len();
    let lines = verdicts.into_iter().zip(&places.duplicates).enumerate();
    let results: Vec<Line> = lines.map(|(index, (verdict, notes))| line(index, verdict, notes, places)).collect();
    if none { Err(nothing_taken(&results, &rejected)) } else { Ok(taken(results)) }
}

fn taken(results: Vec<Line>) -> Response {
    (StatusCode::ACCEPTED, Json(Results { results })).into_response()
}

fn nothing_taken(results: &[Line], rejected: &[Kind]) -> Problem {
    let detail = match results {
        [Line::Rejected { detail, .. }] => detail.clone(),
        _ => format!("none of the {} events was accepted; results says why", results.len()),
    };
    let problem = if rejected.iter().all(|kind| *kind == Kind::TooLarge) {
        Problem::too_large(detail)
    } else {
        Problem::unprocessable(detail)
    };
    problem.with("results", serde_json::to_value(results).unwrap_or_default())
}

fn line(index: usize, verdict: Verdict, duplicates: &[String], places: &Places) -> Line {
    let prefix = if places.shape.many { format!("/{index}") } else { String::new() };
    match verdict {
        Ok(pk) => {
            Line::Accepted { pk, notes: duplicates.iter().map(|pointer| note(&format!("{prefix}{pointer}"))).collect() }
        }
        Err(rejection) => {
            let rejection = if places.shape.cloudevents { reworded(rejection) } else { rejection };
            let Rejection { pointer, detail, .. } = rejection;
            Line::Rejected { detail, pointer: prefix + &pointer }
        }
    }
}

fn note(pointer: &str) -> String {
    let end = pointer.char_indices().nth(MAX_POINTER_CHARS).map_or(pointer.len(), |(end, _)| end);
    let cut = if end < pointer.len() { "…" } else { "" };
    format!("{}{cut}: duplicate key, the last value is kept", &pointer[..end])
}
