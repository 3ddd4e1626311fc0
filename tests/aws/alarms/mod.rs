//! Every alarm can ring: the deployed stack is brought into each state of which an alarm tells, what CloudWatch would
//! measure is measured, and the alarms of the template are evaluated over it.

mod described;
mod evaluate;
mod expression;
mod observed;

use std::collections::BTreeSet;
use std::time::Duration;

use domain::ports::Clock as _;
use host::SystemClock;
use serde_json::{Value, json};
use support::emulator::Emulator;
use support::gateway::Refusal;
use support::{Answer, Sink};

use crate::stack::Stack;
use evaluate::{Alarm, MetricId};
use observed::{Meter, Observed};

/// Posts to a webhook what `measure` posts.
fn rules(sink: &Sink) -> String {
    format!(
        "allow_networks: [127.0.0.0/8]\ngroups: {{ ops: [ {{ username: ann }} ] }}\n\
         retention_by_action: {{ custom_brief: milliseconds=1 }}\n\
         transports: {{ hook: {{ mode: webhook, url: \"{}\" }} }}\n\
         policies: {{ deploys: {{ event_matcher: {{ action: deploy_failed }} }} }}\n\
         rules: {{ tell: {{ group: ops, transports: [hook], policies: [deploys] }} }}\n",
        sink.url("/hook")
    )
}

/// The alarms of a stack, and what of them has rung.
struct Watch {
    alarms: Vec<(String, Value)>,
    now: i64,
    rung: BTreeSet<String>,
    measured: BTreeSet<MetricId>,
}

impl Watch {
    fn new(stack: &Stack) -> Self {
        let alarms = stack.resolved().of_type("AWS::CloudWatch::Alarm");
        Self { alarms, now: SystemClock.now().as_second(), rung: BTreeSet::new(), measured: BTreeSet::new() }
    }

    /// The alarms that ring if each period is as `at` says, by how many periods it lies back.
    fn ringing<'o>(&self, at: impl Fn(i64) -> &'o Observed) -> BTreeSet<String> {
        let rings = |alarm: &Value| {
            let alarm = Alarm(alarm);
            let samples = Observed::series(alarm.period(), alarm.periods(), self.now, &at);
            alarm.rings(&samples, self.now)
        };
        self.alarms.iter().filter(|(_, alarm)| rings(alarm)).map(|(name, _)| name.clone()).collect()
    }

    /// Fails unless exactly these alarms ring while the state lasts.
    fn expect(&mut self, state: &str, observed: &Observed, expected: &[&str]) {
        let ringing = self.ringing(|_| observed);
        let expected: BTreeSet<_> = expected.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(ringing, expected, "{state}: {observed:#?}");
        self.rung.extend(ringing);
        self.measured.extend(observed.nonzero().cloned());
    }

    /// The alarms of these that page.
    fn pages(&self, names: BTreeSet<String>) -> BTreeSet<String> {
        let pages = |name: &String| {
            let (_, alarm) = self.alarms.iter().find(|(alarm, _)| alarm == name).unwrap();
            alarm["AlarmDescription"].as_str().unwrap().starts_with("Page: ")
        };
        names.into_iter().filter(pages).collect()
    }
}

fn sqs(stack: &Stack, method: &str, queue: &str, mut arguments: Value) -> Value {
    arguments["QueueUrl"] = stack.physical(queue).into();
    Stack::call("sqs", method, &arguments)
}

