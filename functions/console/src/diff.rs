//! `POST /v1/events/diff`: what changed between two states of an object, to be posted as an event's `context.diff`.

use api::{Json, Problem};
use axum::extract::State;
use domain::access::token::Scope;
use domain::admission::mask::Masker;
use domain::event::Object;
use http::HeaderMap;
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
    State(console): State<Console>,
    headers: HeaderMap,
    Json(states): Json<States>,
) -> Result<axum::Json<Diff>, Problem> {
    console.door.admit(&headers, Scope::Ingest).await?;
    let active = console.configuration.current().await?;
    let masker = Masker::new(&active.document.redact);
    Ok(axum::Json(Diff { diff: domain::admission::diff::diff(states.before, states.after, &masker) }))
}
