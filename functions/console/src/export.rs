//! `GET /v1/events/export`: events as NDJSON or CSV, in parts.
//!
//! A part has at most 4 MiB or `limit` events, so that it fits the memory and the response of a Lambda function. The
//! header `Nuncio-Next` carries the cursor of the next part. The concatenated parts are the whole export: only the
//! first part of a CSV export has the line of column names.

use std::time::Duration;

use api::{Authorized, Problem, Query, scope};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::event::EventPk;
use domain::query::{EventQuery, PageBudget, escaped_len};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

use crate::Console;
use crate::csv;
use crate::event_filters::{EventFilters as _, SearchInterpretation, event_parameters};
use crate::history::History;

const PAGE_SIZE: usize = 500;

const MAX_LIMIT: usize = 1_000_000;

/// The header with the cursor of the next part; absent on the last part.
const NEXT: HeaderName = HeaderName::from_static("nuncio-next");

/// The header that says why the search is not a valid query and was searched as text; absent if it is one.
const SEARCHED_AS_TEXT: HeaderName = HeaderName::from_static("nuncio-searched-as-text");

#[derive(Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ExportFormat {
    #[default]
    Ndjson,
    Csv,
}

event_parameters! {
    ExportParameters { format: Option<ExportFormat>, cursor: Option<EventPk>, limit: Option<usize> }
}

/// Exports events, newest first.
pub(crate) async fn show(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(parameters): Query<ExportParameters>,
) -> Result<Response, Problem> {
    if !(1..=MAX_LIMIT).contains(&parameters.limit.unwrap_or(1)) {
        return Err(Problem::bad_request("limit must be a whole number from 1 to 1000000"));
    }
    let format = parameters.format.unwrap_or_default();
    let (query, interpretation) = parameters.query();
    let query = EventQuery { before: parameters.cursor, ..query };
    let (text, next) = part(&console, query, format, parameters.limit.unwrap_or(usize::MAX)).await?;
    let (kind, disposition) = match format {
        ExportFormat::Ndjson => ("application/x-ndjson", "attachment; filename=\"events.ndjson\""),
        ExportFormat::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"events.csv\""),
    };
    let mut response = ([(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, disposition)], text).into_response();
    if let Some(next) = next.and_then(|next| HeaderValue::try_from(next.to_string()).ok()) {
        response.headers_mut().insert(NEXT, next);
    }
    if let Some(SearchInterpretation::Text { why }) = interpretation
        && let Ok(why) = HeaderValue::from_bytes(why.as_bytes())
    {
        response.headers_mut().insert(SEARCHED_AS_TEXT, why);
    }
    Ok(response)
}

async fn part(
    console: &Console,
    query: EventQuery,
    format: ExportFormat,
    mut left: usize,
) -> Result<(String, Option<EventPk>), Problem> {
    let is_first_part = query.before.is_none();
    let mut text = if format == ExportFormat::Csv && is_first_part { csv::header() } else { String::new() };
    let mut history = History::of_search(console, query, Duration::MAX, None);
    let mut budget = PageBudget::default();
    loop {
        let limit = left.min(PAGE_SIZE);
        let Some(events) = history.next_page(limit).await? else { break };
        for event in &events {
            let before = text.len();
            match format {
                ExportFormat::Ndjson => {
                    text.extend([event.to_json().as_str(), "\n"]);
                    // Lambda carries this format in base64.
                    budget.add((text.len() - before) * 4 / 3);
                }
                ExportFormat::Csv => {
                    csv::append(&mut text, event);
                    budget.add(escaped_len(&text[before..]));
                }
            }
            left -= 1;
            if budget.is_used_up() {
                return Ok((text, Some(event.pk)));
            }
        }
        // A search that does not fill a page has searched as long as it may, which is enough for one response.
        if left == 0 || events.len() < limit {
            break;
        }
    }
    Ok((text, history.cursor()))
}
