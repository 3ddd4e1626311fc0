//! What storm control keeps back: one mechanism after the other, one function in one file each.
//!
//! 1. `silence`: an operator silenced the rule, or the event.
//! 2. `mute`: the rule is in one of its windows.
//! 3. `throttle`: the rule has notified as often as it may.
//! 4. `digest`: the rule collects, and another delivery will tell of it.
//!
//! The first that keeps a delivery back is its cause; the later ones do not see it, so that nothing counts that
//! was not sent. What the ledger knows already was judged when it was opened, and stays as it was judged.

mod digest;
mod mute;
mod silence;
mod throttle;

use std::collections::BTreeSet;

use domain::Timestamp;
use domain::delivery::DeliveryId;
use domain::ports::StoreError;
use domain::rules_document::RulesDocument;

use crate::Parts;
use crate::plan::Planned;

/// Closes the deliveries that are kept back, each with its cause.
pub(crate) async fn all(
    parts: &Parts,
    document: &RulesDocument,
    planned: &mut [Planned<'_>],
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = known(parts, planned).await?;
    let mut open: Vec<&mut Planned<'_>> =
        planned.iter_mut().filter(|planned| !known.contains(&planned.delivery.id)).collect();
    silence::apply(parts, document, &mut open, now).await?;
    open.retain(|planned| !planned.delivery.is_closed());
    mute::apply(&mut open, now);
    open.retain(|planned| !planned.delivery.is_closed());
    throttle::apply(parts, &mut open, now).await?;
    open.retain(|planned| !planned.delivery.is_closed());
    digest::apply(parts, &mut open, now).await
}

/// The deliveries that a message brings a second time. Asked for only where judging again could count again.
async fn known(parts: &Parts, planned: &[Planned<'_>]) -> Result<BTreeSet<DeliveryId>, StoreError> {
    let counted = planned.iter().filter(|planned| planned.rule.throttle.is_some() || planned.rule.digest.is_some());
    let ids: Vec<DeliveryId> = counted.map(|planned| planned.delivery.id).collect();
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    Ok(parts.ledger.get_all(&ids).await?.into_iter().map(|delivery| delivery.id).collect())
}
