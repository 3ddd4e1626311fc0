//! Counts what happens to the deliveries of one message, and logs the counts once.

use std::sync::{Mutex, PoisonError};

use domain::Timestamp;
use domain::delivery::{Delivery, retry};
use domain::metric::{self, Metric, MetricBatch};

use crate::plan::PlannedDelivery;

/// The metrics of one message. Concurrent attempts share it.
#[derive(Default)]
pub(crate) struct DispatchMetrics(Mutex<MetricBatch>);

impl DispatchMetrics {
    /// Counts the rules that had a recipient, and the suppressed deliveries.
    pub(crate) fn add_planned(&self, planned: &[PlannedDelivery<'_>]) {
        // Deliveries of one event and rule are adjacent.
        let rules = planned.chunk_by(|one, next| one.rule.name == next.rule.name && one.event.pk == next.event.pk);
        self.add(Metric::Matched, rules.count());
        self.add(Metric::Suppressed, planned.iter().filter(|planned| planned.delivery.is_closed()).count());
    }

    /// Counts one attempt by what follows it. For a success it also records the event's age in milliseconds.
    pub(crate) fn add_attempt(&self, delivery: &Delivery, next: retry::NextStep, now: Timestamp) {
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

    /// Counts a message whose handling failed.
    pub(crate) fn add_failed(&self) {
        self.add(Metric::Failed, 1);
    }

    /// Writes one log line with all counts; no line if nothing was counted.
    pub(crate) fn log(self) {
        let batch = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !batch.is_empty() {
            tracing::info!(target: metric::TARGET, metrics = batch.to_json(), "counted");
        }
    }

    fn add(&self, metric: Metric, value: usize) {
        // An age of 0 ms is a measurement; a count of 0 would only make an empty log line.
        if value > 0 || metric == Metric::Age {
            let value = u64::try_from(value).unwrap_or(u64::MAX);
            self.0.lock().unwrap_or_else(PoisonError::into_inner).add(metric, value);
        }
    }
}
