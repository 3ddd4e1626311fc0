//! Bounds how many groups of a detection are open.
//!
//! The groups are counted only when the bound may have been reached: again after a part of what was left then has been
//! opened by this process. When it is reached, no group is opened, and one event an hour says so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::Timestamp;
use domain::delivery::failure_event::hour;
use domain::detection::{DetectionId, GroupId, max_groups_event};
use domain::event::SerializedEvent;
use domain::ports::StoreError;
use domain::rules_document::{Detection, RulesDocument};
use jiff::SignedDuration;

use crate::DispatchPorts;

/// Of what is left, the part that this process opens before it counts again: other dispatchers open groups as well.
const SHARE: u64 = 40;
/// How long a full detection is not counted again.
const RECOUNT_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// What this process knows about the open groups of each detection.
#[derive(Default)]
pub(crate) struct OpenGroups {
    known: Mutex<HashMap<DetectionId, Allowance>>,
    /// The hour of the last event for each full detection that this process stored.
    reported: Mutex<HashMap<DetectionId, Timestamp>>,
}

#[derive(Clone, Copy)]
struct Allowance {
    /// How many groups may be opened before the next count.
    left: u64,
    /// When it was found that no group may be opened.
    full_since: Option<Timestamp>,
}

impl Allowance {
    fn holds(&self, now: Timestamp) -> bool {
        self.left > 0 || self.full_since.is_some_and(|full| now < domain::time::later(full, RECOUNT_AFTER))
    }
}

impl OpenGroups {
    /// Whether a group that is not open may be opened. If not, one event an hour reports it.
    pub(crate) async fn may_open(
        &self,
        ports: &DispatchPorts,
        document: &RulesDocument,
        detection: &Detection,
        group: GroupId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = group.detection();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied();
        let allowance = match known {
            Some(known) if known.holds(now) => known,
            _ => {
                let free = u64::from(detection.max_groups).saturating_sub(ports.groups.count(id, now).await?);
                Allowance { left: free.div_ceil(SHARE), full_since: (free == 0).then_some(now) }
            }
        };
        let left = allowance.left.saturating_sub(1);
        let next = Allowance { left, ..allowance };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(id, next);
        if allowance.left == 0 {
            self.report(ports, document, detection, id, now).await?;
        }
        Ok(allowance.left > 0)
    }

    async fn report(
        &self,
        ports: &DispatchPorts,
        document: &RulesDocument,
        detection: &Detection,
        id: DetectionId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let this_hour = hour(now);
        if self.reported.lock().unwrap_or_else(PoisonError::into_inner).get(&id) == Some(&this_hour) {
            return Ok(());
        }
        if let Ok(event) = max_groups_event(detection, document, now) {
            let event = SerializedEvent::from(Arc::new(event));
            ports.intake.accept(std::slice::from_ref(&event)).await?;
            domain::log_accepted!(event.json());
        }
        self.reported.lock().unwrap_or_else(PoisonError::into_inner).insert(id, this_hour);
        Ok(())
    }
}
