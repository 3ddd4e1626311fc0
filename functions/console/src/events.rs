//! `GET /v1/events` and `GET /v1/events/{pk}`.

use api::{Path, Problem, Query};
use axum::Json;
use axum::extract::State;
use domain::access::token::Scope;
use domain::event::{Event, EventPk};
use domain::query::{EventQuery, Searched};
use http::HeaderMap;
use serde::Serialize;

use crate::Console;
use crate::filters::{Filtered as _, Understood, filtered};
use crate::list;
use crate::scan;

filtered! {
    Filters { cursor: Option<EventPk>, limit: Option<usize> }
}

/// A list that also says what was looked through for it, and how.
#[derive(Serialize)]
pub(crate) struct Found {
    results: Vec<Event>,
    next: Option<EventPk>,
    searched: Searched,
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<Understood>,
}

/// Newest first.
pub(crate) async fn list(
    State(console): State<Console>,
    headers: HeaderMap,
    Query(filters): Query<Filters>,
) -> Result<Json<Found>, Problem> {
    console.door.admit(&headers, Scope::Read).await?;
    let (query, search) = filters.query();
    let query = EventQuery { before: filters.cursor, limit: list::limit(filters.limit)?, ..query };
    let page = scan::page(&console, &query).await?;
    Ok(Json(Found { results: page.results, next: page.next, searched: page.searched, search }))
}

/// One event, until it expires.
pub(crate) async fn show(
    State(console): State<Console>,
    headers: HeaderMap,
    Path(pk): Path<EventPk>,
) -> Result<Json<Event>, Problem> {
    console.door.admit(&headers, Scope::Read).await?;
    let event = console.log.get(pk, console.clock.now()).await?;
    event.map(Json).ok_or_else(|| Problem::not_found("no event has this pk, or it has expired"))
}
