//! `GET /v1/events` and `GET /v1/events/{pk}`.

use api::{Authorized, Path, Problem, Query, scope};
use axum::Json;
use axum::extract::State;
use domain::event::{Event, EventPk};
use domain::query::{EventQuery, Searched};
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
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(filters): Query<Filters>,
) -> Result<Json<Found>, Problem> {
    let (query, search) = filters.query();
    let query = EventQuery { before: filters.cursor, limit: list::limit(filters.limit)?, ..query };
    let page = scan::page(&console, &query).await?;
    Ok(Json(Found { results: page.results, next: page.next, searched: page.searched, search }))
}

/// One event, until it expires.
pub(crate) async fn show(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Path(pk): Path<EventPk>,
) -> Result<Json<Event>, Problem> {
    let event = console.log.get(pk, console.clock.now()).await?;
    event.map(Json).ok_or_else(|| Problem::not_found("no event has this pk, or it has expired"))
}
