//! The operations that are recorded: what a caller, a queue message, a minute or a page costs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::delivery::DeliveryId;
use domain::message::{QueueMessage, QueuedWork};
use domain::ports::Clock;
use domain::retention::job::{Job, JobTask};
use jiff::SignedDuration;
use serde_json::Value;
use tokio::runtime::Handle;

use super::Operation;
use super::cost::Cost;
use super::stack::{Error, RecordedAction, RecordedProcess, RecordedStack, get, post, posted_event};
use crate::FakeClock;

/// Events in one request of a caller.
pub const BATCH: usize = 25;

/// The events of the table with which the archive and jobs are recorded.
const MANY: usize = 10_000;

/// How often an operation is repeated for its mean.
pub(super) const REPEATED: usize = 8;

/// What each operation costs, and how many events the table has for the pages.
#[derive(Debug, Default)]
pub struct Operations {
    /// The cost of one operation of each kind.
    pub costs: BTreeMap<Operation, Cost>,
    /// The processor time of one operation of each kind, in milliseconds.
    pub processor: BTreeMap<Operation, f64>,
    /// The number of events that the pages were recorded with.
    pub events: usize,
    /// The mean size of an event's item, in bytes.
    pub item_bytes: f64,
}

/// Measures one process: what its recorder counted, and the processor time of this thread.
pub(super) struct Meter<'a> {
    process: &'a RecordedProcess,
    began: f64,
}

impl<'a> Meter<'a> {
    pub(super) fn start(process: &'a RecordedProcess) -> Self {
        process.recorder.take();
        Self { process, began: processor_ms() }
    }

    /// The cost and the processor time since the start, and starts again.
    pub(super) fn lap(&mut self) -> (Cost, f64) {
        let spent = processor_ms() - self.began;
        let cost = self.process.recorder.take();
        self.began = processor_ms();
        (cost, spent)
    }
}

/// The processor time of this thread, in milliseconds.
fn processor_ms() -> f64 {
    // The kernel brings the figure up to date when the thread yields.
    std::thread::yield_now();
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds: f64 = stat.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0.0);
    nanoseconds / 1e6
}

impl Operations {
    fn add(&mut self, operation: Operation, cost: Cost, processor: f64) {
        self.costs.insert(operation, cost.rounded());
        self.processor.insert(operation, processor);
    }

    /// Adds the mean of `count` measured operations, beyond what `base` costs each.
    pub(super) fn add_mean(
        &mut self,
        operation: Operation,
        (cost, spent): (Cost, f64),
        count: usize,
        base: Option<Operation>,
    ) {
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        let (cost, spent) = (cost.per(count), spent / count as f64);
        match base {
            Some(base) => {
                let (cost, spent) = (cost.beyond(&self.costs[&base]), (spent - self.processor[&base]).max(0.0));
                self.add(operation, cost, spent);
            }
            None => self.add(operation, cost, spent),
        }
    }
}

/// Records every operation on the caller's thread.
pub(super) async fn record_all(background: &Handle) -> Result<Operations, Error> {
    let stack = RecordedStack::create(background, false).await?;
    let mut operations = Operations::default();
    let clock = Arc::new(FakeClock::at(&domain::time::format(half_past())));
    idle(&mut operations, &stack, &clock, Operation::TickEmpty).await?;
    let bodies = ingest(&mut operations, &stack).await?;
    idle(&mut operations, &stack, &clock, Operation::TickFilled).await?;
    dispatch(&mut operations, &stack, bodies).await?;
    super::detect::record(&mut operations, background).await?;
    pages(&mut operations, &stack).await?;
    retention(&mut operations, &stack, &clock).await?;
    let archiving = RecordedStack::create(background, true).await?;
    post_many(&archiving).await?;
    job(&mut operations, &archiving).await?;
    archive(&mut operations, &archiving).await?;
    Ok(operations)
}

/// Half past the present hour: hourly tasks rest.
fn half_past() -> Timestamp {
    use domain::ports::Clock as _;
    let now = host::SystemClock.now().as_second();
    Timestamp::from_second(now - now.rem_euclid(3600) + 1800).unwrap_or(Timestamp::MAX)
}

