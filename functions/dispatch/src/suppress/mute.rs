//! Suppresses the deliveries of rules that are in one of their mute windows.

use std::collections::HashMap;

use domain::Timestamp;
use domain::delivery::Cause;

use crate::plan::PlannedDelivery;

/// Closes the deliveries whose rule is muted at `now`.
pub(super) fn apply(planned: &mut [&mut PlannedDelivery<'_>], now: Timestamp) {
    let mut muted_until: HashMap<&str, Option<Timestamp>> = HashMap::new();
    for planned in planned.iter_mut().filter(|planned| !planned.rule.mute.is_empty()) {
        let rule = planned.rule;
        let until = *muted_until.entry(&rule.name).or_insert_with(|| rules::muted_until(&rule.mute, now));
        if let Some(until) = until {
            planned.suppress(Cause::Mute { until });
        }
    }
}
