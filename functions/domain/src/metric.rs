//! Operational metrics: one batch of counts and durations for each request or queue message.
//!
//! Owns the metrics' names. A batch is logged under [`TARGET`] in the field `metrics`; the log's subscriber decides
//! where it goes from there.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The log target of metric batches.
pub const TARGET: &str = "nuncio::metrics";

/// The most values of one metric in a batch, which is `CloudWatch`'s limit. Further values are dropped.
const MOST_VALUES: usize = 100;

/// A metric: a count, or a duration in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Events stored and queued.
    Accepted,
    /// Events rejected because they are malformed or too large.
    Rejected,
    /// Rules that fired for an event and selected at least one recipient.
    Matched,
    /// Deliveries suppressed by silences, mute windows, throttles or digests.
    Suppressed,
    /// Deliveries that their receivers accepted.
    Delivered,
    /// Failed attempts that will be retried.
    Retried,
    /// Deliveries that failed for good, so that no retry follows.
    Dead,
    /// Milliseconds from an event's own time to a delivery of it.
    Age,
    /// Requests that were answered with a 5xx status, queue messages whose handling failed, and failed runs of the
    /// scheduled tasks. A message that waits for another dispatcher, for memory or for time has not failed.
    Failed,
    /// Starts of a Lambda process. Only the functions on AWS count them.
    ColdStart,
    /// Milliseconds for which the oldest event has waited to be archived.
    ArchiveLag,
}

impl Metric {
    /// Every metric, in the order of the enum.
    pub const ALL: [Self; 11] = [
        Self::Accepted,
        Self::Rejected,
        Self::Matched,
        Self::Suppressed,
        Self::Delivered,
        Self::Retried,
        Self::Dead,
        Self::Age,
        Self::Failed,
        Self::ColdStart,
        Self::ArchiveLag,
    ];

    /// The metric's name in the log and in `CloudWatch`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Rejected => "Rejected",
            Self::Matched => "Matched",
            Self::Suppressed => "Suppressed",
            Self::Delivered => "Delivered",
            Self::Retried => "Retried",
            Self::Dead => "Dead",
            Self::Age => "Age",
            Self::Failed => "Failed",
            Self::ColdStart => "ColdStart",
            Self::ArchiveLag => "ArchiveLag",
        }
    }

    /// Whether the metric is a duration in milliseconds rather than a count.
    pub fn is_time(self) -> bool {
        matches!(self, Self::Age | Self::ArchiveLag)
    }
}

/// The metrics of one request or queue message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetricBatch(BTreeMap<Metric, Vec<u64>>);

impl MetricBatch {
    /// Adds `value` to a count, or appends a duration in milliseconds.
    pub fn add(&mut self, metric: Metric, value: u64) {
        let values = self.0.entry(metric).or_default();
        match values.as_mut_slice() {
            [count] if !metric.is_time() => *count += value,
            some if some.len() < MOST_VALUES => values.push(value),
            _ => {}
        }
    }

    /// The batch with `value` added to a metric.
    pub fn with(mut self, metric: Metric, value: usize) -> Self {
        self.add(metric, u64::try_from(value).unwrap_or(u64::MAX));
        self
    }

    /// Whether the batch holds no metric.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A JSON object of metrics by name: counts are numbers, durations are lists of numbers.
    pub fn to_json(&self) -> String {
        let value = |metric: &Metric, values: &[u64]| match values {
            [count] if !metric.is_time() => Value::from(*count),
            times => Value::from(times),
        };
        let entries = self.0.iter().map(|(metric, values)| (metric.name().to_owned(), value(metric, values)));
        Value::Object(entries.collect::<Map<_, _>>()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_and_times_are_kept() {
        let mut batch = MetricBatch::default().with(Metric::Delivered, 2);
        assert!(MetricBatch::default().is_empty());
        for time in 0..200 {
            batch.add(Metric::Age, time);
            batch.add(Metric::Delivered, 1);
        }
        let json: Value = serde_json::from_str(&batch.to_json()).unwrap();
        assert_eq!(json["Delivered"], 202);
        assert_eq!(json["Age"].as_array().unwrap().len(), MOST_VALUES);
    }
}
