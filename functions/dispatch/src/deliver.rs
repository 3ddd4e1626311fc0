//! Attempts each claimed delivery once, concurrently, and decides what follows from the outcome.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::delivery::endpoint::EndpointAdmission;
use domain::delivery::{Attempt, AttemptOutcome, Delivery, Failure, retry};
use domain::event::Event;
use domain::notification::Notification;
use domain::ports::{SendReport, StoreError};
use domain::rules_document::{RulesDocument, Transport};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::SignedDuration;

use crate::claim::ClaimedDelivery;
use crate::endpoint_health::EndpointHealth;
use crate::failure_events::FailureEvents;
use crate::limiter::TransportLimiters;
use crate::metrics::DispatchMetrics;
use crate::persist_outcome::{persist, persist_and_queue};
use crate::{DispatchPorts, digest_body, persist_effects, trace};

/// Concurrent attempts for one queue message.
const MAX_CONCURRENT_ATTEMPTS: usize = 512;

/// The longest that an attempt, including its ledger write, takes.
const MAX_ATTEMPT_TIME: SignedDuration = SignedDuration::from_secs(20);

/// The shortest delay of a delivery whose transport is at its limit, or for which no time is left.
const MIN_BUSY_DELAY: SignedDuration = SignedDuration::from_secs(15);

/// The longest such delay, however long the delivery has waited: permits become free all the time.
const MAX_BUSY_DELAY: SignedDuration = SignedDuration::from_mins(1);

/// The revision of an entry, of which an attempt or a deferral has two, after which a deferred delivery waits in the
/// ledger alone. The scheduled task queues all that are due in few messages; and no chain of messages goes on for days.
const MAX_QUEUED_REVISION: u64 = 32;

/// A due delivery is normally picked up within this time; if it took longer, the dispatchers were not running.
const MAX_PICKUP_DELAY: SignedDuration = SignedDuration::from_hours(2);

/// The longest delay beyond the end of the transport's pause.
const MAX_PAUSED_DELAY: SignedDuration = SignedDuration::from_hours(1);

/// The context of all attempts for one queue message.
#[derive(Clone, Copy)]
pub(crate) struct DeliveryRun<'a> {
    pub(crate) ports: &'a DispatchPorts,
    pub(crate) limiters: &'a TransportLimiters,
    pub(crate) health: &'a EndpointHealth,
    pub(crate) failure_events: &'a FailureEvents,
    pub(crate) metrics: &'a DispatchMetrics,
    pub(crate) document: &'a RulesDocument,
    /// An attempt that might end after this time is not begun.
    pub(crate) deadline: Timestamp,
}

