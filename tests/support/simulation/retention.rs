//! The schedule of the simulation: what one run of `retention` does of each task in its time.

use super::limits::ROUND_MS;
use super::scenario::Scenario;
use super::{Model, Operation};

/// The part of a run's time that its tasks leave unused, in seconds: `MARGIN` of `functions/retention/src/main.rs`.
const MARGIN: f64 = 20.0;
/// `DUE_BATCH` of `functions/retention/src/lib.rs`.
const DUE_BATCH: f64 = 60_000.0;
/// `MAX_PER_FILE` of `functions/retention/src/archiver.rs`.
const FILE: f64 = 5000.0;
/// The most events of a part of an hour, and of one request: `infra/aws/src/volume`.
const PART: f64 = 10_000.0;
const COUNT_PAGE: f64 = 1000.0;
/// The most events of a step of a job: `EVENTS_PER_STEP` of `functions/retention/src/jobs`.
const STEP: f64 = 1000.0;
/// A file's way to the archive, in milliseconds. Assumed.
const FILE_MS: f64 = 100.0;
/// An hour is counted, or archived, this long after its end, in seconds.
const COUNTED_AFTER: usize = 600;
const ARCHIVED_AFTER: usize = 300;
const HOUR: usize = 3600;
const HOUR_SECONDS: f64 = 3600.0;

/// The work of the schedule that is not done.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScheduledWork {
    /// Deliveries that are due.
    pub(crate) due: f64,
    /// The events of each hour that are to be counted, and to be archived. An hour leaves when nothing of it is left.
    counting: Vec<(usize, f64)>,
    archiving: Vec<(usize, f64)>,
}

/// What one run did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RunOfTasks {
    pub(crate) queued: f64,
    pub(crate) counted: f64,
    pub(crate) archived: f64,
    /// Events that a job could pass in its share.
    pub(crate) passed: f64,
    pub(crate) ms: f64,
}

impl ScheduledWork {
    /// Adds the events that were stored in this second, and as many that expire in it.
    pub(crate) fn add(&mut self, second: usize, stored: f64, expired: f64) {
        for (hours, events) in [(&mut self.counting, stored), (&mut self.archiving, expired)] {
            let hour = Scenario::hour_of(second);
            match hours.last_mut() {
                Some((last, left)) if *last == hour => *left += events,
                _ => hours.push((hour, events)),
            }
        }
    }

    /// Makes one run.
    pub(crate) fn run(&mut self, model: &Model, scenario: &Scenario, second: usize) -> RunOfTasks {
        let mb = scenario.settings.retention_mb;
        let run_ms = (scenario.settings.retention_seconds - MARGIN) * 1000.0;
        let mut left = run_ms - model.ms(Operation::TickFilled, mb);
        let queued = self.due.min(DUE_BATCH);
        self.due -= queued;
        left -= queued * model.processor_ms(Operation::QueueDue, mb) + (queued / 1000.0).ceil() * ROUND_MS;
        let file_ms = FILE * model.ms(Operation::ArchiveEvent, mb) + FILE_MS;
        let archived = if scenario.archives {
            take(&mut self.archiving, second, ARCHIVED_AFTER, left / 2.0, FILE, file_ms)
        } else {
            0.0
        };
        left -= archived / FILE * file_ms;
        let part_ms = PART * model.processor_ms(Operation::CountEvent, mb)
            + (PART / COUNT_PAGE + model.cost(Operation::CountPart).rounds) * ROUND_MS;
        let counted = take(&mut self.counting, second, COUNTED_AFTER, left / 2.0, PART, part_ms);
        left -= counted / PART * part_ms;
        // What the others leave, if a job runs.
        let step_ms =
            STEP * model.processor_ms(Operation::PassEvent, mb) + model.cost(Operation::PassStep).rounds * ROUND_MS;
        let passed = left.max(0.0) / step_ms * STEP;
        RunOfTasks { queued, counted, archived, passed, ms: run_ms - left }
    }

    /// Seconds since the end of the oldest hour that is not counted.
    pub(crate) fn counting_delay(&self, second: usize) -> f64 {
        delay(&self.counting, second)
    }

    /// Seconds since the end of the oldest hour whose expired events are not archived.
    pub(crate) fn archiving_delay(&self, second: usize) -> f64 {
        delay(&self.archiving, second)
    }
}

/// Takes events of hours that are over, in steps, for as long as the share lasts; at least one step.
fn take(hours: &mut Vec<(usize, f64)>, second: usize, after: usize, share_ms: f64, step: f64, step_ms: f64) -> f64 {
    let mut room = (share_ms / step_ms).ceil().max(1.0) * step;
    let mut taken = 0.0;
    while let Some((hour, left)) = hours.first_mut() {
        if second < (*hour + 1) * HOUR + after || room <= 0.0 {
            break;
        }
        let some = left.min(room);
        *left -= some;
        (room, taken) = (room - some, taken + some);
        if *left > 0.0 {
            break;
        }
        hours.remove(0);
    }
    taken
}

fn delay(hours: &[(usize, f64)], second: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a day has few seconds")]
    hours.first().map_or(0.0, |(hour, _)| (second as f64 - (*hour as f64 + 1.0) * HOUR_SECONDS).max(0.0))
}
