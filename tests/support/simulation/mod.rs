//! Simulates a day of the AWS deployment, second by second: which part falls behind at which rate, and what it costs.
//!
//! Owns the model; `recording` owns what it is fed with, and `limits` the facts about AWS. Deterministic: chance comes
//! from a seed. Refuses to predict latencies: it knows throughput, limits and money.
//!
//! What it models: partitions with their limit and their split for heat; requests that are repeated and then refused;
//! callers that repeat them; the queue, its pollers, and messages that fail until they are dead letters; instances of
//! functions, whose time is processor time at their memory size plus rounds of requests; and the schedule with its
//! tasks and their shares of a run.

mod bill;
mod day;
mod limits;
mod partitions;
mod parts;
mod report;
mod retention;
mod scenario;
mod settings;
#[cfg(test)]
mod tests;

pub use bill::{BillItem, groups_per_million, idle_month, month_extras, per_million};
pub use day::simulate;
pub use parts::{DayReport, DelayedPart, Part, ceilings};
pub use report::{cost_table, idle_table, scale_table};
pub use scenario::Scenario;
pub use settings::DeployedSettings;

use crate::recording::cost::Cost;
use crate::recording::{self, Operation, ProcessorTimes, Recorded};
use limits::{PROCESSOR_MB, RECEIVER_MS, ROUND_MS, RUNTIME_MS, SLOWER};
use scenario::MATCHED;

/// Deliveries in one message with due deliveries: `MAX_PER_MESSAGE` of `functions/retention/src/lib.rs`.
const DUE_PER_MESSAGE: f64 = 25.0;

/// What operations cost, as recorded.
#[derive(Debug, Clone)]
pub struct Model {
    recorded: Recorded,
    processor: ProcessorTimes,
}

impl Model {
    /// A model that is fed with these.
    pub fn new(recorded: Recorded, processor: ProcessorTimes) -> Self {
        Self { recorded, processor }
    }

    /// The recording that the repository has.
    pub fn stored() -> Self {
        Self::new(Recorded::stored(), recording::processor_times())
    }

    fn cost(&self, operation: Operation) -> &Cost {
        self.recorded.cost(operation)
    }

    /// The processor time of an operation at a memory size, in milliseconds. Beyond one processor, more memory does not
    /// speed a single thread up.
    fn processor_ms(&self, operation: Operation, mb: f64) -> f64 {
        self.processor[&operation] * SLOWER * PROCESSOR_MB / mb.min(PROCESSOR_MB)
    }

    /// The time of an operation at a memory size, in milliseconds: processor time, and rounds of requests.
    fn ms(&self, operation: Operation, mb: f64) -> f64 {
        self.processor_ms(operation, mb) + self.cost(operation).rounds * ROUND_MS
    }

    /// Read units per second that an instance of `ingest` asks of one partition: it reads again what it has cached,
    /// after ten seconds or more.
    fn refreshed_reads(&self) -> f64 {
        self.cost(Operation::StartIngest).reads.values().fold(0.0, |most: f64, units| most.max(*units)) / 10.0
    }

    /// The time of an invocation of `dispatch` for this number of messages, each with a batch of events, of which a
    /// share holds due deliveries instead; in milliseconds.
    fn dispatch_ms(&self, mb: f64, batch: usize, together: f64, due: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "batches are small")]
        let (batch, recorded) = (batch as f64, recording::BATCH as f64);
        let of_events = self.processor_ms(Operation::MatchBatch, mb) * batch / recorded
            + batch * MATCHED * self.processor_ms(Operation::DeliverWebhook, mb);
        let of_due = DUE_PER_MESSAGE * self.processor_ms(Operation::DeferAgain, mb);
        let processor = together * ((1.0 - due) * of_events + due * of_due) + RUNTIME_MS;
        // Messages and deliveries wait side by side. One that is delivered waits for the ledger and for the receiver.
        let waits = self.cost(Operation::DeliverWebhook).rounds * ROUND_MS + RECEIVER_MS;
        let waiting = 1.0 - (1.0 - MATCHED).powf(batch * together);
        processor + waits * waiting.max(due)
    }
}
