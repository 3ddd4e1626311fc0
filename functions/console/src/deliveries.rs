//! `/v1/deliveries`: the deliveries in every state.

use std::collections::{BTreeSet, HashMap};

use api::{Authorized, Path, Problem, Query, scope};
use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::delivery::{Attempt, Delivery, DeliveryId, DeliveryState as Standing, DigestWindow, SuppressionCause};
use domain::event::EventPk;
use domain::ports::StoreError;
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
    /// What became of the digest that reports the event; `None` for other causes, and if it has expired.
    #[serde(flatten)]
    digest: Option<DigestOutcome>,
}

/// What became of a digest.
#[derive(Serialize, Clone)]
struct DigestOutcome {
    state: Standing,
    /// Why its last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The deliveries as the API shows them, those in digests with what became of the digest.
pub(crate) async fn views(console: &Console, deliveries: Vec<Delivery>) -> Result<Vec<DeliveryView>, StoreError> {
    let digest_of = |delivery: &Delivery| match delivery.suppressed {
        Some(SuppressionCause::Digest { delivery, .. }) => Some(delivery),
        _ => None,
    };
    let ids: BTreeSet<_> = deliveries.iter().filter_map(digest_of).collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let digests = if ids.is_empty() { Vec::new() } else { console.stores.ledger.get_all(&ids).await? };
    let outcome = |digest: Delivery| {
        let error = digest.attempts.last().and_then(|attempt| attempt.error.clone());
        (digest.id, DigestOutcome { state: digest.state, error })
    };
    let outcomes: HashMap<_, _> = digests.into_iter().map(outcome).collect();
    let view = |delivery: Delivery| {
        let digest = digest_of(&delivery).and_then(|id| outcomes.get(&id)).cloned();
        DeliveryView::new(delivery, digest)
    };
    Ok(deliveries.into_iter().map(view).collect())
}

/// One delivery, in the same way.
pub(crate) async fn view(console: &Console, delivery: Delivery) -> Result<DeliveryView, Problem> {
    views(console, vec![delivery]).await?.pop().ok_or_else(Problem::internal)
}

impl DeliveryView {
    fn new(delivery: Delivery, digest: Option<DigestOutcome>) -> Self {
        Self {
            id: delivery.id,
            event: delivery.event(),
            recipient: delivery.recipient.label().to_owned(),
            rule: delivery.rule,
            transport: delivery.transport,
            state: delivery.state,
            suppressed: delivery.suppressed.map(|cause| SuppressionView { why: cause.to_string(), cause, digest }),
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
    let page = console.stores.ledger.list(&query).await?;
    Ok(Json(List::new(views(&console, page.results).await?, page.next)))
}

/// Gets one delivery by its id; 404 if the ledger has no such entry.
pub(crate) async fn show(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Path(id): Path<DeliveryId>,
) -> Result<Json<DeliveryView>, Problem> {
    let delivery = find(&console, id).await?;
    Ok(Json(view(&console, delivery).await?))
}

/// The delivery with this id, or 404.
pub(crate) async fn find(console: &Console, id: DeliveryId) -> Result<Delivery, Problem> {
    console.stores.ledger.get(id).await?.ok_or_else(|| Problem::not_found("no delivery has this id"))
}
