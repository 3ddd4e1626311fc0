//! Storm control: suppresses deliveries by four mechanisms in this order, one file each.
//!
//! 1. `silence`: an operator has silenced the rule or the event.
//! 2. `mute`: the rule is in one of its mute windows.
//! 3. `throttle`: the rule has reached its number of notifications.
//! 4. `digest`: the rule collects its events, and another delivery will report this one.
//!
//! The first mechanism that suppresses a delivery is its cause. The later ones do not see it, so that a throttle does
//! not count a notification that was never sent. A delivery that is already in the ledger was decided when it was
//! opened, and is not decided again.

mod digest;
mod mute;
mod silence;
mod throttle;

use std::collections::BTreeSet;

use domain::Timestamp;
use domain::delivery::DeliveryId;
use domain::ports::StoreError;
use domain::rules_document::RulesDocument;

use crate::DispatchPorts;
use crate::plan::PlannedDelivery;

/// Closes the deliveries that are to be suppressed, each with its cause.
pub(crate) async fn apply_all(
    ports: &DispatchPorts,
    document: &RulesDocument,
    planned: &mut [PlannedDelivery<'_>],
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = known(ports, planned).await?;
    let mut open: Vec<&mut PlannedDelivery<'_>> =
        planned.iter_mut().filter(|planned| !known.contains(&planned.delivery.id)).collect();
    silence::apply(ports, document, &mut open, now).await?;
    open.retain(|planned| !planned.delivery.is_closed());
    mute::apply(&mut open, now);
    open.retain(|planned| !planned.delivery.is_closed());
    throttle::apply(ports, &mut open, now).await?;
    open.retain(|planned| !planned.delivery.is_closed());
    digest::apply(ports, &mut open, now).await
}

/// The deliveries that are already in the ledger because their message came before. Looks up only those of rules with a
/// throttle or a digest: for the other mechanisms, a second decision has no side effect.
async fn known(ports: &DispatchPorts, planned: &[PlannedDelivery<'_>]) -> Result<BTreeSet<DeliveryId>, StoreError> {
    let stateful = planned.iter().filter(|planned| planned.rule.throttle.is_some() || planned.rule.digest.is_some());
    let ids: Vec<DeliveryId> = stateful.map(|planned| planned.delivery.id).collect();
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    Ok(ports.ledger.get_all(&ids).await?.into_iter().map(|delivery| delivery.id).collect())
}
