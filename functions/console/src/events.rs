//! `GET /v1/events` and `GET /v1/events/{pk}`.

use std::net::IpAddr;

use api::{Path, Problem, Query};
use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::event::{ActionPattern, Event, EventPk};
use domain::ports::EventQuery;
use domain::token::Scope;
use http::HeaderMap;
use serde::Deserialize;

use crate::Console;
use crate::list::{self, List};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filters {
    action: Option<ActionPattern>,
    app: Option<String>,
    username: Option<String>,
    client_ip: Option<IpAddr>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    search: Option<String>,
    cursor: Option<EventPk>,
    limit: Option<usize>,
}

/// Newest first.
pub(crate) async fn list(
    State(console): State<Console>,
    headers: HeaderMap,
    Query(filters): Query<Filters>,
) -> Result<Json<List<Event>>, Problem> {
    console.door.admit(&headers, Scope::Read).await?;
    let query = EventQuery {
        action: filters.action,
        app: filters.app,
        username: filters.username,
        client_ip: filters.client_ip,
        since: filters.since,
        until: filters.until,
        search: filters.search.filter(|text| !text.is_empty()),
        before: filters.cursor,
        limit: list::limit(filters.limit)?,
    };
    let page = console.log.list(&query, console.clock.now()).await?;
    Ok(Json(List::new(page.results, page.next)))
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