/// Sets how many instances of each function Lambda runs; `None` for no limit.
fn limit_all(stack: &Stack, instances: Option<u32>) {
    for function in ["Ingest", "Dispatch", "Retention", "Console"] {
        let mut arguments = json!({ "FunctionName": stack.physical(function) });
        let method = match instances {
            Some(instances) => {
                arguments["ReservedConcurrentExecutions"] = instances.into();
                "put_function_concurrency"
            }
            None => "delete_function_concurrency",
        };
        assert!(Stack::call("lambda", method, &arguments)["error"].is_null());
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one stack, state after state")]
async fn every_alarm_rings_in_its_state_and_in_no_other() {
    let sink = Sink::start().await;
    sink.answer("/hook", [Answer::status(200)]);
    let stack = Stack::deploy_archiving(&rules(&sink)).await;
    let (meter, mut watch) = (Meter(&stack), Watch::new(&stack));

    let healthy = meter.measure(5).await;
    watch.expect("healthy", &healthy, &[]);

    // DynamoDB refuses everything.
    let gateway = Emulator::shared().gateway();
    let throttled = gateway.refuse(stack.physical("Table"), Refusal::Throttled);
    let mut refused = meter.measure(5).await;
    meter.add_throttles(throttled.throttled(), &mut refused);
    drop(throttled);
    let refused = refused.with_hourly(&healthy);
    let alarms = [
        "ConsoleFailingAlarm",
        "DispatchFailingAlarm",
        "IngestFailingAlarm",
        "RetentionErrorsAlarm",
        "TableThrottlesAlarm",
    ];
    watch.expect("throttled table", &refused, &alarms);
    // The functions count what they answered themselves.
    for function in ["ingest", "console"] {
        let failed = MetricId::new(&stack.namespace(), "Failed", &[("function", function)]);
        assert_eq!(refused.count(&failed), 5, "{function}");
    }
    // Once, it pages nobody: the caller, the queue and the next minute repeat what failed.
    let once = watch.ringing(|back| if back == 1 { &refused } else { &healthy });
    assert_eq!(watch.pages(once), BTreeSet::new());
    // A message that always fails is received every six minutes, five times, among healthy ones or alone.
    let poisoned = watch.ringing(|back| if back <= 30 && back % 6 == 1 { &refused } else { &healthy });
    assert!(!poisoned.contains("DispatchFailingAlarm"), "{poisoned:?}");
    empty(&stack).await;

    // The index is hot: it takes no deliveries that wait or are dead.
    sink.answer("/hook", [Answer::status(404)]);
    let hot = gateway.refuse(stack.physical("Table"), Refusal::IndexThrottled);
    let mut waiting = meter.measure(5).await;
    meter.add_throttles(hot.throttled(), &mut waiting);
    drop(hot);
    let alarms = ["DeadDeliveriesAlarm", "DispatchFailingAlarm", "TableThrottlesAlarm"];
    watch.expect("throttled index", &waiting.with_hourly(&healthy), &alarms);
    sink.answer("/hook", [Answer::status(200)]);
    empty(&stack).await;

    // Lambda refuses to run any function.
    limit_all(&stack, Some(0));
    let silent = meter.measure(5).await;
    limit_all(&stack, None);
    let alarms = [
        "ArchiveLagAlarm",
        "ConsoleFailingAlarm",
        "DispatchFailingAlarm",
        "IngestFailingAlarm",
        "RetentionStoppedAlarm",
    ];
    watch.expect("no concurrency", &silent, &alarms);
    empty(&stack).await;

    // Dispatch dies at its start.
    let variables =
        Stack::call("lambda", "get_function_configuration", &json!({ "FunctionName": stack.physical("Dispatch") }));
    let variables = variables["Environment"]["Variables"].clone();
    set_variables(&stack, "Dispatch", &json!({}));
    let crashing = meter.measure(5).await.with_hourly(&healthy);
    watch.expect("dispatch crashes", &crashing, &["DispatchFailingAlarm"]);
    set_variables(&stack, "Dispatch", &variables);
    empty(&stack).await;

    // Nothing takes messages from the queue.
    let sources =
        Stack::call("lambda", "list_event_source_mappings", &json!({ "FunctionName": stack.physical("Dispatch") }));
    let source = sources["EventSourceMappings"][0]["UUID"].clone();
    Stack::call("lambda", "update_event_source_mapping", &json!({ "UUID": source, "Enabled": false }));
    stack.send_raw("waits").await;
    let waiting = sqs(&stack, "receive_message", "Queue", json!({ "AttributeNames": ["SentTimestamp"] }));
    let sent: i64 = waiting["Messages"][0]["Attributes"]["SentTimestamp"].as_str().unwrap().parse().unwrap();
    for (minutes, alarms) in [(29, &[][..]), (31, &["OldMessageAlarm"][..])] {
        let mut old = healthy.clone();
        meter.add_oldest(sent / 1000, SystemClock.now().as_second() + minutes * 60, &mut old);
        watch.expect("an old message", &old, alarms);
    }
    empty(&stack).await;
    Stack::call("lambda", "update_event_source_mapping", &json!({ "UUID": source, "Enabled": true }));

    // The receiver is gone for good, for all deliveries or for one of many.
    sink.answer("/hook", [Answer::status(404)]);
    let dead = meter.measure(5).await.with_hourly(&healthy);
    watch.expect("dead deliveries", &dead, &["DeadDeliveriesAlarm"]);
    sink.answer("/hook", [Answer::status(404), Answer::status(200)]);
    let few = meter.measure(12).await.with_hourly(&healthy);
    watch.expect("one of twelve is dead", &few, &[]);

    // A message fails five times, as fast as SQS delivers it again.
    sqs(&stack, "set_queue_attributes", "Queue", json!({ "Attributes": { "VisibilityTimeout": "1" } }));
    stack.send_raw("no message of ours").await;
    while meter.visible("DeadLetters") < 1.0 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let set_aside = meter.measure(5).await.with_hourly(&healthy);
    watch.expect("a dead letter", &set_aside, &["DeadLettersAlarm"]);
    // It comes back every hour and fails again, half an hour later: the alarm rings all the time.
    let every_hour = |at: i64| watch.ringing(|back| if back % 12 == at { &set_aside } else { &healthy });
    assert!((0..12).all(|at| every_hour(at).contains("DeadLettersAlarm")));

    // SES measures these two; no response of it has them.
    for (rate, bounces, alarms) in [
        ("Reputation.BounceRate", 0.049, &[][..]),
        ("Reputation.BounceRate", 0.05, &["MailBouncesAlarm"][..]),
        ("Reputation.ComplaintRate", 0.0009, &[][..]),
        ("Reputation.ComplaintRate", 0.001, &["MailComplaintsAlarm"][..]),
    ] {
        let mut account = healthy.clone();
        account.add(MetricId::new("AWS/SES", rate, &[]), bounces);
        watch.expect(rate, &account, alarms);
    }

    let all: BTreeSet<_> = watch.alarms.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(watch.rung, all, "each alarm rings");
    let read: BTreeSet<_> = watch.alarms.iter().flat_map(|(_, alarm)| Alarm(alarm).metrics()).collect();
    let missing: Vec<_> = read.iter().filter(|metric| !watch.measured.contains(metric)).collect();
    // The archive lags in a test of its own.
    let [lag] = &missing[..] else { panic!("never measured: {missing:#?}") };
    assert_eq!(lag.name, "ArchiveLag");
}

/// Removes all messages from the work queue, also those that were taken and not deleted.
async fn empty(stack: &Stack) {
    sqs(stack, "purge_queue", "Queue", json!({}));
    stack.wait_until_queued(["0", "0", "0"]).await;
}

fn set_variables(stack: &Stack, function: &str, variables: &Value) {
    let arguments = json!({ "FunctionName": stack.physical(function), "Environment": { "Variables": variables } });
    assert!(Stack::call("lambda", "update_function_configuration", &arguments)["error"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_cannot_be_written_is_told_of() {
    let sink = Sink::start().await;
    let stack = Stack::deploy_archiving(&rules(&sink)).await;
    stack.post(&json!({ "action": "custom_brief" })).await;
    let bucket = stack.adapters.settings().archive_bucket.clone().unwrap();
    aws_sdk_s3::Client::new(&stack.sdk).delete_bucket().bucket(bucket).send().await.unwrap();
    let (meter, mut watch) = (Meter(&stack), Watch::new(&stack));
    for (hours, alarms) in [(22, &["RetentionErrorsAlarm"][..]), (4, &["ArchiveLagAlarm", "RetentionErrorsAlarm"][..])]
    {
        stack.age(hours).await;
        let late = meter.measure(5).await;
        watch.expect("no bucket", &late, alarms);
    }
    assert!(watch.measured.iter().any(|metric| metric.name == "ArchiveLag"));
}
