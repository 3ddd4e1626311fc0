//! Drives a deployed stack for a moment, and measures what CloudWatch would measure meanwhile: from the responses of
//! the functions, from their logs, from the queues, and from the requests that DynamoDB refused.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::message::{QueueMessage, QueuedWork};
use domain::ports::WorkQueue as _;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use support::event;
use support::gateway::WriteThrottles;

use super::evaluate::{MetricId, Samples};
use crate::stack::Stack;

/// How long the dispatcher takes for a few messages at most.
const PATIENCE: Duration = Duration::from_secs(20);

/// The functions by their names in the template.
const FUNCTIONS: [&str; 4] = ["Ingest", "Dispatch", "Retention", "Console"];

/// The values that were measured of each metric within a moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observed(BTreeMap<MetricId, Vec<f64>>);

impl Observed {
    pub(crate) fn add(&mut self, metric: MetricId, value: f64) {
        self.0.entry(metric).or_default().push(value);
    }

    /// Metrics of which something else than zero was measured.
    pub(crate) fn nonzero(&self) -> impl Iterator<Item = &MetricId> {
        self.0.iter().filter(|(_, values)| values.iter().any(|value| *value != 0.0)).map(|(metric, _)| metric)
    }

    /// How often something else than zero was measured of a metric.
    pub(crate) fn count(&self, metric: &MetricId) -> usize {
        self.0.get(metric).into_iter().flatten().filter(|value| **value != 0.0).count()
    }

    /// The values of these metrics in `other`, where this has none: they are measured once an hour, for the whole hour.
    pub(crate) fn with_hourly(mut self, other: &Self) -> Self {
        for (metric, values) in other.0.iter().filter(|(metric, _)| metric.name == "ArchiveLag") {
            self.0.entry(metric.clone()).or_insert_with(|| values.clone());
        }
        self
    }

    /// The series if the `back`-th period before `now`, counted from 1, is as `at(back)` says.
    pub(crate) fn series<'o>(period: i64, periods: i64, now: i64, at: impl Fn(i64) -> &'o Self) -> Samples {
        let mut samples = Samples::default();
        for back in 1..=periods {
            for (metric, values) in &at(back).0 {
                for value in values {
                    samples.add(metric.clone(), now - back * period, *value);
                }
            }
        }
        samples
    }
}

/// The number of invocations in a function's log.
fn invocations(logged: &Value) -> i64 {
    logged["invocations"].as_i64().unwrap()
}

/// What a stack has logged up to a moment, by function.
struct Mark(BTreeMap<&'static str, Value>);

/// Measures a stack.
pub(crate) struct Meter<'s>(pub(crate) &'s Stack);

