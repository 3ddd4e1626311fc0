//! What AWS bills for the operations of a while, item by item.

use std::collections::BTreeMap;

use super::limits::{
    ALARM, BACKUP_GB, GB_SECOND, INVOCATION, ITEM_OVERHEAD, KEY_REQUEST, KEY_REQUESTS, LOG_BYTE, MAIL, METRIC, MINUTES,
    PLATFORM_LOG_BYTES, POLL_SECONDS, POLLERS, QUEUE_REQUEST, READ_UNIT, REQUESTS_PER_INVOCATION, RUNTIME_MS,
    SCHEDULED, STORED_GB, STORED_GB_INFREQUENT, TRACE, WRITE_UNIT,
};
use super::scenario::MATCHED;
use super::{DeployedSettings, Model, Operation};
use crate::recording::BATCH;
use crate::recording::cost::Cost;

/// One line of a bill.
#[derive(Debug, Clone)]
pub struct BillItem {
    /// What is billed.
    pub name: String,
    /// How many of it, in the unit that the name says.
    pub count: f64,
    /// What that costs, in dollars.
    pub dollars: f64,
}

/// What was done in a while.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    operations: BTreeMap<Operation, f64>,
    invocations: f64,
    gb_seconds: f64,
    /// Requests by which Lambda polls the queue and deletes messages.
    polls: f64,
    scheduled: f64,
}

impl Usage {
    pub(crate) fn add(&mut self, operation: Operation, times: f64) {
        *self.operations.entry(operation).or_default() += times;
    }

    /// Adds invocations of this duration at this memory size.
    pub(crate) fn invoke(&mut self, invocations: f64, ms: f64, mb: f64) {
        self.invocations += invocations;
        self.gb_seconds += invocations * ms / 1000.0 * mb / 1024.0;
    }

    /// Adds the polls of invocations by the queue.
    pub(crate) fn poll(&mut self, invocations: f64) {
        self.polls += invocations * REQUESTS_PER_INVOCATION;
    }

    pub(crate) fn schedule(&mut self, times: f64) {
        self.scheduled += times;
    }

    /// The bill, without what is stored.
    pub(crate) fn bill(&self, model: &Model, settings: &DeployedSettings) -> Vec<BillItem> {
        let sum = |amount: fn(&Cost) -> f64| {
            self.operations.iter().map(|(operation, times)| times * amount(model.cost(*operation))).sum::<f64>()
        };
        let done = |operation| self.operations.get(&operation).copied().unwrap_or(0.0);
        // A recorded log is that of one batch and its message.
        let batches = done(Operation::PostBatch) + done(Operation::PostOne);
        let logged = batches * model.recorded.log_bytes.get(&settings.log_level).copied().unwrap_or(0.0);
        let platform = if settings.has_platform_log { self.invocations * PLATFORM_LOG_BYTES } else { 0.0 };
        let traces = if settings.is_traced { self.invocations * 0.05 } else { 0.0 };
        let item =
            |name: &str, count: f64, price: f64| BillItem { name: name.to_owned(), count, dollars: count * price };
        [
            item("DynamoDB write units", sum(Cost::write_units), WRITE_UNIT),
            item("DynamoDB read units", sum(Cost::read_units), READ_UNIT),
            item("SQS requests", sum(|cost| cost.queue_requests) + self.polls, QUEUE_REQUEST),
            item("Lambda invocations", self.invocations, INVOCATION),
            item("Lambda GB-seconds", self.gb_seconds, GB_SECOND),
            item("bytes logged by the functions", logged, LOG_BYTE),
            item("bytes logged by Lambda", platform, LOG_BYTE),
            item("schedule", self.scheduled, SCHEDULED),
            item("traces", traces, TRACE),
        ]
        .into_iter()
        .filter(|item| item.count > 0.0)
        .collect()
    }
}

