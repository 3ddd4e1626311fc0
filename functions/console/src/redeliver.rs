//! `…/redeliver`: opens dead deliveries again, one or all that a filter admits. Their next attempt is due at once.

use api::{Authorized, Path, Problem, scope};
use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::delivery::{Delivery, DeliveryId, State as Standing};
use domain::event::EventPk;
use domain::message::{Message, Work};
use domain::query::DeliveryQuery;
use http::StatusCode;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::Console;
use crate::deliveries::{View, find};
use crate::list::{self, MAX_LIMIT};

/// Deliveries to one queue message: one slow receiver must not hold many others' up.
const TO_A_MESSAGE: usize = 25;

/// Which dead deliveries. Every filter that is set must hold; without any, all are meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filters {
    rule: Option<String>,
    transport: Option<String>,
    recipient: Option<String>,
    event: Option<EventPk>,
    #[serde(default, deserialize_with = "domain::time::parameter")]
    since: Option<Timestamp>,
    #[serde(default, deserialize_with = "domain::time::parameter")]
    until: Option<Timestamp>,
    cursor: Option<DeliveryId>,
    limit: Option<usize>,
}

/// How many were opened again, and where the next request goes on.
#[derive(Serialize)]
pub(crate) struct Redelivered {
    redelivered: usize,
    next: Option<DeliveryId>,
}

/// One of them, or one that storm control kept back.
pub(crate) async fn one(
    _: Authorized<scope::Admin>,
    State(console): State<Console>,
    Path(id): Path<DeliveryId>,
) -> Result<(StatusCode, Json<View>), Problem> {
    let dead = find(&console, id).await?;
    let reopened = dead.redelivered(console.clock.now()).map_err(|error| Problem::conflict(error.to_string()))?;
    if reopen(&console, std::slice::from_ref(&reopened)).await? == 0 {
        return Err(Problem::conflict("somebody else has just changed this delivery; look at it again"));
    }
    Ok((StatusCode::ACCEPTED, Json(reopened.into())))
}

/// Up to `limit` of them, 1,000 unless given, newest event first.
pub(crate) async fn many(
    _: Authorized<scope::Admin>,
    State(console): State<Console>,
    api::Json(filters): api::Json<Filters>,
) -> Result<(StatusCode, Json<Redelivered>), Problem> {
    let query = DeliveryQuery {
        event: filters.event,
        state: Some(Standing::Dead),
        rule: filters.rule,
        transport: filters.transport,
        recipient: filters.recipient,
        since: filters.since,
        until: filters.until,
        before: filters.cursor,
        limit: list::limit(filters.limit.or(Some(MAX_LIMIT)))?,
    };
    let page = console.ledger.list(&query).await?;
    let now = console.clock.now();
    let reopened: Vec<Delivery> = page.results.iter().filter_map(|dead| dead.redelivered(now).ok()).collect();
    let redelivered = reopen(&console, &reopened).await?;
    Ok((StatusCode::ACCEPTED, Json(Redelivered { redelivered, next: page.next })))
}

/// Writes those that nobody has changed meanwhile, and queues them; says how many.
async fn reopen(console: &Console, reopened: &[Delivery]) -> Result<usize, Problem> {
    let replaced = console.ledger.replace(reopened).await?;
    let ids: Vec<DeliveryId> =
        reopened.iter().zip(replaced).filter(|(_, replaced)| *replaced).map(|(delivery, _)| delivery.id).collect();
    let messages: Vec<Message> =
        ids.chunks(TO_A_MESSAGE).map(|ids| Message::new(Work::Deliveries(ids.to_vec()))).collect();
    // Should the queue fail now, the schedule finds them due.
    if let Err(error) = console.queue.send(&messages, SignedDuration::ZERO).await {
        tracing::warn!(%error, deliveries = ids.len(), "redelivery waits in the ledger instead of the queue");
    }
    Ok(ids.len())
}
