//! What is counted for whoever watches a deployed system: one tally for each request or queue message.
//!
//! Owns the metrics' names. A tally is logged under [`TARGET`] in the field `tally`; where it goes from there is
//! the log's affair.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The log target of tallies.
pub const TARGET: &str = "nuncio::metrics";

/// The most values of one kind in a tally, which is the limit of `CloudWatch`; the others are left out.
const MOST_VALUES: usize = 100;

/// What is counted or measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Events stored and queued.
    Accepted,
    /// Events refused.
    Rejected,
    /// Rules that fired and had somebody to tell, each for one event.
    Matched,
    /// Deliveries kept back by storm control.
    Suppressed,
    /// Deliveries that their receivers took.
    Delivered,
    /// Attempts that failed and are followed by another.
    Retried,
    /// Deliveries given up.
    Dead,
    /// Milliseconds from an event's own time to a delivery of it.
    Age,
    /// A process that started.
    ColdStart,
    /// Milliseconds for which the oldest event has waited to be archived.
    ArchiveLag,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Accepted,
        Self::Rejected,
        Self::Matched,
        Self::Suppressed,
        Self::Delivered,
        Self::Retried,
        Self::Dead,
        Self::Age,
        Self::ColdStart,
        Self::ArchiveLag,
    ];

    /// As it is shown.
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
            Self::ColdStart => "ColdStart",
            Self::ArchiveLag => "ArchiveLag",
        }
    }

    /// Whether it is measured in milliseconds rather than counted.
    pub fn is_time(self) -> bool {
        matches!(self, Self::Age | Self::ArchiveLag)
    }
}

/// What one request or message came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetricBatch(BTreeMap<Metric, Vec<u64>>);

impl MetricBatch {
    /// Counts so many more, or keeps one more time.
    pub fn add(&mut self, metric: Metric, value: u64) {
        let values = self.0.entry(metric).or_default();
        match values.as_mut_slice() {
            [count] if !metric.is_time() => *count += value,
            some if some.len() < MOST_VALUES => values.push(value),
            _ => {}
        }
    }

    /// With so many of one.
    pub fn with(mut self, metric: Metric, value: usize) -> Self {
        self.add(metric, u64::try_from(value).unwrap_or(u64::MAX));
        self
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An object of metrics by name; counts are numbers, times lists of them.
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
        let mut tally = MetricBatch::default().with(Metric::Delivered, 2);
        assert!(MetricBatch::default().is_empty());
        for time in 0..200 {
            tally.add(Metric::Age, time);
            tally.add(Metric::Delivered, 1);
        }
        let json: Value = serde_json::from_str(&tally.to_json()).unwrap();
        assert_eq!(json["Delivered"], 202);
        assert_eq!(json["Age"].as_array().unwrap().len(), MOST_VALUES);
    }
}
