//! Writes down what became of a claimed delivery, over the claim.

use domain::delivery::Delivery;
use domain::event::Event;
use domain::message::{QueueMessage, QueuedWork};
use domain::ports::StoreError;
use jiff::SignedDuration;

use crate::{Parts, trace};

/// What is due within this time waits in the queue, what is due later in the ledger.
const QUEUE_DELAY: SignedDuration = SignedDuration::from_mins(15);

/// Writing down what was sent is worth insisting on: what is not written down is sent again.
const TRIES: usize = 3;

/// Writes the entry; log lines name the trace of its `event`. What is due soon goes to the queue too; should that fail, the schedule finds it.
pub(crate) async fn record(parts: &Parts, delivery: &Delivery, event: Option<&Event>) -> Result<(), StoreError> {
    if in_ledger(parts, delivery, event).await? {
        schedule(parts, delivery, event).await;
    }
    Ok(())
}

/// Sends what is due soon to the queue, to come out then; should that fail, the schedule finds it in the ledger.
pub(crate) async fn schedule(parts: &Parts, delivery: &Delivery, event: Option<&Event>) {
    let Some(due) = delivery.due_at() else { return };
    let delay = due.duration_since(parts.clock.now()).max(SignedDuration::ZERO);
    if delay <= QUEUE_DELAY {
        let message = QueueMessage::new(QueuedWork::Deliveries(vec![delivery.id]));
        if let Err(error) = parts.queue.send(&[message], delay).await {
            let trace_id = trace::id(event);
            tracing::warn!(%error, delivery = %delivery.id, trace_id, "what is due waits in the ledger instead of the queue");
        }
    }
}

/// Writes the entry and leaves what is due to the schedule; whether it is the one that stands.
pub(crate) async fn in_ledger(parts: &Parts, delivery: &Delivery, event: Option<&Event>) -> Result<bool, StoreError> {
    let mut tries = 1;
    let replaced = loop {
        match parts.ledger.replace(std::slice::from_ref(delivery)).await {
            Ok(replaced) => break replaced.first() == Some(&true),
            Err(error) if tries == TRIES => return Err(error),
            Err(_) => tries += 1,
        }
    };
    if replaced {
        return Ok(true);
    }
    // An earlier try may have been written though its answer was lost.
    if tries > 1 && parts.ledger.get(delivery.id).await?.as_ref() == Some(delivery) {
        return Ok(true);
    }
    // Our lease ran out during the attempt and another took over.
    tracing::warn!(delivery = %delivery.id, trace_id = trace::id(event), "the entry was changed by another; its record stands");
    Ok(false)
}
