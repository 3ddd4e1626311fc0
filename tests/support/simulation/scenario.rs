//! What a simulated day brings: how many events arrive in each second, whom they notify, and what fails.

use domain::ports::Entropy as _;

use super::DeployedSettings;
use crate::SeededEntropy;

/// Seconds of a day.
pub(crate) const DAY: usize = 86_400;
const HOUR: usize = 3600;

/// Every ten minutes, the rate is this many times the mean for a minute.
pub(crate) const BURST: f64 = 1.5;
const BURST_EVERY: usize = 600;
const BURST_SECONDS: usize = 60;

/// The share of the events that a rule matches, each for one recipient.
pub(crate) const MATCHED: f64 = 0.05;
/// The share of the deliveries that go to the inbox of one user. The others are webhooks.
pub(crate) const HOT_USER: f64 = 0.2;
/// The share of the webhooks that go to a receiver that never answers.
pub(crate) const DEAD_RECEIVER: f64 = 0.1;

/// A day, or a part of it.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Events per second, in the mean.
    pub rate: f64,
    /// Events in one request.
    pub batch: usize,
    /// How long it lasts, in seconds. It begins six hours before midnight (UTC).
    pub seconds: usize,
    /// Whether the table fails for the third hour, and `retention` for the tenth.
    pub has_outages: bool,
    /// Whether expired events are archived. At the start, as many expire as arrive.
    pub archives: bool,
    /// Days for which the stack has run at this rate: a table with a past has more partitions.
    pub past_days: usize,
    /// The seed of all chance.
    pub seed: u64,
    /// The deployed system's settings.
    pub settings: DeployedSettings,
}

impl Scenario {
    /// A whole day at this rate, in batches of 25, with outages, and with the template's defaults.
    pub fn day(rate: f64) -> Self {
        Self {
            rate,
            batch: crate::recording::BATCH,
            seconds: DAY,
            has_outages: true,
            archives: true,
            past_days: 30,
            seed: 1,
            settings: DeployedSettings::of_template(),
        }
    }

    /// Whether the table fails in this second.
    pub(crate) fn is_table_down(&self, second: usize) -> bool {
        self.has_outages && (2 * HOUR..3 * HOUR).contains(&second)
    }

    /// Whether `retention` does not run in this second.
    pub(crate) fn is_retention_down(&self, second: usize) -> bool {
        self.has_outages && (9 * HOUR..10 * HOUR).contains(&second)
    }

    /// The day of a second: its first six hours are those before midnight.
    pub(crate) fn day_of(second: usize) -> usize {
        (second + 18 * HOUR) / DAY
    }

    /// The start of the hour of a second.
    pub(crate) fn hour_of(second: usize) -> usize {
        second / HOUR
    }

    /// Splits that the table has behind it: each past day's records outgrow a partition in each shard, and part.
    pub(crate) fn past_splits(&self) -> usize {
        #[expect(clippy::cast_precision_loss, reason = "a day has few seconds")]
        let bytes = self.rate * 724.0 * DAY as f64;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small"
        )]
        let splits = (bytes / super::limits::PARTITION_BYTES * self.past_days as f64) as usize;
        splits.min(self.past_days * self.settings.shards)
    }
}

/// The events that arrive in each second.
pub(crate) struct Arrivals {
    entropy: SeededEntropy,
    base: f64,
}

impl Arrivals {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "these are small")]
        let share = BURST_SECONDS as f64 / BURST_EVERY as f64;
        Self { entropy: SeededEntropy::new(scenario.seed), base: scenario.rate / (1.0 + share * (BURST - 1.0)) }
    }

    /// The number in a second: with chance as of independent callers.
    pub(crate) fn next(&mut self, second: usize) -> f64 {
        let rate = if second % BURST_EVERY < BURST_SECONDS { self.base * BURST } else { self.base };
        // The sum of twelve random fractions is nearly normal, with a deviation of one.
        let normal: f64 = (0..12).map(|_| self.entropy.fraction()).sum::<f64>() - 6.0;
        (rate + normal * rate.sqrt()).max(0.0)
    }
}
