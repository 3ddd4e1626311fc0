//! Writes the outcome of a claimed delivery into the ledger, and queues the next attempt if it is due soon.

use domain::delivery::Delivery;
use domain::event::Event;
use domain::message::{QueueMessage, QueuedWork};
use domain::ports::StoreError;
use jiff::SignedDuration;

use crate::{DispatchPorts, trace};

/// A retry due within this time is queued with a delay. A later one waits in the ledger for the scheduled task.
const MAX_QUEUE_DELAY: SignedDuration = SignedDuration::from_mins(15);

/// How often the ledger write is tried. A delivery that was sent but not recorded would be sent again.
const MAX_WRITES: usize = 3;

/// Writes the entry and queues the next attempt if it is due soon. Log lines name the trace of `event`.
///
/// # Errors
/// If the ledger cannot be written. A failure to queue is only logged: the scheduled task finds the entry.
pub(crate) async fn persist_and_queue(
    ports: &DispatchPorts,
    delivery: &Delivery,
    event: Option<&Event>,
) -> Result<(), StoreError> {
    if persist(ports, delivery, event).await? {
        queue_if_due_soon(ports, delivery, event).await;
    }
    Ok(())
}

/// Queues a delivery that is due within 15 minutes, delayed until then. A failure to queue is only logged: the
/// scheduled task finds the entry in the ledger.
pub(crate) async fn queue_if_due_soon(ports: &DispatchPorts, delivery: &Delivery, event: Option<&Event>) {
    let Some(due) = delivery.due_at() else { return };
    let delay = due.duration_since(ports.clock.now()).max(SignedDuration::ZERO);
    if delay <= MAX_QUEUE_DELAY {
        let message = QueueMessage::new(QueuedWork::Deliveries(vec![delivery.id]));
        if let Err(error) = ports.queue.send(&[message], delay).await {
            let trace_id = trace::id(event);
            tracing::warn!(%error, delivery = %delivery.id, trace_id, "could not queue the next attempt; the scheduled task will find it in the ledger");
        }
    }
}

/// Writes the entry. Returns `false` if another dispatcher has changed it since: that record then remains.
pub(crate) async fn persist(
    ports: &DispatchPorts,
    delivery: &Delivery,
    event: Option<&Event>,
) -> Result<bool, StoreError> {
    let mut writes = 1;
    let replaced = loop {
        match ports.ledger.replace(std::slice::from_ref(delivery)).await {
            Ok(replaced) => break replaced.first() == Some(&true),
            Err(error) if writes == MAX_WRITES => return Err(error),
            Err(_) => writes += 1,
        }
    };
    if replaced {
        return Ok(true);
    }
    // An earlier write may have succeeded although its response was lost.
    if writes > 1 && ports.ledger.get(delivery.id).await?.as_ref() == Some(delivery) {
        return Ok(true);
    }
    // The lease expired during the attempt, and another dispatcher claimed the entry.
    tracing::warn!(delivery = %delivery.id, trace_id = trace::id(event), "outcome not recorded: another dispatcher has changed the ledger entry since");
    Ok(false)
}
