//! The simulated day: second by second, what each part of the system does of what it should.

use std::collections::VecDeque;

use super::limits::{ACCOUNT_INSTANCES, POLLERS, POLLERS_PER_MINUTE, RETRIED_FOR, ROUND_MS, RUNTIME_MS};
use super::partitions::{KeyLoad, PartitionedTable};
use super::parts::{DayReport, Part};
use super::retention::ScheduledWork;
use super::scenario::{Arrivals, DEAD_RECEIVER, HOT_USER, MATCHED, Scenario};
use super::{DUE_PER_MESSAGE, Model, Operation};

/// The state between two seconds.
struct Day<'a> {
    model: &'a Model,
    scenario: &'a Scenario,
    table: PartitionedTable,
    index: PartitionedTable,
    /// Events of each shard in requests that repeat throttled writes.
    pending: Vec<f64>,
    /// Events that callers have to post again.
    callers: f64,
    /// Whether callers still have events of the time when the table failed.
    catches_up: bool,
    /// Messages with events, by the second in which they were sent, and all of these.
    events: VecDeque<(usize, f64)>,
    queued_events: f64,
    /// Messages with due deliveries.
    queued_due: f64,
    /// Messages that failed: when they come again, how many, when they were sent, and how often they were received.
    failed: VecDeque<(usize, f64, usize, u32)>,
    /// Ledger writes that could not be made at once.
    ledger: f64,
    /// Deliveries to the dead receiver by the second in which they are due and how often they have waited.
    waiting: Vec<[f64; WAITS.len()]>,
    pollers: f64,
    dispatching: f64,
    work: ScheduledWork,
    report: DayReport,
}

/// How long a delivery to a paused transport waits, in seconds, the first time, the second, …: half an hour at first; then
/// the longest pause, or half of what it has waited, up to an hour; and a quarter more as the mean of the jitter. See
/// `DeliveryRun::deferred` and `retry::postpone`.
const WAITS: [usize; 5] = [2250, 1400, 2250, 3650, 4500];
const VISIBILITY: usize = 360;
const RECEPTIONS: u32 = 5;
const REDRIVEN: f64 = 2000.0;
/// About the time until a dead letter is redriven, in seconds: five receptions, and half an hour until the next full one.
const REDRIVEN_AFTER: f64 = 3600.0;
/// The most events that a page of `console` examines, and that it counts for one response.
const EXAMINED: f64 = 20_000.0;
const COUNTED_LIVE: f64 = 50_000.0;
const LIVE_PAGE: f64 = 250.0;

/// Simulates a day.
pub fn simulate(model: &Model, scenario: &Scenario) -> DayReport {
    let shards = scenario.settings.shards;
    let mut day = Day {
        model,
        scenario,
        table: PartitionedTable::new(scenario.seed, scenario.past_splits()),
        index: PartitionedTable::new(scenario.seed + 1, 0),
        pending: vec![0.0; shards],
        callers: 0.0,
        catches_up: false,
        events: VecDeque::new(),
        queued_events: 0.0,
        queued_due: 0.0,
        failed: VecDeque::new(),
        ledger: 0.0,
        waiting: vec![[0.0; WAITS.len()]; scenario.seconds + 2 * WAITS[WAITS.len() - 1]],
        pollers: POLLERS,
        dispatching: 0.0,
        work: ScheduledWork::default(),
        report: DayReport::default(),
    };
    let mut arrivals = Arrivals::new(scenario);
    for second in 0..scenario.seconds {
        day.step(second, arrivals.next(second));
    }
    day.pages();
    day.report
}

