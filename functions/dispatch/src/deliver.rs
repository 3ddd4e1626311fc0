//! One attempt for each claimed delivery, side by side, and what follows from its outcome.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::delivery::endpoint::Gate;
use domain::delivery::{Attempt, Delivery, Failure, Outcome, retry};
use domain::event::Event;
use domain::notification::Notification;
use domain::ports::{Sent, StoreError};
use domain::rules_document::{RulesDocument, Transport};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::SignedDuration;

use crate::announce::Announced;
use crate::claim::Ours;
use crate::counted::Counted;
use crate::health::Health;
use crate::keep;
use crate::record::{in_ledger, record};
use crate::turns::Turns;
use crate::{Parts, collected, trace};

/// Attempts of one message at a time.
const SIDE_BY_SIDE: usize = 512;

/// The longest an attempt and its record take.
const LONGEST_ATTEMPT: SignedDuration = SignedDuration::from_secs(20);

/// How long a delivery is put off at least when its transport is busy or the time is up.
const BUSY: SignedDuration = SignedDuration::from_secs(15);

/// And at most, however long it has waited: turns come free all the time.
const LONGEST_BUSY: SignedDuration = SignedDuration::from_mins(1);

/// A delivery that is due is looked at within this time.
const LONGEST_UNSEEN: SignedDuration = SignedDuration::from_hours(2);

/// The most that a delivery is put off beyond a pause of its transport.
const LONGEST_PAUSED: SignedDuration = SignedDuration::from_hours(1);

/// What making attempts needs.
#[derive(Clone, Copy)]
pub(crate) struct Sending<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) turns: &'a Turns,
    pub(crate) health: &'a Health,
    pub(crate) announced: &'a Announced,
    pub(crate) counted: &'a Counted,
    pub(crate) document: &'a RulesDocument,
    /// No attempt begins that might not end before.
    pub(crate) deadline: Timestamp,
}

