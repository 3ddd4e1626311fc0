//! `POST /v1/events/diff`: the difference between two states of an object, in the form of an event's `context.diff`.

use api::{Authorized, Json, Problem, scope};
use axum::extract::State;
use domain::admission::mask::Masker;
use domain::event::Object;
use serde::{Deserialize, Serialize};

use crate::Console;

/// The body of the request: the object before and after.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObjectStates {
    #[serde(default)]
    before: Object,
    #[serde(default)]
    after: Object,
}

/// The fields that differ.
#[derive(Serialize)]
pub(crate) struct ObjectDiff {
    diff: Object,
}

/// Computes the difference. Masks secrets as in events, and stores nothing.
pub(crate) async fn compute(
    _: Authorized<scope::Ingest>,
    State(console): State<Console>,
    Json(states): Json<ObjectStates>,
) -> Result<axum::Json<ObjectDiff>, Problem> {
    let active = console.configuration.current().await?;
    let masker = Masker::new(&active.document.redact);
    Ok(axum::Json(ObjectDiff { diff: domain::admission::diff::diff(states.before, states.after, &masker) }))
}