/// The bill for a million events in batches of 25, of which one in twenty is delivered by webhook, if `dispatch`
/// handles `together` messages at a time. The counting of their hours is included.
pub fn per_million(model: &Model, settings: &DeployedSettings, together: f64) -> Vec<BillItem> {
    const EVENTS: f64 = 1e6;
    #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
    let batches = EVENTS / BATCH as f64;
    let mut usage = Usage::default();
    usage.invoke(batches, model.ms(Operation::PostBatch, settings.ingest_mb) + RUNTIME_MS, settings.ingest_mb);
    usage.invoke(
        batches / together,
        model.dispatch_ms(settings.dispatch_mb, BATCH, together, 0.0),
        settings.dispatch_mb,
    );
    usage.poll(batches / together);
    for (operation, times) in [
        (Operation::PostBatch, batches),
        (Operation::MatchBatch, batches),
        (Operation::DeliverWebhook, EVENTS * MATCHED),
        (Operation::CountEvent, EVENTS),
        (Operation::CountPart, EVENTS / 10_000.0),
    ] {
        usage.add(operation, times);
    }
    let counting = EVENTS * model.processor_ms(Operation::CountEvent, settings.retention_mb);
    usage.gb_seconds += counting / 1000.0 * settings.retention_mb / 1024.0;
    usage.bill(model, settings)
}

/// What detections add to the bill for a million events in batches of 25, if one event in twenty is the first of a group.
pub fn groups_per_million(model: &Model, settings: &DeployedSettings) -> Vec<BillItem> {
    let entered = 1e6 * MATCHED;
    let mut usage = Usage::default();
    usage.add(Operation::EnterGroup, entered);
    // As if each event were alone in its message, and nothing else were to be waited for.
    usage.gb_seconds +=
        entered * model.ms(Operation::EnterGroup, settings.dispatch_mb) / 1000.0 * settings.dispatch_mb / 1024.0;
    usage.bill(model, settings)
}

/// The bill for a month without events, of a table with more than a thousand items, without alarms.
pub fn idle_month(model: &Model, settings: &DeployedSettings) -> Vec<BillItem> {
    let mut usage = Usage::default();
    usage.invoke(MINUTES, model.ms(Operation::TickFilled, settings.retention_mb) + RUNTIME_MS, settings.retention_mb);
    usage.schedule(MINUTES);
    usage.add(Operation::TickFilled, MINUTES);
    usage.add(Operation::TickHour, MINUTES / 60.0);
    usage.polls += MINUTES * 60.0 / POLL_SECONDS * POLLERS;
    let mut bill = usage.bill(model, settings);
    bill.push(BillItem {
        name: "requests for the table's key".to_owned(),
        count: KEY_REQUESTS,
        dollars: KEY_REQUESTS * KEY_REQUEST,
    });
    bill
}

/// What is billed beside: for a million events that are kept for a year, and for a month. Each with what it depends on.
pub fn month_extras(model: &Model, settings: &DeployedSettings) -> Vec<BillItem> {
    const EVENTS: f64 = 1e6;
    const MONTHS: f64 = 12.0;
    let gb = (model.recorded.item_bytes + ITEM_OVERHEAD) * EVENTS / 1e9;
    let writes: f64 = model.cost(Operation::PostBatch).writes.values().sum::<f64>() * 40_000.0
        + model.cost(Operation::DeliverWebhook).writes.values().sum::<f64>() * EVENTS * MATCHED;
    let item = |name: &str, count: f64, dollars: f64| BillItem { name: name.to_owned(), count, dollars };
    let groups = groups_per_million(model, settings);
    vec![
        item(
            "a million events: one in twenty opens a group of a detection, write units",
            groups.iter().find(|item| item.name.ends_with("write units")).map_or(0.0, |item| item.count),
            groups.iter().map(|item| item.dollars).sum(),
        ),
        item("a million events: stored for a year, GB-months", gb * MONTHS, gb * MONTHS * STORED_GB),
        item(
            "the same with `TableClass=STANDARD_INFREQUENT_ACCESS`, its dearer writes included",
            gb * MONTHS,
            gb * MONTHS * STORED_GB_INFREQUENT + writes * WRITE_UNIT / 4.0,
        ),
        item("their continuous backup (`PointInTimeRecovery`), GB-months", gb * MONTHS, gb * MONTHS * BACKUP_GB),
        item(
            "a million events: one in twenty by mail instead of by webhook, mails",
            EVENTS * MATCHED,
            EVENTS * MATCHED * MAIL,
        ),
        item("a month: metrics that alarms read", settings.alarm_metrics, settings.alarm_metrics * ALARM),
        item("a month: metrics, while there are events", 12.0, 12.0 * METRIC),
    ]
}
