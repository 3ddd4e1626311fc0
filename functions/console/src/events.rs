//! `GET /v1/events` and `GET /v1/events/{pk}`: the stored events.

use api::{Authorized, Path, Problem, Query, scope};
use axum::Json;
use axum::extract::State;
use domain::event::{Event, EventPk};
use domain::query::{EventQuery, Searched};
use serde::Serialize;

use crate::Console;
use crate::event_filters::{EventFilters as _, SearchInterpretation, event_parameters};
use crate::list;
use crate::search;

event_parameters! {
    EventListParameters { cursor: Option<EventPk>, limit: Option<usize> }
}

/// A page of events, with how much of the log was searched for it.
#[derive(Serialize)]
pub(crate) struct EventPageView {
    results: Vec<Event>,
    next: Option<EventPk>,
    searched: Searched,
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<SearchInterpretation>,
}

/// Lists events, newest first.
pub(crate) async fn list(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(filters): Query<EventListParameters>,
) -> Result<Json<EventPageView>, Problem> {
    let (query, interpretation) = filters.query();
    let query = EventQuery { before: filters.cursor, limit: list::limit(filters.limit)?, ..query };
    let page = search::page(&console, &query).await?;
    Ok(Json(EventPageView { results: page.results, next: page.next, searched: page.searched, search: interpretation }))
}

/// Gets one event, until it expires.
pub(crate) async fn show(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Path(pk): Path<EventPk>,
) -> Result<Json<Event>, Problem> {
    let event = console.stores.log.get(pk, console.clock.now()).await?;
    event.map(Json).ok_or_else(|| Problem::not_found("no event has this pk, or it has expired"))
}
