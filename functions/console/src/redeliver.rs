//! `…/redeliver`: redelivers one delivery, or all dead ones that match a filter. Their next attempt is due at once.

use api::{Authorized, Path, Problem, scope};
use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::delivery::{Delivery, DeliveryId, DeliveryState as Standing};
use domain::event::EventPk;
use domain::message::{QueueMessage, QueuedWork};
use domain::query::DeliveryQuery;
use http::StatusCode;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::Console;
use crate::deliveries::{self, DeliveryView, find};
use crate::list::{self, MAX_LIMIT};

/// Deliveries per queue message. Few, so that one slow receiver does not delay many other deliveries.
const DELIVERIES_PER_MESSAGE: usize = 25;

/// Selects dead deliveries. All given filters must match; without any, every dead delivery matches.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedeliverFilters {
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

/// How many were redelivered, and the cursor of the next request.
#[derive(Serialize)]
pub(crate) struct RedeliverResult {
    redelivered: usize,
    next: Option<DeliveryId>,
}

/// Redelivers a dead or suppressed delivery.
pub(crate) async fn one(
    _: Authorized<scope::Admin>,
    State(console): State<Console>,
    Path(id): Path<DeliveryId>,
) -> Result<(StatusCode, Json<DeliveryView>), Problem> {
    let dead = find(&console, id).await?;
    let reopened = dead.redelivered(console.clock.now()).map_err(|error| Problem::conflict(error.to_string()))?;
    if reopen(&console, std::slice::from_ref(&reopened)).await? == 0 {
        return Err(Problem::conflict("this delivery has just been changed; get it and try again"));
    }
    Ok((StatusCode::ACCEPTED, Json(deliveries::view(&console, reopened).await?)))
}

/// Redelivers up to `limit` dead deliveries (1,000 by default), newest event first.
pub(crate) async fn many(
    _: Authorized<scope::Admin>,
    State(console): State<Console>,
    api::Json(filters): api::Json<RedeliverFilters>,
) -> Result<(StatusCode, Json<RedeliverResult>), Problem> {
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
    let page = console.stores.ledger.list(&query).await?;
    let now = console.clock.now();
    let reopened: Vec<Delivery> = page.results.iter().filter_map(|dead| dead.redelivered(now).ok()).collect();
    let redelivered = reopen(&console, &reopened).await?;
    Ok((StatusCode::ACCEPTED, Json(RedeliverResult { redelivered, next: page.next })))
}

/// Stores and queues the deliveries that were not changed in the meantime. Returns how many.
async fn reopen(console: &Console, reopened: &[Delivery]) -> Result<usize, Problem> {
    let replaced = console.stores.ledger.replace(reopened).await?;
    let ids: Vec<DeliveryId> =
        reopened.iter().zip(replaced).filter(|(_, replaced)| *replaced).map(|(delivery, _)| delivery.id).collect();
    let messages: Vec<QueueMessage> =
        ids.chunks(DELIVERIES_PER_MESSAGE).map(|ids| QueueMessage::new(QueuedWork::Deliveries(ids.to_vec()))).collect();
    // If the queue fails now, the schedule finds the due deliveries in the ledger.
    if let Err(error) = console.stores.queue.send(&messages, SignedDuration::ZERO).await {
        tracing::warn!(%error, deliveries = ids.len(), "cannot queue redeliveries; the schedule will find them in the ledger");
    }
    Ok(ids.len())
}
