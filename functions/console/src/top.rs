//! `GET /v1/events/top`: the values that most events have.
//!
//! Where the span is of whole hours and nothing else is asked for, comes from what the store has counted by the hour,
//! however many they are. Otherwise counts what is stored, from the newest back, as far as it may look, and says how
//! far that was.

use std::collections::HashMap;

use api::{Authorized, Problem, Query, scope};
use axum::Json;
use axum::extract::State;
use domain::query::dimension::Dimension;
use domain::query::volume::{HOUR, MOST_BUCKETS};
use domain::query::{EventQuery, Searched};
use domain::{Event, Timestamp};
use jiff::SignedDuration;
use serde::Serialize;

use crate::Console;
use crate::filters::{Filtered as _, Understood, filtered};
use crate::scan::scan;

const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 1000;

/// How far back unless the caller says.
const LOOKED_BACK: SignedDuration = SignedDuration::from_hours(7 * 24);

filtered! {
    Parameters { by: Dimension, limit: Option<usize> }
}

#[derive(Serialize)]
pub(crate) struct Top {
    results: Vec<Counted>,
    searched: Searched,
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<Understood>,
}

#[derive(Serialize)]
struct Counted {
    value: String,
    count: u64,
}

/// Most frequent first, and equally frequent ones by value. Events that have no such value are not counted.
pub(crate) async fn show(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<Top>, Problem> {
    let limit = parameters.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::bad_request("limit must lie between 1 and 1000"));
    }
    let (mut query, search) = parameters.query();
    let back = domain::time::later(query.until.unwrap_or_else(|| console.clock.now()), -LOOKED_BACK);
    query.since = query.since.or_else(|| Some(whole_hour(back)));
    let found = match hours(&query) {
        Some((since, until)) => counted(&console, parameters.by, since, until).await?,
        None => None,
    };
    let (counts, searched) = match found {
        Some(found) => found,
        None => scanned(&console, query, parameters.by).await?,
    };
    let mut results: Vec<_> = counts.into_iter().map(|(value, count)| Counted { value, count }).collect();
    results.sort_unstable_by(|one, other| other.count.cmp(&one.count).then_with(|| one.value.cmp(&other.value)));
    results.truncate(limit);
    Ok(Json(Top { results, searched, search }))
}

type Counts = HashMap<String, u64>;

async fn scanned(console: &Console, query: EventQuery, by: Dimension) -> Result<(Counts, Searched), Problem> {
    let mut counts = Counts::new();
    let count = |event: &Event| {
        if let Some(value) = by.of(event) {
            *counts.entry(value).or_default() += 1;
        }
    };
    let searched = scan(console, query, count).await?;
    Ok((counts, searched))
}

/// By what is counted already, if it is.
async fn counted(
    console: &Console,
    by: Dimension,
    since: Timestamp,
    until: Option<Timestamp>,
) -> Result<Option<(Counts, Searched)>, Problem> {
    let end = until.unwrap_or_else(|| domain::time::later(console.clock.now(), HOUR));
    let mut counts = Counts::new();
    let mut events = 0;
    // Every event has an action: these are all.
    for count in console.volume.hours(since, end).await? {
        events += count.count;
        if by == Dimension::Action {
            *counts.entry(count.action.to_string()).or_default() += count.count;
        }
    }
    if by != Dimension::Action {
        let Some(found) = console.log.counted(by, since, end).await? else { return Ok(None) };
        counts.extend(found);
    }
    let events = usize::try_from(events).unwrap_or(usize::MAX);
    Ok(Some((counts, Searched { from: Some(since), until, events })))
}

/// Since and until when, if nothing else is asked for and both are whole hours.
fn hours(query: &EventQuery) -> Option<(Timestamp, Option<Timestamp>)> {
    let (since, until) = (query.since?, query.until);
    let alone = EventQuery { since: query.since, until, ..EventQuery::default() } == *query;
    let whole = [Some(since), until].into_iter().flatten().all(|at| whole_hour(at) == at);
    let days = until.map_or(0, |until| until.duration_since(since).as_hours() / 24);
    (alone && whole && days <= MOST_BUCKETS).then_some((since, until))
}

fn whole_hour(instant: Timestamp) -> Timestamp {
    domain::query::volume::hour_of(domain::EventPk::first_at(instant))
}
