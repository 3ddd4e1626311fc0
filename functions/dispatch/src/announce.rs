//! A delivery that failed for good leaves an event in the log, one for each transport and hour.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::Timestamp;
use domain::delivery::{Delivery, Failure, failure_event};
use domain::ports::StoreError;
use domain::rules_document::RulesDocument;

use crate::Parts;
use crate::claim::Ours;

/// What this dispatcher has announced: the last hour of each transport and cause. Saves asking the store for each dead delivery.
#[derive(Default)]
pub(crate) struct Announced(Mutex<HashMap<(String, &'static str), Timestamp>>);

impl Announced {
    /// Stores the event unless that was done. A failure to do so is logged: the delivery's own record says the same.
    pub(crate) async fn failed(&self, parts: &Parts, document: &RulesDocument, ours: &Ours, failure: &Failure) {
        let delivery = &ours.delivery;
        let now = parts.clock.now();
        if !failure_event::is_worth_an_event(failure) || !self.is_first(delivery, failure, now) {
            return;
        }
        let Ok(event) = failure_event::of(delivery, failure, document, now) else { return };
        let json = event.to_json();
        match parts.intake.accept(&[Arc::new(event)]).await {
            Ok(()) => tracing::info!(target: "nuncio::event", event = json.as_str(), "event accepted"),
            Err(error) => self.again(ours, failure, &error),
        }
    }

    fn is_first(&self, delivery: &Delivery, failure: &Failure, now: Timestamp) -> bool {
        let hour = failure_event::hour(now);
        let key = (delivery.transport.clone(), failure_event::cause(failure));
        let mut hours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hours.insert(key, hour) != Some(hour)
    }

    fn again(&self, ours: &Ours, failure: &Failure, error: &StoreError) {
        let (delivery, trace_id) = (&ours.delivery, ours.trace_id());
        tracing::warn!(%error, delivery = %delivery.id, trace_id, "no event could be stored of a dead delivery");
        let key = (delivery.transport.clone(), failure_event::cause(failure));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}
