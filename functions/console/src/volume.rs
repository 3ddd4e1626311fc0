//! `GET /v1/events/volume`: how many events there were, by time and action.
//!
//! From what is counted by the hour as events come in, where only the action is asked for. Otherwise counts what is
//! stored, from the newest back, as far as it may look, and says how far that was.

use std::collections::HashMap;

use api::{Authorized, Problem, Query, scope};
use axum::Json;
use axum::extract::State;
use domain::Event;
use domain::query::volume::{Bucket, BucketCount, HourCount, Span, hour_of};
use domain::query::{EventQuery, Searched};
use serde::Serialize;

use crate::Console;
use crate::filters::{Filtered as _, Understood, filtered};
use crate::scan::scan;

filtered! {
    Parameters { bucket: Option<Bucket> }
}

#[derive(Serialize)]
pub(crate) struct Volume {
    results: Vec<BucketCount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    searched: Option<Searched>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<Understood>,
}

/// Oldest first; buckets without events are left out.
pub(crate) async fn show(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<Volume>, Problem> {
    let (query, search) = parameters.query();
    let span = Span::new(parameters.bucket.unwrap_or_default(), query.since, query.until, console.clock.now())
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let query = EventQuery { since: Some(span.since), until: Some(span.until), ..query };
    let (hours, searched) = if is_counted(&query) {
        let mut hours = console.volume.hours(span.since, span.until).await?;
        hours.retain(|count| query.action.as_ref().is_none_or(|pattern| pattern.admits(&count.action)));
        (hours, None)
    } else {
        let (hours, searched) = scanned(&console, query).await?;
        (hours, Some(searched))
    };
    Ok(Json(Volume { results: span.gather(hours), searched, search }))
}

/// Whether nothing but the time and the action is asked for.
fn is_counted(query: &EventQuery) -> bool {
    let EventQuery { since, until, action, .. } = query.clone();
    EventQuery { since, until, action, ..EventQuery::default() } == *query
}

async fn scanned(console: &Console, query: EventQuery) -> Result<(Vec<HourCount>, Searched), Problem> {
    let mut counts = HashMap::new();
    let count = |event: &Event| *counts.entry((hour_of(event.pk), event.action.clone())).or_default() += 1;
    let searched = scan(console, query, count).await?;
    let hours = counts.into_iter().map(|((hour, action), count)| HourCount { hour, action, count });
    Ok((hours.collect(), searched))
}
