//! One attempt for each claimed delivery, side by side, and the record of what came of it.

use domain::Timestamp;
use domain::delivery::{Attempt, Delivery, Failure, Outcome, retry};
use domain::document::RulesDocument;
use domain::message::{Message, Work};
use domain::notification::Notification;
use domain::ports::StoreError;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::SignedDuration;

use crate::Parts;
use crate::claim::Ours;
use crate::endpoints::Endpoints;

/// Attempts of one message at a time.
const SIDE_BY_SIDE: usize = 512;

/// The longest an attempt and its record take.
const LONGEST_ATTEMPT: SignedDuration = SignedDuration::from_secs(20);

/// How long a delivery is put off when its endpoint is busy or the time is up.
const PUT_OFF: SignedDuration = SignedDuration::from_secs(15);

/// What is due within this time waits in the queue, what is due later in the ledger.
const QUEUE_DELAY: SignedDuration = SignedDuration::from_mins(15);

/// Writing down what was sent is worth insisting on: what is not written down is sent again.
const RECORD_TRIES: usize = 3;

/// Makes one attempt for each. An error means that some outcome could not be recorded.
pub(crate) async fn all(
    parts: &Parts,
    endpoints: &Endpoints,
    document: &RulesDocument,
    claimed: Vec<Ours>,
    deadline: Timestamp,
) -> Result<(), StoreError> {
    let attempts = claimed.into_iter().map(|ours| one(parts, endpoints, document, ours, deadline));
    // All of them are made, also when recording one fails.
    let recorded: Vec<Result<(), StoreError>> = stream::iter(attempts).buffer_unordered(SIDE_BY_SIDE).collect().await;
    stream::iter(recorded).try_for_each(|()| std::future::ready(Ok(()))).await
}

async fn one(
    parts: &Parts,
    endpoints: &Endpoints,
    document: &RulesDocument,
    ours: Ours,
    deadline: Timestamp,
) -> Result<(), StoreError> {
    let Ours { delivery, event } = ours;
    let Some(event) = event else {
        return conclude(parts, &delivery, parts.clock.now(), Outcome::Failed(Failure::NoEvent)).await;
    };
    let Some(transport) = document.transports.get(&delivery.transport) else {
        return conclude(parts, &delivery, parts.clock.now(), Outcome::Failed(Failure::NoTransport)).await;
    };
    let turn = endpoints.enter(parts.channel.endpoint(transport)).await;
    let began = parts.clock.now();
    if turn.is_none() || domain::time::later(began, LONGEST_ATTEMPT) > deadline {
        return put_off(parts, &delivery, began).await;
    }
    let notification = Notification::of(&delivery, event, document.public_url.as_deref());
    let outcome = parts.channel.send(&notification, transport, document).await;
    drop(turn);
    conclude(parts, &delivery, began, outcome).await
}

async fn conclude(parts: &Parts, delivery: &Delivery, began: Timestamp, outcome: Outcome) -> Result<(), StoreError> {
    let now = parts.clock.now();
    let next = retry::next(delivery.attempt_number(), &outcome, now, parts.entropy.fraction());
    let attempt = Attempt {
        at: domain::time::to_micros(began),
        status: match &outcome {
            Outcome::Delivered { status, .. } => *status,
            Outcome::Failed(failure) => failure.status(),
        },
        error: match &outcome {
            Outcome::Delivered { .. } => None,
            Outcome::Failed(failure) => Some(failure.to_string()),
        },
        ms: u64::try_from(now.duration_since(began).as_millis()).unwrap_or(0),
    };
    report(delivery, &attempt, next);
    record(parts, &delivery.after(attempt, next)).await
}

fn report(delivery: &Delivery, attempt: &Attempt, next: retry::Next) {
    let (id, rule, transport) = (delivery.id, &delivery.rule, &delivery.transport);
    let error = attempt.error.as_deref().unwrap_or_default();
    match next {
        retry::Next::Closed => tracing::debug!(delivery = %id, rule, transport, attempt_ms = attempt.ms, "delivered"),
        retry::Next::Retry { at } => {
            tracing::info!(delivery = %id, rule, transport, error, next_at = %at, "attempt failed; another follows");
        }
        retry::Next::Dead => tracing::warn!(delivery = %id, rule, transport, error, "delivery is dead"),
    }
}

async fn put_off(parts: &Parts, delivery: &Delivery, now: Timestamp) -> Result<(), StoreError> {
    record(parts, &delivery.postponed(domain::time::later(now, PUT_OFF))).await
}

async fn record(parts: &Parts, delivery: &Delivery) -> Result<(), StoreError> {
    let mut tries = 1;
    let recorded = loop {
        match parts.ledger.replace(std::slice::from_ref(delivery)).await {
            Ok(replaced) => break replaced.first() == Some(&true),
            Err(error) if tries == RECORD_TRIES => return Err(error),
            Err(_) => tries += 1,
        }
    };
    if !recorded {
        // Our lease ran out during the attempt and another took over; its record stands. Or an
        // earlier try was written though its answer was lost, and this is its record.
        tracing::warn!(delivery = %delivery.id, "the entry was changed by another; its record stands");
        return Ok(());
    }
    if let Some(due) = delivery.due_at() {
        let delay = due.duration_since(parts.clock.now()).max(SignedDuration::ZERO);
        if delay <= QUEUE_DELAY {
            let message = Message::new(Work::Deliveries(vec![delivery.id]));
            if let Err(error) = parts.queue.send(&[message], delay).await {
                tracing::warn!(%error, delivery = %delivery.id, "the retry waits in the ledger instead of the queue");
            }
        }
    }
    Ok(())
}
