//! `GET /v1/events/{pk}/trace`: for every rule, why it matches the event or not, and its deliveries.
//!
//! The rules are evaluated again, with the document that is active now. The deliveries are those that were made when
//! the event arrived.

use std::sync::Arc;

use api::{Authorized, Path, Problem, scope};
use axum::Json;
use axum::extract::State;
use domain::event::EventPk;
use domain::loop_guard;
use domain::query::DeliveryQuery;
use rules::Explanation;
use serde::Serialize;

use crate::Console;
use crate::blocking::run_blocking_if;
use crate::deliveries::{DeliveryView, views};

/// The most deliveries of an event that are shown.
const MAX_DELIVERIES: usize = 1000;

/// The decision trace of an event.
#[derive(Serialize)]
pub(crate) struct TraceView {
    event: EventPk,
    /// The version of the rules document that was evaluated.
    version: u64,
    /// Why no rule may notify anyone of this event; `None` if rules may.
    held_back: Option<String>,
    rules: Vec<RuleTraceView>,
}

#[derive(Serialize)]
struct RuleTraceView {
    #[serde(flatten)]
    explanation: Explanation,
    deliveries: Vec<DeliveryView>,
}

/// Evaluates all rules for one event.
pub(crate) async fn show(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Path(pk): Path<EventPk>,
) -> Result<Json<TraceView>, Problem> {
    let event = console.stores.log.get(pk, console.clock.now()).await?;
    let event = event.ok_or_else(|| Problem::not_found("no event has this pk, or it has expired"))?;
    let active = console.configuration.current().await?;
    let query = DeliveryQuery { event: Some(pk), limit: MAX_DELIVERIES, ..DeliveryQuery::default() };
    let mut deliveries = console.stores.ledger.list(&query).await?.results;

    let expressions = Arc::clone(&console.expressions);
    let is_slow = active.document.has_expressions();
    let (document, explained) = (Arc::clone(&active), event.clone());
    let explanations =
        run_blocking_if(is_slow, move || rules::explain(&document.document, &explained, &*expressions)).await;
    let mut rules: Vec<RuleTraceView> = Vec::with_capacity(explanations.len());
    for explanation in explanations {
        let (own, others) = deliveries.into_iter().partition(|delivery| delivery.rule == explanation.rule);
        deliveries = others;
        rules.push(RuleTraceView { explanation, deliveries: views(&console, own).await? });
    }
    // The remaining deliveries belong to rules that are no longer in the document.
    while let Some(delivery) = deliveries.first() {
        let rule = delivery.rule.clone();
        let (own, others) = deliveries.into_iter().partition(|delivery| delivery.rule == rule);
        deliveries = others;
        let why = Some("no longer in the rules document".to_owned());
        let explanation = Explanation { rule, matched: false, policies: Vec::new(), why };
        rules.push(RuleTraceView { explanation, deliveries: views(&console, own).await? });
    }
    let held_back = loop_guard::check(&event, &active.document).map(|looping| looping.to_string());
    Ok(Json(TraceView { event: pk, version: active.version, held_back, rules }))
}
