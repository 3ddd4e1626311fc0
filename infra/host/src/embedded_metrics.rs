//! Metrics in AWS's embedded metric format: log lines from which `CloudWatch` extracts metrics.
//!
//! Source: Amazon's user guide, "Specification: Embedded metric format". The only dimension is `function`: each
//! function of a stack has its own value of a metric.

use domain::Timestamp;
use domain::metric::Metric;
use serde_json::{Map, Value, json};

/// The function and namespace that metrics are attributed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitter {
    /// The function's name, which is the value of the dimension `function`.
    pub function: &'static str,
    /// The `CloudWatch` namespace in which the metrics appear.
    pub namespace: String,
}

impl Emitter {
    /// The log line for a batch of metrics as JSON, without a line break; `None` if the text is not JSON.
    pub(crate) fn line(&self, batch: &str, now: Timestamp) -> Option<String> {
        let counted: Map<String, Value> = serde_json::from_str(batch).ok()?;
        let metrics: Vec<Value> = Metric::ALL
            .into_iter()
            .filter(|metric| counted.contains_key(metric.name()))
            .map(|metric| json!({ "Name": metric.name(), "Unit": if metric.is_time() { "Milliseconds" } else { "Count" } }))
            .collect();
        let directive = json!({ "Namespace": self.namespace, "Dimensions": [["function"]], "Metrics": metrics });
        let mut line = Map::new();
        line.insert("_aws".to_owned(), json!({ "Timestamp": now.as_millisecond(), "CloudWatchMetrics": [directive] }));
        line.insert("function".to_owned(), self.function.into());
        line.extend(counted);
        Some(Value::Object(line).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::metric::MetricBatch;

    #[test]
    fn a_line_declares_what_it_counts() {
        let emitter = Emitter { function: "dispatch", namespace: "Nuncio/test".to_owned() };
        let mut batch = MetricBatch::default().with(Metric::Delivered, 2);
        batch.add(Metric::Age, 7);
        let line = emitter.line(&batch.to_json(), Timestamp::UNIX_EPOCH).unwrap();
        let expected = json!({
            "_aws": {
                "Timestamp": 0,
                "CloudWatchMetrics": [{
                    "Namespace": "Nuncio/test",
                    "Dimensions": [["function"]],
                    "Metrics": [
                        { "Name": "Delivered", "Unit": "Count" },
                        { "Name": "Age", "Unit": "Milliseconds" },
                    ],
                }],
            },
            "function": "dispatch",
            "Delivered": 2,
            "Age": [7],
        });
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
    }
}
