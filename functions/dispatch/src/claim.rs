//! Claims ledger entries by conditional writes with a lease. If two dispatchers try, exactly one succeeds.

use std::sync::Arc;

use domain::Timestamp;
use domain::delivery::{Delivery, DeliveryId, Unclaimable};
use domain::event::Event;
use domain::ports::{OpenOutcome, StoreError};

use crate::plan::PlannedDelivery;
use crate::{DispatchError, DispatchPorts, trace};

/// The result of claiming the deliveries of one message.
#[derive(Default)]
pub(crate) struct Claims {
    /// The deliveries that this dispatcher may attempt now.
    pub(crate) deliveries: Vec<ClaimedDelivery>,
    /// The latest end of a lease that another dispatcher holds; `None` if no delivery is leased.
    pub(crate) leased_until: Option<Timestamp>,
}

/// A ledger entry whose lease this dispatcher holds.
pub(crate) struct ClaimedDelivery {
    pub(crate) delivery: Delivery,
    /// `None` if the event has expired: the delivery can then only be closed as failed.
    pub(crate) event: Option<Arc<Event>>,
    /// When the attempt was due, if the entry waited for a time; `None` for a new entry.
    pub(crate) due: Option<Timestamp>,
}

impl ClaimedDelivery {
    /// The trace id for log lines about this delivery; `None` without the event.
    pub(crate) fn trace_id(&self) -> Option<String> {
        trace::id(self.event.as_deref())
    }
}

/// Writes the planned deliveries into the ledger and claims them. Suppressed ones are written as closed entries and
/// are not claimed. An entry that already exists is claimed if its attempt is due and no lease is active.
pub(crate) async fn open_planned(
    ports: &DispatchPorts,
    planned: Vec<PlannedDelivery<'_>>,
) -> Result<Claims, DispatchError> {
    let mut claims = Claims::default();
    if planned.is_empty() {
        return Ok(claims);
    }
    let entries: Vec<Delivery> = planned.iter().map(|planned| planned.delivery.clone()).collect();
    let opened = ports.ledger.open(&entries).await?;
    for (PlannedDelivery { delivery, event, .. }, opened) in planned.into_iter().zip(opened) {
        match opened {
            OpenOutcome::New if delivery.is_closed() => {}
            OpenOutcome::New => claims.deliveries.push(ClaimedDelivery { delivery, event: Some(event), due: None }),
            OpenOutcome::Unreadable => {
                tracing::error!(delivery = %delivery.id, "a ledger entry cannot be read; its delivery is not attempted");
            }
            OpenOutcome::Existing(existing) => {
                if let Some(delivery) = try_claim(ports, &existing, &mut claims).await? {
                    claims.deliveries.push(ClaimedDelivery { delivery, event: Some(event), due: existing.next_at });
                }
            }
        }
    }
    Ok(claims)
}

/// Claims entries whose next attempt is due and loads their events. Skips ids that the ledger does not have.
pub(crate) async fn claim_due(ports: &DispatchPorts, ids: &[DeliveryId]) -> Result<Claims, DispatchError> {
    let mut claims = Claims::default();
    for id in ids {
        let Some(existing) = ports.ledger.get(*id).await? else { continue };
        if let Some(delivery) = try_claim(ports, &existing, &mut claims).await? {
            let event = ports.log.get(delivery.event(), ports.clock.now()).await?.map(Arc::new);
            claims.deliveries.push(ClaimedDelivery { delivery, event, due: existing.next_at });
        }
    }
    Ok(claims)
}

/// The claimed entry; `None` if it is closed, not yet due, or claimed by another dispatcher.
async fn try_claim(
    ports: &DispatchPorts,
    existing: &Delivery,
    claims: &mut Claims,
) -> Result<Option<Delivery>, StoreError> {
    match existing.claim(ports.clock.now()) {
        Ok(leased) => {
            let won = ports.ledger.replace(std::slice::from_ref(&leased)).await?.first() == Some(&true);
            // A dispatcher that loses the race drops the delivery without waiting for the lease: the winner holds
            // a queue message of its own and returns that one if it crashes.
            Ok(won.then_some(leased))
        }
        Err(Unclaimable::Leased { until }) => {
            claims.leased_until = claims.leased_until.max(Some(until));
            Ok(None)
        }
        Err(Unclaimable::Closed | Unclaimable::Waiting { .. }) => Ok(None),
    }
}
