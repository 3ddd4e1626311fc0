//! `GET /v1/events/volume`: event counts by time and action.
//!
//! With no filter but the action, and buckets of whole hours, the response comes from the hourly counts that the store
//! keeps. If it has not counted the newest events yet and these are too many to count for one response, the response
//! says since when the counts are complete. Otherwise, the stored events are searched, newest first, as far as one
//! request may, and the response says how far that was.

use std::collections::BTreeMap;

use api::{Authorized, Problem, Query, scope};
use axum::Json;
use axum::extract::State;
use domain::event::Action;
use domain::ports::VolumeCounts;
use domain::query::volume::{Bucket, BucketCount, BucketRange, HourCount};
use domain::query::{EventQuery, Searched};
use domain::{Event, Timestamp};
use serde::Serialize;

use crate::Console;
use crate::event_filters::{EventFilters as _, SearchInterpretation, event_parameters};
use crate::history::scan;

event_parameters! {
    VolumeParameters { bucket: Option<Bucket> }
}

#[derive(Serialize)]
pub(crate) struct VolumeView {
    results: Vec<BucketCount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    searched: Option<Searched>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<SearchInterpretation>,
}

/// Counts events, oldest bucket first. Buckets without events are omitted.
pub(crate) async fn show(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(parameters): Query<VolumeParameters>,
) -> Result<Json<VolumeView>, Problem> {
    let (query, search) = parameters.query();
    let bucket = parameters.bucket.unwrap_or_default();
    let span = BucketRange::new(bucket, query.since, query.until, console.clock.now())
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let query = EventQuery { since: Some(span.since), until: Some(span.until), ..query };
    let (counts, searched) = if bucket.is_whole_hours() && is_counted(&query) {
        let VolumeCounts { mut hours, complete_since } = console.stores.volume.hours(span.since, span.until).await?;
        hours.retain(|count| query.action.as_ref().is_none_or(|pattern| pattern.matches(&count.action)));
        let searched = complete_since.map(|from| searched(&hours, from, span.until));
        (span.gather(hours), searched)
    } else {
        let (counts, searched) = count_by_search(&console, query, &span).await?;
        (counts, Some(searched))
    };
    Ok(Json(VolumeView { results: BucketCount::ordered(counts), searched, search }))
}

/// The range for which the store's counts are complete, if it has not counted all.
pub(crate) fn searched(hours: &[HourCount], from: Timestamp, until: Timestamp) -> Searched {
    let events = hours.iter().map(|count| count.count).sum::<u64>();
    Searched { from: Some(from), until: Some(until), events: usize::try_from(events).unwrap_or(usize::MAX) }
}

/// Whether the query filters by nothing but time and action.
fn is_counted(query: &EventQuery) -> bool {
    let EventQuery { since, until, action, .. } = query.clone();
    EventQuery { since, until, action, ..EventQuery::default() } == *query
}

async fn count_by_search(
    console: &Console,
    query: EventQuery,
    span: &BucketRange,
) -> Result<(BTreeMap<(Timestamp, Action), u64>, Searched), Problem> {
    let mut counts = BTreeMap::new();
    let count = |event: &Event| *counts.entry((span.bucket_of(event.pk), event.action.clone())).or_default() += 1;
    let searched = scan(console, query, count).await?;
    Ok((counts, searched))
}
