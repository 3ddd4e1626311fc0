//! `GET /v1/events/{pk}/trace`: for every rule, why it matches the event or not, and its deliveries; and the detections
//! that the event enters.
//!
//! The rules are evaluated again, with the document that is active now. The deliveries are those that were made when
//! the event arrived.

use std::sync::Arc;

use api::{Authorized, Path, Problem, scope};
use axum::Json;
use axum::extract::State;
use domain::Event;
use domain::detection::{Entry, EntryExplanation, group_paths, groups};
use domain::event::EventPk;
use domain::loop_guard;
use domain::ports::ActiveRules;
use domain::query::DeliveryQuery;
use rules::{Explanation, RuleSet};
use serde::Serialize;
use serde_json::{Map, Value};

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
    /// The detections that the event enters.
    detections: Vec<DetectionTraceView>,
}

#[derive(Serialize)]
struct DetectionTraceView {
    detection: String,
    kind: &'static str,
    /// The path at which the event has no value, so that it is in no group; `None` if it is in groups.
    lacks: Option<String>,
    groups: Vec<GroupTraceView>,
}

#[derive(Serialize)]
struct GroupTraceView {
    by: Map<String, Value>,
    #[serde(flatten)]
    explanation: EntryExplanation,
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
    let detections = detections(&console, &active, &event).await?;
    Ok(Json(TraceView { event: pk, version: active.version, held_back, rules, detections }))
}

/// The detections that the event enters, with what their groups know about it.
async fn detections(
    console: &Console,
    active: &Arc<ActiveRules>,
    event: &Event,
) -> Result<Vec<DetectionTraceView>, Problem> {
    if active.document.detections().next().is_none() {
        return Ok(Vec::new());
    }
    let expressions = Arc::clone(&console.expressions);
    let (document, evaluated) = (Arc::clone(active), event.clone());
    let evaluate = move || {
        let rules = RuleSet::compile(&document.document);
        let entered = rules.evaluate(&evaluated, &document.document, &*expressions).entered;
        (rules, entered)
    };
    let (rules, entered) = run_blocking_if(active.document.has_expressions(), evaluate).await;
    let now = console.clock.now();
    let mut views = Vec::with_capacity(entered.len());
    for entered in entered {
        let (detection, id) = rules.detection(entered);
        let mut view = DetectionTraceView {
            detection: detection.name.clone(),
            kind: detection.kind.as_str(),
            lacks: None,
            groups: Vec::new(),
        };
        match groups(detection, id, event) {
            Err(path) => view.lacks = Some(path.as_str().to_owned()),
            Ok(groups) => {
                let ids: Vec<_> = groups.iter().map(|group| group.id).collect();
                let records = console.stores.groups.get_all(&ids).await?;
                let entry = Entry { step: entered.step, ..Entry::from_event(event) };
                view.groups = groups
                    .into_iter()
                    .zip(records)
                    .map(|(group, record)| GroupTraceView {
                        explanation: EntryExplanation::from_record(detection, entry, record.as_ref(), now),
                        by: group_paths(detection).map(|path| path.as_str().to_owned()).zip(group.values).collect(),
                    })
                    .collect();
            }
        }
        views.push(view);
    }
    Ok(views)
}
