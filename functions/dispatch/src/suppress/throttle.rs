//! Events beyond what their rule's throttle lets through.
//!
//! Counts events, not deliveries: all recipients are told of an event, or none. Of several dispatchers that count
//! at once each change is one conditional write; who loses it counts again.

use std::collections::BTreeMap;

use domain::Timestamp;
use domain::delivery::Cause;
use domain::event::EventPk;
use domain::ports::StoreError;
use domain::rules_document::{Rule, Throttle};
use domain::suppression::{Lane, LaneId, LaneState, Tally, Verdict};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::Parts;
use crate::plan::Planned;

/// Lanes counted at a time.
const SIDE_BY_SIDE: usize = 16;

/// What one message brings to one lane.
struct Arrivals<'a> {
    throttle: &'a Throttle,
    key: Vec<Option<String>>,
    events: Vec<EventPk>,
    /// The planned deliveries, with the place of their event in `events`.
    planned: Vec<(usize, usize)>,
}

/// Keeps back what is beyond the throttle.
pub(super) async fn apply(parts: &Parts, planned: &mut [&mut Planned<'_>], now: Timestamp) -> Result<(), StoreError> {
    let lanes: Vec<_> = by_lane(planned).into_iter().map(|(id, arrivals)| judge(parts, id, arrivals, now)).collect();
    let judged: Vec<_> = stream::iter(lanes).buffer_unordered(SIDE_BY_SIDE).try_collect().await?;
    for (arrivals, verdicts) in judged {
        for (place, event) in arrivals.planned {
            if let Verdict::Hold { until } = verdicts[event] {
                planned[place].keep_back(Cause::throttle(arrivals.throttle, arrivals.key.clone(), until));
            }
        }
    }
    Ok(())
}

fn by_lane<'a>(planned: &[&mut Planned<'a>]) -> BTreeMap<LaneId, Arrivals<'a>> {
    let mut lanes: BTreeMap<LaneId, Arrivals<'a>> = BTreeMap::new();
    for (place, planned) in planned.iter().enumerate() {
        let rule: &'a Rule = planned.rule;
        let Some(throttle) = &rule.throttle else { continue };
        let key: Vec<Option<String>> = throttle.by.iter().map(|path| path.value(&planned.event)).collect();
        let named = throttle.by.iter().zip(&key).map(|(path, value)| (path.as_str(), value.as_deref()));
        let id = LaneId::throttle(&rule.name, named);
        let arrivals =
            lanes.entry(id).or_insert_with(|| Arrivals { throttle, key, events: Vec::new(), planned: Vec::new() });
        // Deliveries of one event and rule stand one after the other.
        if arrivals.events.last() != Some(&planned.event.pk) {
            arrivals.events.push(planned.event.pk);
        }
        arrivals.planned.push((place, arrivals.events.len() - 1));
    }
    lanes
}

async fn judge<'a>(
    parts: &Parts,
    id: LaneId,
    arrivals: Arrivals<'a>,
    now: Timestamp,
) -> Result<(Arrivals<'a>, Vec<Verdict>), StoreError> {
    let throttle = arrivals.throttle;
    loop {
        let lane = parts.suppression.lane(id).await?;
        let before = match &lane {
            Some(Lane { state: LaneState::Throttle(tally), .. }) => tally.clone(),
            _ => Tally::default(),
        };
        let judged = before.judge(throttle, &arrivals.events, now);
        let Some(tally) = judged.changed else { return Ok((arrivals, judged.verdicts)) };
        let expires = tally.expires(throttle);
        let after = Lane::after(lane.as_ref(), LaneState::Throttle(tally), expires);
        // Each one that loses here means that another has counted: in the end the lane is full.
        if parts.suppression.put_lane(id, &after).await? {
            return Ok((arrivals, judged.verdicts));
        }
    }
}
