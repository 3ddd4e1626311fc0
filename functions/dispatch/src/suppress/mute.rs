//! Deliveries of rules that are in one of their mute windows.

use std::collections::HashMap;

use domain::Timestamp;
use domain::delivery::Cause;

use crate::plan::Planned;

/// Keeps back what falls into a window.
pub(super) fn apply(planned: &mut [&mut Planned<'_>], now: Timestamp) {
    let mut judged: HashMap<&str, Option<Timestamp>> = HashMap::new();
    for planned in planned.iter_mut().filter(|planned| !planned.rule.mute.is_empty()) {
        let rule = planned.rule;
        let until = *judged.entry(&rule.name).or_insert_with(|| rules::muted_until(&rule.mute, now));
        if let Some(until) = until {
            planned.keep_back(Cause::Mute { until });
        }
    }
}