/// The messages in the queue after each kind of request.
struct QueuedBodies {
    batches: Vec<String>,
    singles: Vec<String>,
    /// Of batches with one event of each of these actions.
    matching: BTreeMap<usize, Vec<String>>,
    /// Of batches whose events all are for the dead receiver.
    dead: Vec<String>,
}

/// Posts batches of which one event is reported by webhook, and dispatches them.
pub(super) async fn report_some(background: &Handle) -> Result<(), Error> {
    let stack = RecordedStack::create(background, false).await?;
    let process = stack.process().await?;
    let (router, dispatcher) = (process.ingest(), process.dispatcher(Arc::new(host::SystemClock))?);
    for number in (0..REPEATED * BATCH).step_by(BATCH) {
        let action = |index| if index == number { RecordedAction::Webhook } else { RecordedAction::Unmatched };
        let events: Vec<_> = (number..number + BATCH).map(|index| posted_event(index, action(index))).collect();
        post(&router, &events).await?;
    }
    for body in stack.take_messages().await? {
        dispatcher.handle(aws::from_queued(&body)?, Timestamp::MAX).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

const MATCHING: [RecordedAction; 3] = [RecordedAction::Webhook, RecordedAction::Inbox, RecordedAction::DeadReceiver];

/// Failures after which a transport is paused.
const FAILURES: usize = 5;

async fn ingest(operations: &mut Operations, stack: &RecordedStack) -> Result<QueuedBodies, Error> {
    let process = stack.process().await?;
    let router = process.ingest();
    let mut number = 0;
    let mut batch = |size: usize, matching: Option<RecordedAction>, all: bool| -> Vec<Value> {
        let event = |index: usize| {
            number += 1;
            let action = matching.filter(|_| all || index == 0).unwrap_or(RecordedAction::Unmatched);
            posted_event(number, action)
        };
        (0..size).map(event).collect()
    };
    let mut meter = Meter::start(&process);
    for _ in 0..2 {
        post(&router, &batch(BATCH, None, false)).await?;
    }
    // That the token is used is stored once in a while, beside the requests.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let first = meter.lap();
    for _ in 0..REPEATED {
        post(&router, &batch(BATCH, None, false)).await?;
    }
    operations.item_bytes = process.recorder.take_item_bytes();
    operations.add_mean(Operation::PostBatch, meter.lap(), REPEATED, None);
    let twice =
        (operations.costs[&Operation::PostBatch].scaled(2.0), 2.0 * operations.processor[&Operation::PostBatch]);
    operations.add(Operation::StartIngest, first.0.beyond(&twice.0), (first.1 - twice.1).max(0.0));
    let batches = stack.take_messages().await?;
    meter.lap();
    for _ in 0..REPEATED {
        post(&router, &batch(1, None, false)).await?;
    }
    operations.add_mean(Operation::PostOne, meter.lap(), REPEATED, None);
    let singles = stack.take_messages().await?;
    let mut matching = BTreeMap::new();
    for (index, action) in MATCHING.into_iter().enumerate() {
        let count = if action == RecordedAction::DeadReceiver { FAILURES } else { REPEATED + 1 };
        for _ in 0..count {
            post(&router, &batch(BATCH, Some(action), false)).await?;
        }
        matching.insert(index, stack.take_messages().await?);
    }
    for _ in 0..2 {
        post(&router, &batch(BATCH, Some(RecordedAction::DeadReceiver), true)).await?;
    }
    // Enough for the first page of a scan, which reads a thousand items.
    for _ in 0..12 {
        post(&router, &batch(BATCH, None, false)).await?;
    }
    let mut dead = stack.take_messages().await?;
    dead.truncate(2);
    Ok(QueuedBodies { batches, singles, matching, dead })
}

async fn dispatch(operations: &mut Operations, stack: &RecordedStack, bodies: QueuedBodies) -> Result<(), Error> {
    let process = stack.process().await?;
    let clock = Arc::new(FakeClock::at(&domain::time::format(host::SystemClock.now())));
    let dispatcher = process.dispatcher(clock.clone())?;
    let handle = async |body: &String| {
        let message = aws::from_queued(body)?;
        dispatcher.handle(message, Timestamp::MAX).await.map_err(|error| Error::from(error.to_string()))
    };
    let mut meter = Meter::start(&process);
    handle(&bodies.batches[0]).await?;
    let first = meter.lap();
    for body in &bodies.batches[1..] {
        handle(body).await?;
    }
    operations.add_mean(Operation::MatchBatch, meter.lap(), bodies.batches.len() - 1, None);
    operations.add_mean(Operation::StartDispatch, first, 1, Some(Operation::MatchBatch));
    for body in &bodies.singles {
        handle(body).await?;
    }
    operations.add_mean(Operation::MatchOne, meter.lap(), bodies.singles.len(), None);
    for (index, operation) in [Operation::DeliverWebhook, Operation::DeliverInbox].into_iter().enumerate() {
        let messages = &bodies.matching[&index];
        // The first one connects, and marks the day.
        handle(&messages[0]).await?;
        meter.lap();
        for body in &messages[1..] {
            handle(body).await?;
        }
        operations.add_mean(operation, meter.lap(), messages.len() - 1, Some(Operation::MatchBatch));
    }
    let failing = &bodies.matching[&2];
    for body in &failing[..FAILURES - 1] {
        handle(body).await?;
    }
    operations.add_mean(Operation::FailAttempt, meter.lap(), FAILURES - 1, Some(Operation::MatchBatch));
    // This failure pauses the transport.
    handle(&failing[FAILURES - 1]).await?;
    meter.lap();
    for body in &bodies.dead {
        handle(body).await?;
    }
    operations.add_mean(Operation::DeferFirst, meter.lap(), bodies.dead.len() * BATCH, None);
    let waiting: Vec<_> =
        stack.unrecorded().stores().ledger.due(clock.advance(SignedDuration::from_mins(50)), 1000).await?;
    let waiting: Vec<DeliveryId> = waiting.into_iter().map(|due| due.id).collect();
    meter.lap();
    let message = QueueMessage::new(QueuedWork::Deliveries(waiting[..BATCH].to_vec()));
    dispatcher.handle(message, Timestamp::MAX).await.map_err(|error| error.to_string())?;
    operations.add_mean(Operation::DeferAgain, meter.lap(), BATCH, None);
    stack.take_messages().await?;
    Ok(())
}

async fn idle(
    operations: &mut Operations,
    stack: &RecordedStack,
    clock: &Arc<FakeClock>,
    operation: Operation,
) -> Result<(), Error> {
    let process = stack.process().await?;
    let sweep = process.sweep(&shared(clock));
    sweep.run(SignedDuration::from_secs(30)).await?;
    let mut meter = Meter::start(&process);
    for _ in 0..REPEATED {
        sweep.run(SignedDuration::from_secs(30)).await?;
    }
    operations.add_mean(operation, meter.lap(), REPEATED, None);
    Ok(())
}

fn shared(clock: &Arc<FakeClock>) -> Arc<dyn Clock> {
    Arc::clone(clock) as _
}

async fn retention(operations: &mut Operations, stack: &RecordedStack, clock: &Arc<FakeClock>) -> Result<(), Error> {
    let process = stack.process().await?;
    let sweep = process.sweep(&shared(clock));
    sweep.run(SignedDuration::from_secs(30)).await?;
    let mut meter = Meter::start(&process);
    // Two hours later, the events are counted and the deliveries are due.
    let later = clock.advance(SignedDuration::from_hours(2));
    let (mut counted, mut parts) = (0, 0);
    loop {
        let part = sweep.volume.roll_up(later).await?;
        counted += part.events;
        parts += usize::from(part.events > 0);
        if !part.has_more {
            break;
        }
    }
    operations.events = counted;
    let (cost, spent) = meter.lap();
    let (events, rest) = split(cost, "E");
    operations.add_mean(Operation::CountEvent, (events, spent), counted, None);
    operations.add_mean(Operation::CountPart, (rest, 0.0), parts, None);
    let due = sweep.run(SignedDuration::from_secs(30)).await?.resent;
    let resent = meter.lap();
    if due < BATCH {
        return Err(format!("{due} deliveries were due").into());
    }
    let tick = operations.costs[&Operation::TickFilled].clone();
    let beyond = (resent.0.beyond(&tick), (resent.1 - operations.processor[&Operation::TickFilled]).max(0.0));
    operations.add_mean(Operation::QueueDue, beyond, due, None);
    clock.advance(SignedDuration::from_mins(30));
    sweep.run(SignedDuration::from_secs(30)).await?;
    operations.add_mean(Operation::TickHour, meter.lap(), 1, Some(Operation::TickFilled));
    Ok(())
}

/// The reads of one kind of partition with the queries that make them, and the rest.
fn split(cost: Cost, partition: &str) -> (Cost, Cost) {
    let reads: BTreeMap<String, f64> =
        cost.reads.iter().filter(|(kind, _)| *kind == partition).map(|(kind, units)| (kind.clone(), *units)).collect();
    let events = Cost { reads, ..Cost::default() };
    let rest = cost.beyond(&events);
    (events, rest)
}

/// Posts as many events as fill steps of jobs in each shard.
async fn post_many(stack: &RecordedStack) -> Result<(), Error> {
    let ingest = stack.process().await?.ingest();
    for batch in (0..MANY).collect::<Vec<_>>().chunks(100) {
        let events: Vec<_> = batch.iter().map(|number| posted_event(*number, RecordedAction::Unmatched)).collect();
        post(&ingest, &events).await?;
    }
    Ok(())
}

/// A job over many events that changes none.
async fn job(operations: &mut Operations, stack: &RecordedStack) -> Result<(), Error> {
    let clock = Arc::new(FakeClock::at(&domain::time::format(half_past())));
    let process = stack.process().await?;
    let runner = process.runner(&shared(&clock));
    let task = JobTask::Restamp { retention: domain::rules_document::RulesDocument::default().retention };
    runner.jobs.replace(&Job::new(task, true, "recording".to_owned(), clock.now(), 1)).await?;
    let mut meter = Meter::start(&process);
    let steps = runner.advance(SignedDuration::from_secs(60)).await?;
    let (cost, spent) = meter.lap();
    let (events, rest) = split(cost, "E");
    operations.add_mean(Operation::PassEvent, (events, spent), MANY, None);
    operations.add_mean(Operation::PassStep, (rest, 0.0), steps, None);
    Ok(())
}

async fn archive(operations: &mut Operations, stack: &RecordedStack) -> Result<(), Error> {
    let clock = Arc::new(FakeClock::at(&domain::time::format(half_past())));
    let later = clock.advance(SignedDuration::from_hours(3));
    let process = stack.process().await?;
    let sweep = process.sweep(&shared(&clock));
    while sweep.volume.roll_up(later).await?.has_more {}
    let mut meter = Meter::start(&process);
    let report = sweep.run(SignedDuration::from_secs(30)).await?;
    // The job has reported itself by an event, which is archived, too.
    if report.archived != MANY + 1 {
        return Err(format!("not all events were archived: {report:?}").into());
    }
    let (cost, spent) = meter.lap();
    let beyond = cost.beyond(&operations.costs[&Operation::TickFilled]);
    let spent = (spent - operations.processor[&Operation::TickFilled]).max(0.0);
    operations.add_mean(Operation::ArchiveEvent, (beyond, spent), report.archived, None);
    Ok(())
}

async fn pages(operations: &mut Operations, stack: &RecordedStack) -> Result<(), Error> {
    for (operation, path) in [
        (Operation::PageNewest, "/v1/events?limit=50"),
        (Operation::PageFiltered, "/v1/events?limit=50&action=login_failed"),
        (Operation::PageSearch, "/v1/events?limit=50&search=user977%40"),
        (Operation::PageVolume, "/v1/events/volume?bucket=1h"),
        (Operation::PageDeliveries, "/v1/deliveries?limit=50"),
        (Operation::PageInbox, "/v1/notifications?limit=50"),
    ] {
        let process = stack.process().await?;
        let router = process.console()?;
        // Values that a process reads once, such as the token, are not part of a page's cost.
        get(&router, "/v1/events?limit=1&action=none").await?;
        let mut meter = Meter::start(&process);
        get(&router, path).await?;
        operations.add_mean(operation, meter.lap(), 1, None);
    }
    Ok(())
}
