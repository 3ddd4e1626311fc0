//! `POST /v1/rules/dry-run`: tries other rules on stored events and sends nothing.
//!
//! One request tries a bounded number of events and returns the cursor of the next request, so that a log of any length
//! can be processed within the time and the memory of a Lambda function.

use std::sync::Arc;

use api::{Authorized, Problem, Query, read_body, scope};
use axum::Json;
use axum::extract::{Request, State};
use domain::Timestamp;
use domain::event::EventPk;
use domain::query::EventQuery;
use http::request::Parts;
use rules::dry_run::{DryRun, DryRunReport};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Console;
use crate::blocking::run_blocking_if;
use crate::history::History;
use crate::payload::{self, Payload};

const MAX_BYTES: usize = 1024 * 1024;
const DEFAULT_EVENTS: u64 = 10_000;
const MAX_EVENTS: u64 = 100_000;
const PAGE_SIZE: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DryRunParameters {
    #[serde(default, deserialize_with = "domain::time::parameter")]
    since: Option<Timestamp>,
    #[serde(default, deserialize_with = "domain::time::parameter")]
    until: Option<Timestamp>,
    cursor: Option<EventPk>,
    limit: Option<u64>,
    /// `false` leaves throttles and digests undecided, for clients that add up several parts.
    settle: Option<bool>,
    /// `true` adds some of the messages, as their receivers would get them.
    payloads: Option<bool>,
}

/// The report on one part of the log.
#[derive(Serialize)]
pub(crate) struct DryRunResult {
    report: DryRunReport,
    next: Option<EventPk>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payloads: Option<Vec<Payload>>,
}

/// Tries the rules document in the body, compared with the active one. An empty body tries the active one alone.
pub(crate) async fn run(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(part): Query<DryRunParameters>,
    request: Request,
) -> Result<Json<DryRunResult>, Problem> {
    let (Parts { headers, .. }, body) = request.into_parts();
    let limit = part.limit.unwrap_or(DEFAULT_EVENTS);
    if !(1..=MAX_EVENTS).contains(&limit) {
        return Err(Problem::bad_request("limit must be a whole number from 1 to 100000"));
    }
    let bytes = read_body(&headers, body, MAX_BYTES).await?;
    let active = console.configuration.current().await?;
    let new = if bytes.is_empty() {
        active.document.clone()
    } else {
        rulesfile::read(&bytes)
            .map_err(|faults| Problem::unprocessable("the rules document has faults").with("faults", json!(faults)))?
    };
    let mut dry_run = DryRun::new(active.document.clone(), new.clone());
    if part.payloads == Some(true) {
        dry_run.keep_examples();
    }
    let query = EventQuery { since: part.since, until: part.until, before: part.cursor, ..EventQuery::default() };
    let mut history = History::new(&console, query);
    let mut tried = 0;
    while tried < limit && !dry_run.is_full() {
        let Some(events) = history.next_page(PAGE_SIZE).await? else { break };
        tried += events.len() as u64;
        let expressions = Arc::clone(&console.expressions);
        dry_run = run_blocking_if(dry_run.has_expressions(), move || {
            for event in &events {
                dry_run.add_event(event, &*expressions);
            }
            dry_run
        })
        .await;
    }
    let payloads = match dry_run.take_examples() {
        Some(examples) => Some(payload::render(&console, examples, &new).await),
        None => None,
    };
    let report = dry_run.finish();
    let report = if part.settle == Some(false) { report } else { report.settled() };
    Ok(Json(DryRunResult { report, next: history.cursor(), payloads }))
}
