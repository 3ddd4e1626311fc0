//! `GET /v1/events/top`: the most frequent values of a field.
//!
//! For whole hours without further filters, the response comes from the hourly counts that the store keeps, for any
//! number of events. Otherwise, the stored events are searched, newest first, as far as one request may, and the
//! response says how far that was.

use std::collections::HashMap;

use api::{Authorized, Problem, Query, scope};
use axum::Json;
use axum::extract::State;
use domain::ports::VolumeCounts;
use domain::query::dimension::Dimension;
use domain::query::volume::{HOUR, MOST_BUCKETS};
use domain::query::{EventQuery, Searched};
use domain::{Event, Timestamp};
use jiff::SignedDuration;
use serde::Serialize;

use crate::Console;
use crate::event_filters::{EventFilters as _, SearchInterpretation, event_parameters};
use crate::history::scan;
use crate::volume;

const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 1000;

/// The time range without `since`.
const DEFAULT_RANGE: SignedDuration = SignedDuration::from_hours(7 * 24);

event_parameters! {
    TopParameters { by: Dimension, limit: Option<usize> }
}

#[derive(Serialize)]
pub(crate) struct TopValues {
    results: Vec<ValueCount>,
    searched: Searched,
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<SearchInterpretation>,
}

#[derive(Serialize)]
struct ValueCount {
    value: String,
    count: u64,
}

/// Lists the values, most frequent first, and equally frequent ones by value. Events without the field do not count.
pub(crate) async fn show(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(parameters): Query<TopParameters>,
) -> Result<Json<TopValues>, Problem> {
    let limit = parameters.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::bad_request("limit must be a whole number from 1 to 1000"));
    }
    let (mut query, search) = parameters.query();
    let back = domain::time::later(query.until.unwrap_or_else(|| console.clock.now()), -DEFAULT_RANGE);
    query.since = query.since.or_else(|| Some(whole_hour(back)));
    let found = match whole_hours(&query) {
        Some((since, until)) => read_counts(&console, parameters.by, since, until).await?,
        None => None,
    };
    let (counts, searched) = match found {
        Some(found) => found,
        None => count_by_search(&console, query, parameters.by).await?,
    };
    let counts = if parameters.by == Dimension::Username { merge_people(counts) } else { counts };
    let mut results: Vec<_> = counts.into_iter().map(|(value, count)| ValueCount { value, count }).collect();
    results.sort_unstable_by(|one, other| other.count.cmp(&one.count).then_with(|| one.value.cmp(&other.value)));
    results.truncate(limit);
    Ok(Json(TopValues { results, searched, search }))
}

type Counts = HashMap<String, u64>;

/// Adds up the spellings of one person's name, as the filter `username` compares them, under the most frequent one.
fn merge_people(counts: Counts) -> Counts {
    let mut people = HashMap::<String, (String, u64, u64)>::new();
    for (name, count) in counts {
        let (shown, most, sum) = people.entry(domain::person::fold(&name)).or_default();
        if count > *most || (count == *most && name < *shown) {
            (*shown, *most) = (name, count);
        }
        *sum += count;
    }
    people.into_values().map(|(name, _, sum)| (name, sum)).collect()
}

async fn count_by_search(console: &Console, query: EventQuery, by: Dimension) -> Result<(Counts, Searched), Problem> {
    let mut counts = Counts::new();
    let count = |event: &Event| {
        for value in by.values_in(event) {
            *counts.entry(value).or_default() += 1;
        }
    };
    let searched = scan(console, query, count).await?;
    Ok((counts, searched))
}

/// Reads the hourly counts. `None` when the store does not count this field.
async fn read_counts(
    console: &Console,
    by: Dimension,
    since: Timestamp,
    until: Option<Timestamp>,
) -> Result<Option<(Counts, Searched)>, Problem> {
    let end = until.unwrap_or_else(|| domain::time::later(console.clock.now(), HOUR));
    let mut counts = Counts::new();
    // Every event has an action, so the sum of these counts is the number of events.
    let VolumeCounts { hours, complete_since } = console.stores.volume.hours(since, end).await?;
    let searched = Searched { until, ..volume::searched(&hours, complete_since.unwrap_or(since), end) };
    if by == Dimension::Action {
        for count in hours {
            *counts.entry(count.action.to_string()).or_default() += count.count;
        }
    }
    if by != Dimension::Action {
        let Some(found) = console.stores.log.counted(by, since, end).await? else { return Ok(None) };
        counts.extend(found);
    }
    Ok(Some((counts, searched)))
}

/// The time range, if the query filters by nothing else and both ends are whole hours.
fn whole_hours(query: &EventQuery) -> Option<(Timestamp, Option<Timestamp>)> {
    let (since, until) = (query.since?, query.until);
    let alone = EventQuery { since: query.since, until, ..EventQuery::default() } == *query;
    let whole = [Some(since), until].into_iter().flatten().all(|at| whole_hour(at) == at);
    let days = until.map_or(0, |until| until.duration_since(since).as_hours() / 24);
    (alone && whole && days <= MOST_BUCKETS).then_some((since, until))
}

fn whole_hour(instant: Timestamp) -> Timestamp {
    domain::query::volume::hour_of(domain::EventPk::first_at(instant))
}
