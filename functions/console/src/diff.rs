//! `POST /v1/events/diff`: what changed between two states of an object, to be posted as an event's `context.diff`.

use api::{Authorized, Json, Problem, scope};
use axum::extract::State;
use domain::admission::mask::Masker;
use domain::event::Object;
use serde::{Deserialize, Serialize};

use crate::Console;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct States {
    #[serde(default)]
    before: Object,
    #[serde(default)]
    after: Object,
}

#[derive(Serialize)]
pub(crate) struct Diff {
    diff: Object,
}

/// Masked as events are; nothing is stored.
pub(crate) async fn make(
    _: Authorized<scope::Ingest>,
    State(console): State<Console>,
    Json(states): Json<States>,
) -> Result<axum::Json<Diff>, Problem> {
    let active = console.configuration.current().await?;
    let masker = Masker::new(&active.document.redact);
    Ok(axum::Json(Diff { diff: domain::admission::diff::diff(states.before, states.after, &masker) }))
}
