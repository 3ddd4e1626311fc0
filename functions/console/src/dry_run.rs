//! `POST /v1/rules/dry-run`: other rules tried on stored events, sending nothing.
//!
//! One request tries a bounded number of events and says where to go on, so that a history of any
//! length can be walked within a function's time and memory.

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
use crate::beside::{LONGEST, beside};
use crate::payload::{self, Payload};

const MAX_BYTES: usize = 1024 * 1024;
const DEFAULT_EVENTS: u64 = 10_000;
const MAX_EVENTS: u64 = 100_000;
const PAGE: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    #[serde(default, deserialize_with = "domain::time::parameter")]
    since: Option<Timestamp>,
    #[serde(default, deserialize_with = "domain::time::parameter")]
    until: Option<Timestamp>,
    cursor: Option<EventPk>,
    limit: Option<u64>,
    /// False leaves throttles and digests undecided, for whoever adds several parts up.
    settle: Option<bool>,
    /// True adds some of the messages, as their receivers would get them.
    payloads: Option<bool>,
}

/// One part of the history, newest first.
#[derive(Serialize)]
pub(crate) struct Tried {
    report: DryRunReport,
    next: Option<EventPk>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payloads: Option<Vec<Payload>>,
}

/// The body is the new rules document; without one, the rules in force are tried alone.
pub(crate) async fn run(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(part): Query<Part>,
    request: Request,
) -> Result<Json<Tried>, Problem> {
    let (Parts { headers, .. }, body) = request.into_parts();
    let limit = part.limit.unwrap_or(DEFAULT_EVENTS);
    if !(1..=MAX_EVENTS).contains(&limit) {
        return Err(Problem::bad_request("limit must lie between 1 and 100000"));
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
    let mut query = EventQuery { since: part.since, until: part.until, limit: PAGE, ..EventQuery::default() };
    query.before = part.cursor;
    let mut tried = 0;
    let enough = domain::time::later(console.clock.now(), LONGEST);
    loop {
        let page = console.log.list(&query, console.clock.now()).await?;
        tried += page.results.len() as u64;
        let (events, expressions) = (page.results, Arc::clone(&console.expressions));
        dry_run = beside(dry_run.has_expressions(), move || {
            for event in &events {
                dry_run.add_event(event, &*expressions);
            }
            dry_run
        })
        .await;
        query.before = page.next;
        if page.next.is_none() || tried >= limit || dry_run.is_full() || console.clock.now() >= enough {
            let enough = domain::time::later(console.clock.now(), LONGEST);
            let payloads = match dry_run.take_examples() {
                Some(examples) => Some(payload::of(&console, examples, &new, enough).await),
                None => None,
            };
            let report = dry_run.finish();
            let report = if part.settle == Some(false) { report } else { report.settled() };
            return Ok(Json(Tried { report, next: page.next, payloads }));
        }
    }
}