impl Sending<'_> {
    /// Makes one attempt for each. An error means that some outcome could not be recorded.
    pub(crate) async fn all(self, claimed: Vec<Ours>) -> Result<(), StoreError> {
        let attempts = claimed.into_iter().map(|ours| self.one(ours));
        // All of them are made, also when recording one fails.
        let recorded: Vec<Result<(), StoreError>> =
            stream::iter(attempts).buffer_unordered(SIDE_BY_SIDE).collect().await;
        stream::iter(recorded).try_for_each(|()| std::future::ready(Ok(()))).await
    }

    async fn one(self, ours: Ours) -> Result<(), StoreError> {
        let delivery = &ours.delivery;
        let Some(event) = ours.event.clone() else { return self.give_up(&ours, Failure::NoEvent).await };
        let Some(transport) = self.document.transports.get(&delivery.transport) else {
            return self.give_up(&ours, Failure::NoTransport).await;
        };
        // Who may not go does not wait for a turn either; who has waited for one may have waited too long.
        let gate = self.health.gate(transport, self.parts.clock.now());
        if matches!(gate, Gate::Paused { .. } | Gate::Disabled { .. }) {
            return self.hold_back(&ours, gate).await;
        }
        let turn = self.turns.enter(transport).await;
        let now = self.parts.clock.now();
        let turn = match turn {
            Ok(turn) if domain::time::later(now, LONGEST_ATTEMPT) <= self.deadline => turn,
            Ok(_) => return self.wait_for_a_turn(&ours, None, now).await,
            Err(busy) => return self.wait_for_a_turn(&ours, busy.come_again, now).await,
        };
        match self.health.admit(&*self.parts.endpoints, transport, now).await {
            Gate::Open | Gate::Probe => {}
            gate => return self.hold_back(&ours, gate).await,
        }
        let outcome = self.attempt(delivery, event, transport).await?;
        drop(turn);
        self.conclude(&ours, now, outcome).await
    }

    async fn attempt(
        self,
        delivery: &Delivery,
        event: Arc<Event>,
        transport: &Transport,
    ) -> Result<Outcome, StoreError> {
        let public_url = self.document.public_url.as_deref();
        let notification = Notification::of(delivery, event, public_url);
        let notification = collected::fill(self.parts, delivery, notification, public_url).await?;
        let Sent { outcome, effects } = self.parts.channel.send(&notification, transport, self.document).await;
        let left = vec![(Arc::clone(&notification.event), effects)];
        if let Err(error) = keep::all(self.parts, self.document, left, self.parts.clock.now()).await {
            let trace_id = trace::id(Some(&notification.event));
            tracing::warn!(%error, delivery = %delivery.id, trace_id, "what a mapping did is not kept; the delivery goes on");
        }
        self.health.learn(&*self.parts.endpoints, transport, &outcome, self.parts.clock.now()).await;
        Ok(outcome)
    }

    async fn hold_back(self, ours: &Ours, gate: Gate) -> Result<(), StoreError> {
        match gate {
            Gate::Disabled { since, why } => self.give_up(ours, Failure::Disabled { since, why }).await,
            Gate::Paused { until, why } => {
                let now = self.parts.clock.now();
                match self.put_off(ours, until, LONGEST_PAUSED, now) {
                    // In the ledger alone: the schedule brings it back without a queue message for each.
                    Some(put_off) => in_ledger(self.parts, &put_off, ours.event.as_deref()).await.map(drop),
                    None => self.give_up(ours, Failure::Unreachable(why)).await,
                }
            }
            Gate::Open | Gate::Probe => Ok(()),
        }
    }

    async fn wait_for_a_turn(
        self,
        ours: &Ours,
        come_again: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // Where the rate tells when there is room, nothing is added to that: it spreads those who wait by itself.
        let room = come_again.and_then(|wait| SignedDuration::try_from(wait).ok());
        let put_off = match room {
            Some(wait) => Some(ours.delivery.postponed(domain::time::later(now, wait), now)),
            None => self.put_off(ours, domain::time::later(now, BUSY), LONGEST_BUSY, now),
        };
        match put_off {
            Some(put_off) => record(self.parts, &put_off, ours.event.as_deref()).await,
            None => self.give_up(ours, Failure::Unreachable("it was busy all the time".to_owned())).await,
        }
    }

    /// The entry put off; none if it has been for too long.
    fn put_off(self, ours: &Ours, until: Timestamp, longest: SignedDuration, now: Timestamp) -> Option<Delivery> {
        let delivery = &ours.delivery;
        let jitter = self.parts.entropy.fraction();
        // One that is looked at for the first time, or was due long ago, may only seem old: the system slept, or its clock
        // has been set. Nothing is given up for time that has passed in nobody's sight.
        let slept = ours.due.is_none_or(|due| now.duration_since(due) > LONGEST_UNSEEN);
        let waited = if slept { longest } else { delivery.waited(now) };
        match retry::put_off(waited, until, longest, now, jitter) {
            retry::Next::Retry { at } => Some(delivery.postponed(at, now)),
            retry::Next::Closed | retry::Next::Dead => None,
        }
    }

    async fn give_up(self, ours: &Ours, failure: Failure) -> Result<(), StoreError> {
        self.conclude(ours, self.parts.clock.now(), Outcome::Failed(failure)).await
    }

    async fn conclude(self, ours: &Ours, began: Timestamp, outcome: Outcome) -> Result<(), StoreError> {
        let delivery = &ours.delivery;
        let now = self.parts.clock.now();
        let next = retry::next(delivery.attempt_number(), &outcome, now, self.parts.entropy.fraction());
        let failure = match &outcome {
            Outcome::Delivered { .. } => None,
            Outcome::Failed(failure) => Some(failure),
        };
        let attempt = Attempt {
            at: domain::time::to_micros(began),
            status: match &outcome {
                Outcome::Delivered { status, .. } => *status,
                Outcome::Failed(failure) => failure.status(),
            },
            error: failure.map(Failure::with_answer),
            ms: u64::try_from(now.duration_since(began).as_millis()).unwrap_or(0),
        };
        self.counted.attempted(delivery, next, now);
        report(ours, &attempt, failure, next);
        if let (retry::Next::Dead, Some(failure)) = (next, failure) {
            self.announced.failed(self.parts, self.document, ours, failure).await;
        }
        record(self.parts, &delivery.after(attempt, next), ours.event.as_deref()).await
    }
}

fn report(ours: &Ours, attempt: &Attempt, failure: Option<&Failure>, next: retry::Next) {
    let Delivery { id, rule, transport, .. } = &ours.delivery;
    // Without the receiver's own words, which the record has.
    let error = failure.map(ToString::to_string).unwrap_or_default();
    match next {
        retry::Next::Closed => {
            tracing::debug!(delivery = %id, trace_id = ours.trace_id(), rule, transport, attempt_ms = attempt.ms, "delivered");
        }
        retry::Next::Retry { at } => {
            let trace_id = ours.trace_id();
            tracing::info!(delivery = %id, trace_id, rule, transport, error, next_at = %at, "attempt failed; another follows");
        }
        retry::Next::Dead => {
            let trace_id = ours.trace_id();
            tracing::warn!(delivery = %id, trace_id, rule, transport, error, "delivery is dead");
        }
    }
}
