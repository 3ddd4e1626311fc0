//! Remembers which due deliveries were queued lately, so that a sweep does not queue again what dispatchers have not
//! come to yet. Owns no promise: what is forgotten is queued again, which is harmless but keeps dispatchers busy.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::Timestamp;
use domain::delivery::DeliveryId;
use domain::ports::DueDelivery;
use jiff::SignedDuration;

/// After this time, a delivery that is still due is queued again: its message may have failed.
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_mins(10);

/// The most deliveries remembered: some twenty megabytes.
const MAX_REMEMBERED: usize = 200_000;

/// The deliveries that this process has queued lately. Clones share the memory.
#[derive(Debug, Clone, Default)]
pub struct QueuedLately {
    /// When each was due, and when it was queued.
    queued: Arc<Mutex<HashMap<DeliveryId, (Timestamp, Timestamp)>>>,
}

impl QueuedLately {
    /// Those that were not queued lately for the same time.
    pub(crate) fn without_known(&self, mut due: Vec<DueDelivery>, now: Timestamp) -> Vec<DueDelivery> {
        let mut queued = self.queued.lock().unwrap_or_else(PoisonError::into_inner);
        // A time ahead of now was remembered under a clock that was wrong.
        queued.retain(|_, (_, at)| *at <= now && now.duration_since(*at) < REMEMBERED_FOR);
        due.retain(|due| queued.get(&due.id).is_none_or(|(was_due, _)| *was_due != due.at));
        due
    }

    /// Remembers that these were queued.
    pub(crate) fn remember(&self, due: &[DueDelivery], now: Timestamp) {
        let mut queued = self.queued.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_REMEMBERED.saturating_sub(queued.len());
        queued.extend(due.iter().take(room).map(|due| (due.id, (due.at, now))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_queued_lately_is_left_out_until_it_is_due_again() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let later = |minutes| domain::time::later(now, SignedDuration::from_mins(minutes));
        let event = domain::testing::event("login").build();
        let due = |recipient: &str, at| DueDelivery {
            at,
            id: DeliveryId::for_recipient(event.pk, "rule", "hook", recipient),
        };
        let (ann, bob) = (due("ann", now), due("bob", now));
        let queued = QueuedLately::default();
        assert_eq!(queued.without_known(vec![ann, bob], now), [ann, bob]);
        queued.remember(&[ann], now);
        assert_eq!(queued.without_known(vec![ann, bob], later(9)), [bob]);
        let again = due("ann", later(1));
        assert_eq!(queued.without_known(vec![again], later(9)), [again], "it was attempted, and is due again");
        assert_eq!(queued.without_known(vec![ann], later(10)), [ann], "its message may have failed");
        queued.remember(&[ann], later(20));
        assert_eq!(queued.without_known(vec![ann], now), [ann], "the clock was wrong");
    }
}
