//! Takes hold of ledger entries by conditional writes. Of two who try, one gets it.

use std::sync::Arc;

use domain::Timestamp;
use domain::delivery::{Delivery, DeliveryId, Unclaimable};
use domain::event::Event;
use domain::ports::{OpenOutcome, StoreError};

use crate::plan::Planned;
use crate::{DispatchError, Parts, trace};

/// What came of claiming.
#[derive(Default)]
pub(crate) struct Claimed {
    /// Ours to deliver.
    pub(crate) ours: Vec<Ours>,
    /// The latest end of the leases that others hold.
    pub(crate) busy_until: Option<Timestamp>,
}

/// A claimed entry. Without its event, which has expired, it can only be closed.
pub(crate) struct Ours {
    pub(crate) delivery: Delivery,
    pub(crate) event: Option<Arc<Event>>,
    /// When it was due, if it had waited for that.
    pub(crate) due: Option<Timestamp>,
}

impl Ours {
    /// The trace that log lines about it name.
    pub(crate) fn trace_id(&self) -> Option<String> {
        trace::id(self.event.as_deref())
    }
}

/// Opens the planned deliveries, those that are kept back as closed ones; those that are there already are taken over if they may be.
pub(crate) async fn open(parts: &Parts, planned: Vec<Planned<'_>>) -> Result<Claimed, DispatchError> {
    let mut claimed = Claimed::default();
    if planned.is_empty() {
        return Ok(claimed);
    }
    let entries: Vec<Delivery> = planned.iter().map(|planned| planned.delivery.clone()).collect();
    let opened = parts.ledger.open(&entries).await?;
    for (Planned { delivery, event, .. }, opened) in planned.into_iter().zip(opened) {
        match opened {
            OpenOutcome::New if delivery.is_closed() => {}
            OpenOutcome::New => claimed.ours.push(Ours { delivery, event: Some(event), due: None }),
            OpenOutcome::Existing(existing) => {
                if let Some(delivery) = take(parts, &existing, &mut claimed).await? {
                    claimed.ours.push(Ours { delivery, event: Some(event), due: existing.next_at });
                }
            }
        }
    }
    Ok(claimed)
}

/// Takes over deliveries whose next attempt is due.
pub(crate) async fn again(parts: &Parts, ids: &[DeliveryId]) -> Result<Claimed, DispatchError> {
    let mut claimed = Claimed::default();
    for id in ids {
        let Some(existing) = parts.ledger.get(*id).await? else { continue };
        if let Some(delivery) = take(parts, &existing, &mut claimed).await? {
            let event = parts.log.get(delivery.event(), parts.clock.now()).await?.map(Arc::new);
            claimed.ours.push(Ours { delivery, event, due: existing.next_at });
        }
    }
    Ok(claimed)
}

async fn take(parts: &Parts, existing: &Delivery, claimed: &mut Claimed) -> Result<Option<Delivery>, StoreError> {
    match existing.claim(parts.clock.now()) {
        Ok(taken) => {
            let won = parts.ledger.replace(std::slice::from_ref(&taken)).await?.first() == Some(&true);
            // Who lost the race leaves it to the winner, who holds a message of its own.
            Ok(won.then_some(taken))
        }
        Err(Unclaimable::Leased { until }) => {
            claimed.busy_until = claimed.busy_until.max(Some(until));
            Ok(None)
        }
        Err(Unclaimable::Closed | Unclaimable::Waiting { .. }) => Ok(None),
    }
}
