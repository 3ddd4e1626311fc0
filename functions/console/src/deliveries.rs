//! `/v1/deliveries`: the deliveries in every state.

use api::{Authorized, Path, Problem, Query, scope};
use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::delivery::{Attempt, Delivery, DeliveryId, DeliveryState as Standing, DigestWindow, SuppressionCause};
use domain::event::EventPk;
use domain::query::DeliveryQuery;
use serde::{Deserialize, Serialize};

use crate::Console;
use crate::list::{self, List};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryListParameters {
    event: Option<EventPk>,
    state: Option<Standing>,
    rule: Option<String>,
    transport: Option<String>,
    recipient: Option<String>,
    #[serde(default, deserialize_with = "domain::time::parameter")]
    since: Option<Timestamp>,
    #[serde(default, deserialize_with = "domain::time::parameter")]
    until: Option<Timestamp>,
    cursor: Option<DeliveryId>,
    limit: Option<usize>,
}

/// A delivery, as the API shows it.
#[derive(Serialize)]
pub(crate) struct DeliveryView {
    id: DeliveryId,
    event: EventPk,
    rule: String,
    transport: String,
    recipient: String,
    state: Standing,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<SuppressionView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<DigestWindow>,
    attempts: Vec<Attempt>,
    #[serde(with = "domain::time::micros_option")]
    next_at: Option<Timestamp>,
}

/// Why the delivery was suppressed, also in words.
#[derive(Serialize)]
struct SuppressionView {
    #[serde(flatten)]
    cause: SuppressionCause,
    why: String,
}

impl From<SuppressionCause> for SuppressionView {
    fn from(cause: SuppressionCause) -> Self {
        Self { why: cause.to_string(), cause }
    }
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            event: delivery.event(),
            recipient: delivery.recipient.label().to_owned(),
            rule: delivery.rule,
            transport: delivery.transport,
            state: delivery.state,
            suppressed: delivery.suppressed.map(SuppressionView::from),
            digest: delivery.digest,
            attempts: delivery.attempts,
            next_at: delivery.next_at,
        }
    }
}

/// Lists deliveries, newest event first.
pub(crate) async fn list(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(filters): Query<DeliveryListParameters>,
) -> Result<Json<List<DeliveryView>>, Problem> {
    let query = DeliveryQuery {
        event: filters.event,
        state: filters.state,
        rule: filters.rule,
        transport: filters.transport,
        recipient: filters.recipient,
        since: filters.since,
        until: filters.until,
        before: filters.cursor,
        limit: list::limit(filters.limit)?,
    };
    let page = console.ledger.list(&query).await?;
    Ok(Json(List::new(page.results.into_iter().map(DeliveryView::from).collect(), page.next)))
}

/// Gets one delivery by its id; 404 if the ledger has no such entry.
pub(crate) async fn show(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Path(id): Path<DeliveryId>,
) -> Result<Json<DeliveryView>, Problem> {
    Ok(Json(find(&console, id).await?.into()))
}

/// The delivery with this id, or 404.
pub(crate) async fn find(console: &Console, id: DeliveryId) -> Result<Delivery, Problem> {
    console.ledger.get(id).await?.ok_or_else(|| Problem::not_found("no delivery has this id"))
}
