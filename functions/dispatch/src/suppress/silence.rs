//! Suppresses the deliveries that an operator has silenced, in the rules file or over the API.

use domain::Timestamp;
use domain::delivery::SuppressionCause;
use domain::ports::StoreError;
use domain::rules_document::{RulesDocument, Silence, SilenceState};

use crate::DispatchPorts;
use crate::plan::PlannedDelivery;

/// Closes the deliveries that an active silence covers. If several cover one, the cause is the one that ends last.
pub(super) async fn apply(
    ports: &DispatchPorts,
    document: &RulesDocument,
    planned: &mut [&mut PlannedDelivery<'_>],
    now: Timestamp,
) -> Result<(), StoreError> {
    if planned.is_empty() {
        return Ok(());
    }
    let posted = ports.silences.all().await?;
    let mut active: Vec<&Silence> =
        document.silences.iter().chain(&posted).filter(|one| one.state_at(now) == SilenceState::Active).collect();
    active.sort_by_key(|silence| std::cmp::Reverse(silence.ends));
    for planned in planned.iter_mut() {
        let silenced = active.iter().find(|silence| rules::silence_covers(silence, &planned.rule.name, &planned.event));
        if let Some(silence) = silenced {
            planned.suppress(SuppressionCause::silence(silence));
        }
    }
    Ok(())
}
