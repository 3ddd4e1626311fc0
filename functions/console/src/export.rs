//! `GET /v1/events/export`: events as NDJSON or CSV, part by part.
//!
//! A part is at most 4 MiB, or `limit` events, so that it fits into the memory and the answer of a function; the header
//! `Nuncio-Next` names the cursor of the part that follows. Parts put one after the other are the whole: only the first
//! one of a CSV export has the line of column names.

use api::{Authorized, Problem, Query, scope};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::event::EventPk;
use domain::query::EventQuery;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

use crate::Console;
use crate::csv;
use crate::filters::{Filtered as _, filtered};
use crate::scan;

/// Lambda answers with 6 MB at most; one event more may go over this.
const MOST_BYTES: usize = 4 * 1024 * 1024;

const PAGE: usize = 500;

const MAX_LIMIT: usize = 1_000_000;

/// The cursor of the next part; not there on the last one.
const NEXT: HeaderName = HeaderName::from_static("nuncio-next");

#[derive(Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    #[default]
    Ndjson,
    Csv,
}

filtered! {
    Parameters { format: Option<Format>, cursor: Option<EventPk>, limit: Option<usize> }
}

/// Newest first.
pub(crate) async fn show(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Problem> {
    if !(1..=MAX_LIMIT).contains(&parameters.limit.unwrap_or(1)) {
        return Err(Problem::bad_request("limit must lie between 1 and 1000000"));
    }
    let format = parameters.format.unwrap_or_default();
    let (query, _) = parameters.query();
    let query = EventQuery { before: parameters.cursor, ..query };
    let (text, next) = part(&console, query, format, parameters.limit.unwrap_or(usize::MAX)).await?;
    let (kind, disposition) = match format {
        Format::Ndjson => ("application/x-ndjson", "attachment; filename=\"events.ndjson\""),
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"events.csv\""),
    };
    let mut response = ([(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, disposition)], text).into_response();
    if let Some(next) = next.and_then(|next| HeaderValue::try_from(next.to_string()).ok()) {
        response.headers_mut().insert(NEXT, next);
    }
    Ok(response)
}

async fn part(
    console: &Console,
    mut query: EventQuery,
    format: Format,
    mut left: usize,
) -> Result<(String, Option<EventPk>), Problem> {
    let first = format == Format::Csv && query.before.is_none();
    let mut text = if first { csv::names() } else { String::new() };
    loop {
        query.limit = left.min(PAGE);
        let page = scan::page(console, &query).await?;
        let full = page.results.len() == query.limit;
        for event in &page.results {
            match format {
                Format::Ndjson => text.extend([event.to_json().as_str(), "\n"]),
                Format::Csv => csv::append(&mut text, event),
            }
            left -= 1;
            if text.len() >= MOST_BYTES {
                return Ok((text, Some(event.pk)));
            }
        }
        // A page that is not full has looked as far as it may, which is enough for one answer.
        if page.next.is_none() || left == 0 || !full {
            return Ok((text, page.next));
        }
        query.before = page.next;
    }
}
