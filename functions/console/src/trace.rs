//! `GET /v1/events/{pk}/trace`: for every rule why it fired or did not, and what became of it.
//!
//! The rules are evaluated anew, by the document in force now; the deliveries are those that were made.

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
use crate::beside::beside;
use crate::deliveries::View;

/// More than this many deliveries of one event are not shown.
const MOST_DELIVERIES: usize = 1000;

/// Why, for each rule, and what became of it.
#[derive(Serialize)]
pub(crate) struct Trace {
    event: EventPk,
    /// The version of the rules document that was evaluated.
    version: u64,
    /// Why nobody is told, whatever matches.
    held_back: Option<String>,
    rules: Vec<Traced>,
}

#[derive(Serialize)]
struct Traced {
    #[serde(flatten)]
    explanation: Explanation,
    deliveries: Vec<View>,
}

/// The decision trace of one event.
pub(crate) async fn show(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Path(pk): Path<EventPk>,
) -> Result<Json<Trace>, Problem> {
    let event = console.log.get(pk, console.clock.now()).await?;
    let event = event.ok_or_else(|| Problem::not_found("no event has this pk, or it has expired"))?;
    let active = console.configuration.current().await?;
    let query = DeliveryQuery { event: Some(pk), limit: MOST_DELIVERIES, ..DeliveryQuery::default() };
    let mut deliveries = console.ledger.list(&query).await?.results;

    let expressions = Arc::clone(&console.expressions);
    let takes_time = active.document.has_expressions();
    let (document, explained) = (Arc::clone(&active), event.clone());
    let explanations = beside(takes_time, move || rules::explain(&document.document, &explained, &*expressions)).await;
    let mut rules: Vec<Traced> = Vec::with_capacity(explanations.len());
    for explanation in explanations {
        let (own, others) = deliveries.into_iter().partition(|delivery| delivery.rule == explanation.rule);
        deliveries = others;
        rules.push(Traced { explanation, deliveries: views(own) });
    }
    // What is left was made for rules that are no longer in the document.
    while let Some(delivery) = deliveries.first() {
        let rule = delivery.rule.clone();
        let (own, others) = deliveries.into_iter().partition(|delivery| delivery.rule == rule);
        deliveries = others;
        let why = Some("no longer in the rules document".to_owned());
        let explanation = Explanation { rule, matched: false, policies: Vec::new(), why };
        rules.push(Traced { explanation, deliveries: views(own) });
    }
    let held_back = loop_guard::check(&event, &active.document).map(|looping| looping.to_string());
    Ok(Json(Trace { event: pk, version: active.version, held_back, rules }))
}

fn views(deliveries: Vec<domain::delivery::Delivery>) -> Vec<View> {
    deliveries.into_iter().map(View::from).collect()
}
