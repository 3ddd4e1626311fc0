//! Stores one event in the log for deliveries that failed permanently: at most one per transport, cause and hour.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::delivery::failure_event;
use domain::delivery::{Delivery, Failure};
use domain::event::SerializedEvent;
use domain::ports::StoreError;
use domain::rules_document::RulesDocument;
use domain::{EventPk, Timestamp};
use jiff::SignedDuration;

use crate::DispatchPorts;
use crate::claim::ClaimedDelivery;

/// The hour of the last event per (transport, cause) that this process stored. It saves one store request for each
/// further dead delivery of that hour; correctness does not depend on it, because the store remembers the event's name.
#[derive(Default)]
pub(crate) struct FailureEvents(Mutex<HashMap<(String, &'static str), Timestamp>>);

impl FailureEvents {
    /// Stores the event for a dead delivery, unless this process has stored one for the same hour. An error is only
    /// logged: the delivery's ledger entry records the same failure.
    pub(crate) async fn store(
        &self,
        ports: &DispatchPorts,
        document: &RulesDocument,
        claimed: &ClaimedDelivery,
        failure: &Failure,
    ) {
        let delivery = &claimed.delivery;
        let now = ports.clock.now();
        if !failure_event::is_worth_an_event(failure) || !self.is_first_of_hour(delivery, failure, now) {
            return;
        }
        match first_pk(ports, delivery, failure, now).await {
            Ok(pk) => {
                let Ok(event) = failure_event::for_delivery(delivery, failure, document, pk, now) else { return };
                let event = SerializedEvent::from(Arc::new(event));
                match ports.intake.accept(std::slice::from_ref(&event)).await {
                    Ok(()) => domain::log_accepted!(event.json()),
                    Err(error) => self.forget(claimed, failure, &error),
                }
            }
            Err(error) => self.forget(claimed, failure, &error),
        }
    }

    fn is_first_of_hour(&self, delivery: &Delivery, failure: &Failure, now: Timestamp) -> bool {
        let hour = failure_event::hour(now);
        let key = (delivery.transport.clone(), failure_event::cause(failure));
        let mut hours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hours.insert(key, hour) != Some(hour)
    }

    /// Lets the next dead delivery try again after the store has failed.
    fn forget(&self, claimed: &ClaimedDelivery, failure: &Failure, error: &StoreError) {
        let (delivery, trace_id) = (&claimed.delivery, claimed.trace_id());
        tracing::warn!(%error, delivery = %delivery.id, trace_id, "could not store the event about a dead delivery");
        let key = (delivery.transport.clone(), failure_event::cause(failure));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

/// How long the store remembers the first failure of an hour: until no dispatcher's clock names that hour any more.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(2);

/// The pk of the hour's first failure, whichever dispatcher had it.
async fn first_pk(
    ports: &DispatchPorts,
    delivery: &Delivery,
    failure: &Failure,
    now: Timestamp,
) -> Result<EventPk, StoreError> {
    let proposed = failure_event::pk(delivery, failure, now);
    let names = [(failure_event::name(delivery, failure, now), proposed)];
    let first = ports.intake.remember(&names, now, domain::time::later(now, REMEMBERED)).await?;
    Ok(first.first().copied().unwrap_or(proposed))
}
