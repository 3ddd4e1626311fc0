//! What one message came to, for whoever watches.

use std::sync::{Mutex, PoisonError};

use domain::Timestamp;
use domain::delivery::{Delivery, retry};
use domain::metric::{self, Metric, MetricBatch};

use crate::plan::Planned;

/// Counts while deliveries of one message are made side by side.
#[derive(Default)]
pub(crate) struct Counted(Mutex<MetricBatch>);

impl Counted {
    /// The rules that had somebody to tell, and what was kept back of it.
    pub(crate) fn planned(&self, planned: &[Planned<'_>]) {
        // Deliveries of one event and rule stand one after the other.
        let rules = planned.chunk_by(|one, next| one.rule.name == next.rule.name && one.event.pk == next.event.pk);
        self.add(Metric::Matched, rules.count());
        self.add(Metric::Suppressed, planned.iter().filter(|planned| planned.delivery.is_closed()).count());
    }

    /// What follows from an attempt.
    pub(crate) fn attempted(&self, delivery: &Delivery, next: retry::NextStep, now: Timestamp) {
        match next {
            retry::NextStep::Closed => {
                self.add(Metric::Delivered, 1);
                let age = now.duration_since(delivery.event().instant()).as_millis();
                self.add(Metric::Age, usize::try_from(age).unwrap_or(0));
            }
            retry::NextStep::Retry { .. } => self.add(Metric::Retried, 1),
            retry::NextStep::Dead => self.add(Metric::Dead, 1),
        }
    }

    /// Hands it to the log.
    pub(crate) fn log(self) {
        let tally = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !tally.is_empty() {
            tracing::info!(target: metric::TARGET, tally = tally.to_json(), "counted");
        }
    }

    fn add(&self, metric: Metric, value: usize) {
        if value > 0 || metric == Metric::Age {
            let value = u64::try_from(value).unwrap_or(u64::MAX);
            self.0.lock().unwrap_or_else(PoisonError::into_inner).add(metric, value);
        }
    }
}