impl Day<'_> {
    fn step(&mut self, second: usize, arrived: f64) {
        let is_down = self.scenario.is_table_down(second);
        let stored = self.ingest(second, arrived, is_down);
        self.dispatch(second, is_down);
        self.work.add(second, stored, self.scenario.rate);
        if second.is_multiple_of(60) && !is_down && !self.scenario.is_retention_down(second) {
            self.tick(second);
        }
        self.wait(second);
        let due = self.work.due / (60_000.0 / 60.0);
        self.report.note(Part::DueRetries, due);
        self.report.note(Part::Counting, self.work.counting_delay(second));
        if self.scenario.archives {
            self.report.note(Part::Archive, self.work.archiving_delay(second));
        }
    }

    /// Stores what arrives; returns the number of events.
    fn ingest(&mut self, second: usize, arrived: f64, is_down: bool) -> f64 {
        let (batch, shards) = (count(self.scenario.batch), count(self.pending.len()));
        let operation = if self.scenario.batch > 1 { Operation::PostBatch } else { Operation::PostOne };
        // Callers repeat what was refused, together with at most half of the mean rate.
        let repeated = self.callers.min(self.scenario.rate / 2.0);
        self.callers -= repeated;
        let offered = arrived + repeated;
        let ms = self.model.ms(operation, self.scenario.settings.ingest_mb) + RUNTIME_MS;
        let instances = offered / batch * ms / 1000.0;
        self.report.instances = self.report.instances.max(instances + self.dispatching);
        self.report.hottest_reads = self.report.hottest_reads.max(instances * self.model.refreshed_reads());
        let admitted = if is_down { 0.0 } else { ((ACCOUNT_INSTANCES - self.dispatching) / instances).clamp(0.0, 1.0) };
        self.report.usage.invoke(offered / batch, ms, self.scenario.settings.ingest_mb);
        let day = Scenario::day_of(second);
        let ledger_writes = std::mem::take(&mut self.ledger);
        let mut loads: Vec<KeyLoad> = Vec::new();
        for (shard, pending) in self.pending.iter().enumerate() {
            loads.push(KeyLoad { key: ('E', day, shard), asked: pending + offered * admitted / shards, done: 0.0 });
            loads.push(KeyLoad { key: ('D', day, shard), asked: ledger_writes / shards, done: 0.0 });
        }
        if is_down {
            self.ledger = ledger_writes;
        } else {
            self.table.write(&mut loads);
        }
        let (mut stored, mut refused) = (0.0, offered * (1.0 - admitted));
        for (shard, pending) in self.pending.iter_mut().enumerate() {
            let (events, ledger) = (&loads[2 * shard], &loads[2 * shard + 1]);
            stored += events.done;
            self.ledger += if is_down { 0.0 } else { ledger.asked - ledger.done };
            *pending = events.asked - events.done;
            // What would have to be repeated for longer than requests do is refused.
            let excess = (*pending - events.done * RETRIED_FOR).max(0.0);
            *pending -= excess;
            refused += excess;
        }
        self.callers += refused;
        self.catches_up = is_down || self.catches_up && self.callers > self.scenario.rate;
        if !self.catches_up {
            self.report.refused += refused;
        }
        self.report.stored += stored;
        self.report.usage.add(operation, stored / batch);
        self.enqueue(second, stored / batch);
        self.report.note(Part::Ingest, self.callers / (self.scenario.rate / 2.0));
        stored
    }

    fn dispatch(&mut self, second: usize, is_down: bool) {
        while self.failed.front().is_some_and(|(at, ..)| *at <= second) {
            let Some((_, messages, sent, receptions)) = self.failed.pop_front() else { break };
            if is_down && receptions >= RECEPTIONS {
                self.report.dead_letters += messages;
            } else if is_down {
                self.failed.push_back((second + VISIBILITY, messages, sent, receptions + 1));
            } else {
                self.report.note(Part::Dispatch, count(second - sent));
                self.enqueue(second, messages);
            }
        }
        let settings = &self.scenario.settings;
        let queued = self.queued_events + self.queued_due;
        if is_down {
            self.failed.push_back((second + VISIBILITY, self.queued_events, second, 2));
            self.events.clear();
            (self.queued_events, self.queued_due) = (0.0, 0.0);
            return;
        }
        let slots = self.pollers.min(settings.dispatch_instances);
        // Messages are taken alone while there are enough instances, and together otherwise.
        let share = self.queued_due / queued.max(1e-9);
        let most = |together: f64| slots * 1000.0 / self.invocation_ms(together, share) * together;
        let together = (1..=settings.messages_per_invocation).map(count).find(|together| most(*together) >= queued);
        let together = together.unwrap_or(count(settings.messages_per_invocation));
        // While the ledger throttles, dispatchers wait for it.
        let is_waiting = self.ledger > count(settings.shards) * 1000.0;
        let handled = if is_waiting { 0.0 } else { queued.min(most(together)) };
        let ms = self.invocation_ms(together, share);
        self.dispatching = handled / together * ms / 1000.0;
        self.report.usage.invoke(handled / together, ms, settings.dispatch_mb);
        self.report.usage.poll(handled / together);
        self.pollers =
            if handled < queued { self.pollers + POLLERS_PER_MINUTE / 60.0 } else { (self.pollers - 1.0).max(POLLERS) };
        let (events, due) = (handled * (1.0 - share), handled * share);
        self.queued_due = (self.queued_due - due).max(0.0);
        self.dequeue(events);
        self.send(second, events, due);
        let oldest = self.events.front().map_or(second, |(sent, _)| *sent);
        self.report.note(Part::Dispatch, count(second - oldest));
    }

    fn enqueue(&mut self, sent: usize, messages: f64) {
        if messages > 0.0 {
            self.events.push_back((sent, messages));
            self.queued_events += messages;
        }
    }

    /// Takes the oldest messages from the queue.
    fn dequeue(&mut self, taken: f64) {
        let mut messages = taken;
        while let Some((_, left)) = self.events.front_mut() {
            // Rounding must not leave a trace of a message behind.
            if *left > messages + 1e-6 {
                *left -= messages;
                break;
            }
            messages -= *left;
            self.events.pop_front();
        }
        self.queued_events = if self.events.is_empty() { 0.0 } else { (self.queued_events - taken).max(0.0) };
    }

    fn invocation_ms(&self, together: f64, due: f64) -> f64 {
        self.model.dispatch_ms(self.scenario.settings.dispatch_mb, self.scenario.batch, together, due)
    }

    /// Attempts the deliveries of this number of messages with events, and with due deliveries.
    fn send(&mut self, second: usize, events: f64, due: f64) {
        let batch = count(self.scenario.batch);
        let operation = if self.scenario.batch > 1 { Operation::MatchBatch } else { Operation::MatchOne };
        let deliveries = events * batch * MATCHED;
        let (inbox, webhooks) = (deliveries * HOT_USER, deliveries * (1.0 - HOT_USER));
        let (dead, again) = (webhooks * DEAD_RECEIVER, due * DUE_PER_MESSAGE);
        let mut index = 0.0;
        for (operation, times) in [
            (operation, events),
            (Operation::DeliverInbox, inbox),
            (Operation::DeliverWebhook, webhooks - dead),
            (Operation::DeferFirst, dead),
            (Operation::DeferAgain, again),
        ] {
            self.report.usage.add(operation, times);
            let writes = &self.model.cost(operation).writes;
            self.ledger += times * writes.get("D").unwrap_or(&0.0);
            index += times * writes.get("R").unwrap_or(&0.0);
        }
        self.waiting[second + WAITS[0]][0] += dead;
        // The index's partitions: what they throttle, the table throttles.
        let shards = self.scenario.settings.shards;
        let load = |shard: usize| KeyLoad { key: ('R', 0, shard), asked: index / count(shards), done: 0.0 };
        let mut loads: Vec<_> = (0..shards).map(load).collect();
        self.index.write(&mut loads);
        self.ledger += loads.iter().map(|load| load.asked - load.done).sum::<f64>();
        let mut inboxes = [KeyLoad { key: ('N', 0, 0), asked: inbox, done: 0.0 }];
        self.table.write(&mut inboxes);
        self.ledger += inboxes[0].asked - inboxes[0].done;
    }

    fn tick(&mut self, second: usize) {
        let done = self.work.run(self.model, self.scenario, second);
        let usage = &mut self.report.usage;
        usage.invoke(1.0, done.ms, self.scenario.settings.retention_mb);
        usage.schedule(1.0);
        for (operation, times) in [
            (Operation::TickFilled, 1.0),
            (Operation::QueueDue, done.queued),
            (Operation::CountEvent, done.counted),
            (Operation::CountPart, done.counted / 10_000.0),
            (Operation::ArchiveEvent, done.archived),
        ] {
            usage.add(operation, times);
        }
        self.queued_due += done.queued / DUE_PER_MESSAGE;
        if second.is_multiple_of(3600) {
            usage.add(Operation::TickHour, 1.0);
            let redriven = self.report.dead_letters.min(REDRIVEN);
            self.report.dead_letters -= redriven;
            if redriven > 0.0 {
                self.report.note(Part::Dispatch, REDRIVEN_AFTER);
            }
            self.enqueue(second, redriven);
        }
        self.report.passed_per_second += done.passed / count(self.scenario.seconds);
    }

    /// Makes deliveries due whose time has come; those that are deferred again wait for longer.
    fn wait(&mut self, second: usize) {
        let due = std::mem::take(&mut self.waiting[second]);
        for (times, deliveries) in due.into_iter().enumerate() {
            self.work.due += deliveries;
            let next = (times + 1).min(WAITS.len() - 1);
            self.waiting[second + WAITS[next]][next] += deliveries;
        }
    }

    /// The slowest page: one that searches for what few events have, or the counts of the running hour.
    fn pages(&mut self) {
        let (model, mb) = (self.model, self.scenario.settings.console_mb);
        let stored = self.scenario.rate * 86_400.0;
        let examined = EXAMINED.min(stored);
        let each = model.ms(Operation::PageSearch, mb) / model.recorded.events;
        let live = COUNTED_LIVE.min(self.scenario.rate * 4200.0);
        let volume = live * model.processor_ms(Operation::CountEvent, mb)
            + live / LIVE_PAGE / count(self.scenario.settings.shards) * ROUND_MS;
        for page in [model.ms(Operation::PageNewest, mb), each * examined, volume] {
            let slowest = self.report.delays.get(&Part::Pages).map_or(0.0, |delay| delay.last);
            self.report.note(Part::Pages, (page / 1000.0).max(slowest));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn count(number: usize) -> f64 {
    number as f64
}