impl DeliveryRun<'_> {
    /// Attempts each delivery once.
    ///
    /// # Errors
    /// If an outcome could not be recorded. The other deliveries are attempted all the same.
    pub(crate) async fn attempt_all(self, claimed: Vec<ClaimedDelivery>) -> Result<(), StoreError> {
        let attempts = claimed.into_iter().map(|claimed| self.attempt_one(claimed));
        // Collect before looking for errors: an early return would drop the attempts that are still running.
        let recorded: Vec<Result<(), StoreError>> =
            stream::iter(attempts).buffer_unordered(MAX_CONCURRENT_ATTEMPTS).collect().await;
        stream::iter(recorded).try_for_each(|()| std::future::ready(Ok(()))).await
    }

    async fn attempt_one(self, claimed: ClaimedDelivery) -> Result<(), StoreError> {
        let delivery = &claimed.delivery;
        let Some(event) = claimed.event.clone() else { return self.fail(&claimed, Failure::NoEvent).await };
        let Some(transport) = self.document.transports.get(&delivery.transport) else {
            return self.fail(&claimed, Failure::NoTransport).await;
        };
        // A delivery to a paused endpoint takes no permit. The state is checked again after the wait for the permit.
        let admission = self.health.peek(transport, self.ports.clock.now());
        if matches!(admission, EndpointAdmission::Paused { .. } | EndpointAdmission::Disabled { .. }) {
            return self.defer_or_fail(&claimed, admission).await;
        }
        let permit = self.limiters.acquire(transport).await;
        let now = self.ports.clock.now();
        let permit = match permit {
            Ok(permit) if domain::time::later(now, MAX_ATTEMPT_TIME) <= self.deadline => permit,
            Ok(_) => return self.defer_busy(&claimed, None, now).await,
            Err(reached) => return self.defer_busy(&claimed, reached.retry_after, now).await,
        };
        match self.health.admit(&*self.ports.endpoints, transport, now).await {
            EndpointAdmission::Allowed | EndpointAdmission::Probe => {}
            admission => return self.defer_or_fail(&claimed, admission).await,
        }
        let outcome = self.send(delivery, event, transport).await?;
        // Recording the outcome needs no permit.
        drop(permit);
        self.conclude(&claimed, now, outcome).await
    }

    /// Renders and sends the notification, and persists what the transport's mappings did.
    async fn send(
        self,
        delivery: &Delivery,
        event: Arc<Event>,
        transport: &Transport,
    ) -> Result<AttemptOutcome, StoreError> {
        let public_url = self.document.public_url.as_deref();
        let notification = Notification::for_delivery(delivery, event, public_url);
        let notification = digest_body::add_collected_events(self.ports, delivery, notification, public_url).await?;
        let SendReport { outcome, effects } = self.ports.channel.send(&notification, transport, self.document).await;
        let effects = vec![(Arc::clone(&notification.event), effects)];
        if let Err(error) = persist_effects::persist(self.ports, self.document, effects, self.ports.clock.now()).await {
            let trace_id = trace::id(Some(&notification.event));
            tracing::warn!(%error, delivery = %delivery.id, trace_id, "could not store the events of a mapping; the delivery continues");
        }
        self.health.record(&*self.ports.endpoints, transport, &outcome, self.ports.clock.now()).await;
        Ok(outcome)
    }

    /// Defers the delivery until the endpoint's pause ends, or fails it if the endpoint is disabled.
    async fn defer_or_fail(self, claimed: &ClaimedDelivery, admission: EndpointAdmission) -> Result<(), StoreError> {
        match admission {
            EndpointAdmission::Disabled { since, why } => self.fail(claimed, Failure::Disabled { since, why }).await,
            EndpointAdmission::Paused { until, why } => {
                let now = self.ports.clock.now();
                match self.deferred(claimed, until, MAX_PAUSED_DELAY, now) {
                    // Not queued: the scheduled task resumes all deliveries of a paused endpoint with few messages.
                    Some(deferred) => persist(self.ports, &deferred, claimed.event.as_deref()).await.map(drop),
                    None => self.fail(claimed, Failure::Unreachable(why)).await,
                }
            }
            EndpointAdmission::Allowed | EndpointAdmission::Probe => Ok(()),
        }
    }

    /// Defers the delivery because its transport is at its limit, or because no time is left for an attempt.
    async fn defer_busy(
        self,
        claimed: &ClaimedDelivery,
        retry_after: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // The rate limiter has given each delivery a place of its own; jitter would only leave places unused.
        let retry_after = retry_after.and_then(|wait| SignedDuration::try_from(wait).ok());
        let deferred = match retry_after {
            Some(wait) => Some(claimed.delivery.postponed(domain::time::later(now, wait), now)),
            None => self.deferred(claimed, domain::time::later(now, MIN_BUSY_DELAY), MAX_BUSY_DELAY, now),
        };
        match deferred {
            Some(deferred) if deferred.revision > MAX_QUEUED_REVISION => {
                persist(self.ports, &deferred, claimed.event.as_deref()).await.map(drop)
            }
            Some(deferred) => persist_and_queue(self.ports, &deferred, claimed.event.as_deref()).await,
            None => self.fail(claimed, Failure::Unreachable("it was at its limit all the time".to_owned())).await,
        }
    }

    /// The delivery, deferred at least until `until`; `None` if it has been deferred for too long and is to fail.
    fn deferred(
        self,
        claimed: &ClaimedDelivery,
        until: Timestamp,
        longest: SignedDuration,
        now: Timestamp,
    ) -> Option<Delivery> {
        let delivery = &claimed.delivery;
        let jitter = self.ports.entropy.fraction();
        // A delivery that is picked up for the first time, or long after it was due, may only seem old: the machine
        // slept, or its clock was set. Time in which no dispatcher ran does not count towards giving up.
        let was_idle = claimed.due.is_none_or(|due| now.duration_since(due) > MAX_PICKUP_DELAY);
        let waited = if was_idle { longest } else { delivery.waited(now) };
        match retry::postpone(waited, until, longest, now, jitter) {
            retry::NextStep::Retry { at } => Some(delivery.postponed(at, now)),
            retry::NextStep::Closed | retry::NextStep::Dead => None,
        }
    }

    async fn fail(self, claimed: &ClaimedDelivery, failure: Failure) -> Result<(), StoreError> {
        self.conclude(claimed, self.ports.clock.now(), AttemptOutcome::Failed(failure)).await
    }

    /// Decides what follows the outcome, and counts, logs and persists it.
    async fn conclude(
        self,
        claimed: &ClaimedDelivery,
        began: Timestamp,
        outcome: AttemptOutcome,
    ) -> Result<(), StoreError> {
        let delivery = &claimed.delivery;
        let now = self.ports.clock.now();
        let next = retry::next(delivery.attempt_number(), &outcome, now, self.ports.entropy.fraction());
        let failure = match &outcome {
            AttemptOutcome::Delivered { .. } => None,
            AttemptOutcome::Failed(failure) => Some(failure),
        };
        let attempt = Attempt {
            at: domain::time::to_micros(began),
            status: match &outcome {
                AttemptOutcome::Delivered { status, .. } => *status,
                AttemptOutcome::Failed(failure) => failure.status(),
            },
            error: failure.map(Failure::with_answer),
            ms: u64::try_from(now.duration_since(began).as_millis()).unwrap_or(0),
        };
        self.metrics.add_attempt(delivery, next, now);
        log_attempt(claimed, &attempt, failure, next);
        if let (retry::NextStep::Dead, Some(failure)) = (next, failure) {
            self.failure_events.store(self.ports, self.document, claimed, failure).await;
        }
        persist_and_queue(self.ports, &delivery.after(attempt, next), claimed.event.as_deref()).await
    }
}

fn log_attempt(claimed: &ClaimedDelivery, attempt: &Attempt, failure: Option<&Failure>, next: retry::NextStep) {
    let Delivery { id, rule, transport, .. } = &claimed.delivery;
    // Without the text of the receiver's response, which may hold personal data; the ledger entry has it.
    let error = failure.map(ToString::to_string).unwrap_or_default();
    match next {
        retry::NextStep::Closed => {
            tracing::debug!(delivery = %id, trace_id = claimed.trace_id(), rule, transport, attempt_ms = attempt.ms, "delivered");
        }
        retry::NextStep::Retry { at } => {
            let trace_id = claimed.trace_id();
            tracing::info!(delivery = %id, trace_id, rule, transport, error, next_at = %at, "attempt failed; another follows");
        }
        retry::NextStep::Dead => {
            let trace_id = claimed.trace_id();
            tracing::warn!(delivery = %id, trace_id, rule, transport, error, "delivery is dead");
        }
    }
}
