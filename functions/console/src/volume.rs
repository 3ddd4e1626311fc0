//! `GET /v1/events/volume`: how many events there were, by time and action.

use api::{Problem, Query};
use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::event::ActionPattern;
use domain::token::Scope;
use domain::volume::{Bucket, BucketCount, Span};
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::Console;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Window {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    #[serde(default)]
    bucket: Bucket,
    action: Option<ActionPattern>,
}

#[derive(Serialize)]
pub(crate) struct Volume {
    results: Vec<BucketCount>,
}

/// Oldest first; buckets without events are left out.
pub(crate) async fn show(
    State(console): State<Console>,
    headers: HeaderMap,
    Query(window): Query<Window>,
) -> Result<Json<Volume>, Problem> {
    console.door.admit(&headers, Scope::Read).await?;
    let span = Span::new(window.bucket, window.since, window.until, console.clock.now())
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let mut hours = console.volume.hours(span.since, span.until).await?;
    hours.retain(|count| window.action.as_ref().is_none_or(|pattern| pattern.admits(&count.action)));
    Ok(Json(Volume { results: span.gather(hours) }))
}
