//! Suppresses the deliveries of events beyond their rule's throttle.
//!
//! Counts events, not deliveries, so that either all recipients of an event are notified or none. Several dispatchers
//! may count concurrently: each change of the state is one conditional write, and a dispatcher that loses it counts
//! again.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::Timestamp;
use domain::delivery::SuppressionCause;
use domain::event::EventPk;
use domain::ports::StoreError;
use domain::rules_document::{Rule, Throttle};
use domain::suppression::{SuppressionKey, SuppressionRecord, SuppressionState, ThrottleDecision, ThrottleLog};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::DispatchPorts;
use crate::plan::PlannedDelivery;

/// Concurrent requests to the store, one per throttle state.
const MAX_CONCURRENT: usize = 16;

/// How often the count is written if other dispatchers are always first. Then the message comes again later.
const MAX_WRITES: usize = 30;

/// The longest wait after the first write that is lost, and after any.
const MIN_BACKOFF: Duration = Duration::from_millis(10);
const MAX_BACKOFF: Duration = Duration::from_millis(500);

/// The deliveries of one message that share a throttle state: same rule, same values of the fields in `by`.
struct ThrottleGroup<'a> {
    throttle: &'a Throttle,
    /// The event's values of the fields in `by`; `None` where a field is missing.
    key: Vec<Option<String>>,
    events: Vec<EventPk>,
    /// The index of each planned delivery, with the index of its event in `events`.
    planned: Vec<(usize, usize)>,
}

/// Closes the deliveries whose event is beyond the throttle.
pub(super) async fn apply(
    ports: &DispatchPorts,
    planned: &mut [&mut PlannedDelivery<'_>],
    now: Timestamp,
) -> Result<(), StoreError> {
    let groups: Vec<_> = grouped(planned).into_iter().map(|(id, group)| count(ports, id, group, now)).collect();
    let counted: Vec<_> = stream::iter(groups).buffer_unordered(MAX_CONCURRENT).try_collect().await?;
    for (group, verdicts) in counted {
        for (index, event) in group.planned {
            if let ThrottleDecision::Suppress { until } = verdicts[event] {
                planned[index].suppress(SuppressionCause::throttle(group.throttle, group.key.clone(), until));
            }
        }
    }
    Ok(())
}

fn grouped<'a>(planned: &[&mut PlannedDelivery<'a>]) -> BTreeMap<SuppressionKey, ThrottleGroup<'a>> {
    let mut groups: BTreeMap<SuppressionKey, ThrottleGroup<'a>> = BTreeMap::new();
    for (index, planned) in planned.iter().enumerate() {
        let rule: &'a Rule = planned.rule;
        let Some(throttle) = &rule.throttle else { continue };
        let key: Vec<Option<String>> = throttle.by.iter().map(|path| path.value(&planned.event)).collect();
        let named = throttle.by.iter().zip(&key).map(|(path, value)| (path.as_str(), value.as_deref()));
        let id = SuppressionKey::throttle(&rule.name, named);
        let group = groups.entry(id).or_insert_with(|| ThrottleGroup {
            throttle,
            key,
            events: Vec::new(),
            planned: Vec::new(),
        });
        // Deliveries of one event and rule are adjacent.
        if group.events.last() != Some(&planned.event.pk) {
            group.events.push(planned.event.pk);
        }
        group.planned.push((index, group.events.len() - 1));
    }
    groups
}

/// Counts the group's events. Returns one verdict per event.
async fn count<'a>(
    ports: &DispatchPorts,
    id: SuppressionKey,
    group: ThrottleGroup<'a>,
    now: Timestamp,
) -> Result<(ThrottleGroup<'a>, Vec<ThrottleDecision>), StoreError> {
    let throttle = group.throttle;
    let mut backoff = MIN_BACKOFF;
    for _ in 0..MAX_WRITES {
        let record = ports.suppression.get(id).await?;
        let before = match &record {
            Some(SuppressionRecord { state: SuppressionState::Throttle(log), .. }) => log.clone(),
            _ => ThrottleLog::default(),
        };
        let judged = before.judge(throttle, &group.events, now);
        let Some(log) = judged.changed else { return Ok((group, judged.verdicts)) };
        let expires = log.expires(throttle);
        let after = SuppressionRecord::next(record.as_ref(), SuppressionState::Throttle(log), expires);
        if ports.suppression.put(id, &after).await? {
            return Ok((group, judged.verdicts));
        }
        // Another dispatcher has counted meanwhile. At random times, few meet again.
        tokio::time::sleep(backoff.mul_f64(ports.entropy.fraction())).await;
        backoff = (backoff * 2).min(MAX_BACKOFF);
    }
    Err(StoreError::store(format_args!("other dispatchers changed a throttle before each of {MAX_WRITES} writes")))
}