impl Meter<'_> {
    fn function(&self, metric: &str, function: &str) -> MetricId {
        MetricId::new("AWS/Lambda", metric, &[("FunctionName", self.0.physical(function))])
    }

    fn queue(&self, metric: &str, queue: &str) -> MetricId {
        let url = self.0.physical(queue);
        MetricId::new("AWS/SQS", metric, &[("QueueName", url.rsplit('/').next().unwrap())])
    }

    /// Posts this many events, asks the console as often, queues a message, runs retention, and measures meanwhile.
    pub(crate) async fn measure(&self, requests: usize) -> Observed {
        let (mut observed, mark) = (Observed::default(), self.mark());
        for _ in 0..requests {
            let posted = json!({ "action": "deploy_failed" });
            let post = self.0.request(Method::POST, "IngestUrl", "/v1/events").json(&posted);
            let get = self.0.request(Method::GET, "ConsoleUrl", "/v1/transports");
            let (post, get) = tokio::join!(post.send(), get.send());
            for (function, response) in [("Ingest", post), ("Console", get)] {
                let status = response.unwrap().status();
                observed.add(self.function("UrlRequestCount", function), 1.0);
                observed.add(self.function("Url5xxCount", function), f64::from(u8::from(status.is_server_error())));
                observed.add(self.function("Throttles", function), f64::from(u8::from(status == 429)));
            }
        }
        // Also when ingest accepts nothing, dispatch has something to do.
        let message = QueueMessage::new(QueuedWork::Events(vec![event("deploy_failed").shared()]));
        self.0.adapters.work_queue().send(&[message], SignedDuration::ZERO).await.unwrap();
        let waiting = self.settle(invocations(&mark.0["Dispatch"])).await;
        observed.add(self.queue("NumberOfMessagesReceived", "Queue"), f64::from(u8::from(waiting == 0)));
        for (function, payload) in [("Retention", json!({})), ("Dispatch", json!({ "Records": [] }))] {
            let (failed, throttled) = self.invoke(function, &payload);
            observed.add(self.function("Errors", function), f64::from(u8::from(failed)));
            observed.add(self.function("Throttles", function), f64::from(u8::from(throttled)));
        }
        self.read_logs(&mark, &mut observed);
        let dead = self.visible("DeadLetters");
        observed.add(self.queue("ApproximateNumberOfMessagesVisible", "DeadLetters"), dead);
        observed
    }

    /// Adds the writes that a table refused.
    pub(crate) fn add_throttles(&self, refused: WriteThrottles, observed: &mut Observed) {
        let table = ("TableName", self.0.physical("Table"));
        let count = |writes: u64| f64::from(u32::try_from(writes).unwrap());
        observed.add(MetricId::new("AWS/DynamoDB", "WriteThrottleEvents", &[table]), count(refused.table));
        let index = [table, ("GlobalSecondaryIndexName", "due")];
        observed.add(MetricId::new("AWS/DynamoDB", "WriteThrottleEvents", &index), count(refused.index));
    }

    /// Adds the age that the oldest message of the work queue has at `now`.
    pub(crate) fn add_oldest(&self, sent: i64, now: i64, observed: &mut Observed) {
        let age = f64::from(i32::try_from(now - sent).unwrap());
        observed.add(self.queue("ApproximateAgeOfOldestMessage", "Queue"), age);
    }

    /// Runs a function; returns whether it failed, and whether Lambda refused to run it.
    fn invoke(&self, function: &str, payload: &Value) -> (bool, bool) {
        let arguments = json!({ "FunctionName": self.0.physical(function), "Payload": payload.to_string() });
        let answer = Stack::call("lambda", "invoke", &arguments);
        (!answer["FunctionError"].is_null(), answer["error"] == "TooManyRequestsException")
    }

    /// Waits until dispatch has taken all messages, and handled or failed each, after so many invocations. It is not
    /// waited for longer than it could need, because it may not run at all. Returns how many messages wait.
    async fn settle(&self, before: i64) -> usize {
        let (mut last, mut unchanged, began) = (before, 0, Instant::now());
        loop {
            let queued = self.0.queued().await;
            // The emulator writes the log of an invocation at its end.
            let ended = invocations(&self.0.logged("Dispatch"));
            unchanged = if ended == last { unchanged + 1 } else { 0 };
            // Messages that failed stay in flight. The SDK repeats a refused request for seconds, on a busy machine longer.
            let is_done = queued[0] == "0" && (queued[2] == "0" || unchanged >= 4) && ended > before;
            if is_done || began.elapsed() > PATIENCE {
                return queued[0].parse().unwrap();
            }
            last = ended;
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    /// The number of messages that wait in a queue.
    pub(crate) fn visible(&self, queue: &str) -> f64 {
        let names = ["ApproximateNumberOfMessages"];
        let asked = json!({ "QueueUrl": self.0.physical(queue), "AttributeNames": names });
        let answer = Stack::call("sqs", "get_queue_attributes", &asked);
        answer["Attributes"]["ApproximateNumberOfMessages"].as_str().unwrap().parse().unwrap()
    }

    fn mark(&self) -> Mark {
        Mark(FUNCTIONS.into_iter().zip(self.0.logged_by(&FUNCTIONS)).collect())
    }

    /// Adds what the functions logged since the mark.
    fn read_logs(&self, mark: &Mark, observed: &mut Observed) {
        for (function, after) in self.mark().0 {
            let before = &mark.0[function];
            for _ in invocations(before)..invocations(&after) {
                observed.add(self.function("Invocations", function), 1.0);
            }
            for (name, values) in after["values"].as_object().unwrap() {
                let known = before["values"][name].as_array().map_or(0, Vec::len);
                // NAMESPACE/FUNCTION/METRIC, and a namespace has a slash.
                let [metric, dimension, namespace] = name.rsplitn(3, '/').collect::<Vec<_>>()[..] else {
                    panic!("{name}")
                };
                let id = MetricId::new(namespace, metric, &[("function", dimension)]);
                for value in &values.as_array().unwrap()[known..] {
                    observed.add(id.clone(), value.as_f64().unwrap());
                }
            }
        }
    }
}
