//! Evaluates an alarm over a series of values, as `CloudWatch` does.
//!
//! Source: Amazon's user guide to alarms ("Evaluating an alarm", "Configuring how alarms treat missing data").

use std::collections::BTreeMap;

use serde_json::Value;

use super::expression;

/// A metric: its namespace, its name, and its dimensions by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MetricId {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) dimensions: BTreeMap<String, String>,
}

impl MetricId {
    pub(crate) fn new(namespace: &str, name: &str, dimensions: &[(&str, &str)]) -> Self {
        let dimensions = dimensions.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Self { namespace: namespace.to_owned(), name: name.to_owned(), dimensions }
    }

    /// The metric that an alarm, or a part of one, names.
    fn read(metric: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{metric} is incomplete")).to_owned();
        let dimensions = metric["Dimensions"].as_array().into_iter().flatten();
        Self {
            namespace: text(&metric["Namespace"]),
            name: text(&metric["MetricName"]),
            dimensions: dimensions.map(|one| (text(&one["Name"]), text(&one["Value"]))).collect(),
        }
    }
}

/// Values of metrics, each with the second at which it was measured.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(BTreeMap<MetricId, Vec<(i64, f64)>>);

impl Samples {
    pub(crate) fn add(&mut self, metric: MetricId, second: i64, value: f64) {
        self.0.entry(metric).or_default().push((second, value));
    }

    /// The statistic of what was measured of a metric from `start` on, for `period` seconds.
    fn statistic(&self, metric: &MetricId, statistic: &str, start: i64, period: i64) -> Option<f64> {
        let all = self.0.get(metric).map(Vec::as_slice).unwrap_or_default();
        let values = all.iter().filter(|(second, _)| (start..start + period).contains(second)).map(|(_, value)| *value);
        match statistic {
            "Sum" => values.reduce(|sum, value| sum + value),
            "Maximum" => values.reduce(f64::max),
            other => panic!("the statistic {other} is not known here"),
        }
    }
}

/// An alarm as the template describes it, with references resolved.
pub(crate) struct Alarm<'a>(pub(crate) &'a Value);

impl Alarm<'_> {
    fn number(&self, key: &str) -> Option<i64> {
        self.0[key].as_i64()
    }

    /// The metrics that the alarm reads.
    pub(crate) fn metrics(&self) -> Vec<MetricId> {
        match self.0["Metrics"].as_array() {
            Some(parts) => {
                let stats = parts.iter().map(|part| &part["MetricStat"]["Metric"]).filter(|metric| !metric.is_null());
                stats.map(MetricId::read).collect()
            }
            None => vec![MetricId::read(self.0)],
        }
    }

    /// The length of its periods, in seconds.
    pub(crate) fn period(&self) -> i64 {
        let parts = self.0["Metrics"].as_array().into_iter().flatten();
        let mut periods: Vec<_> = parts.filter_map(|part| part["MetricStat"]["Period"].as_i64()).collect();
        periods.extend(self.number("Period"));
        periods.dedup();
        let [period] = periods[..] else { panic!("all metrics of an alarm have one period: {}", self.0) };
        period
    }

    /// The number of periods that the alarm looks at.
    pub(crate) fn periods(&self) -> i64 {
        self.number("EvaluationPeriods").expect("an alarm has periods")
    }

    /// Whether the alarm rings at this second.
    pub(crate) fn rings(&self, samples: &Samples, now: i64) -> bool {
        let (period, periods) = (self.period(), self.periods());
        let needed = self.number("DatapointsToAlarm").unwrap_or(periods);
        let starts = (1..=periods).map(|back| now - back * period);
        let breaching = starts.filter(|start| self.breaches(samples, *start)).count();
        i64::try_from(breaching).expect("a small number") >= needed
    }

    fn breaches(&self, samples: &Samples, start: i64) -> bool {
        let threshold = self.0["Threshold"].as_f64().expect("an alarm has a threshold");
        match self.value(samples, start) {
            Some(value) => match self.0["ComparisonOperator"].as_str().expect("an alarm compares") {
                "GreaterThanOrEqualToThreshold" => value >= threshold,
                "GreaterThanThreshold" => value > threshold,
                "LessThanThreshold" => value < threshold,
                other => panic!("the comparison {other} is not known here"),
            },
            None => match self.0["TreatMissingData"].as_str().expect("an alarm says what missing data means") {
                "breaching" => true,
                "notBreaching" => false,
                other => panic!("{other} keeps an alarm in its state, or leaves it without one"),
            },
        }
    }

    /// The value that is compared, in the period that begins at `start`.
    fn value(&self, samples: &Samples, start: i64) -> Option<f64> {
        let Some(parts) = self.0["Metrics"].as_array() else {
            let statistic = self.0["Statistic"].as_str().expect("an alarm has a statistic");
            return samples.statistic(&MetricId::read(self.0), statistic, start, self.period());
        };
        let mut values = BTreeMap::new();
        let mut compared = Vec::new();
        for part in parts {
            let id = part["Id"].as_str().expect("each part has an id");
            if let Some(expression) = part["Expression"].as_str() {
                compared.push(expression);
                continue;
            }
            assert_eq!(part["ReturnData"], false, "{id} is not what is compared");
            let stat = &part["MetricStat"];
            let statistic = stat["Stat"].as_str().expect("a metric has a statistic");
            values.insert(id, samples.statistic(&MetricId::read(&stat["Metric"]), statistic, start, self.period()));
        }
        let [expression] = compared[..] else { panic!("an alarm compares one expression: {compared:?}") };
        expression::evaluate(expression, &values)
    }
}
