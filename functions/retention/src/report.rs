//! What a sweep did, and what of it failed.

use domain::ports::StoreError;

/// What one sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SweepReport {
    /// Number of expired records deleted.
    pub purged: usize,
    /// Number of deliveries queued because their next attempt is due.
    pub resent: usize,
    /// Number of messages moved from the dead letters back to the queue.
    pub redriven: usize,
    /// Number of events counted.
    pub counted: usize,
    /// Number of expired events archived and deleted.
    pub archived: usize,
    /// Number of steps by which jobs advanced.
    pub job_steps: usize,
}

/// Some tasks of a sweep failed; the others were done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SweepError {
    /// The failed tasks, in the order of the sweep, each with its error.
    pub failures: Vec<(&'static str, StoreError)>,
}

impl SweepError {
    /// The value of a result. Keeps the error of the task `name`, and returns the default instead.
    pub(crate) fn collect<T: Default>(&mut self, name: &'static str, result: Result<T, StoreError>) -> T {
        result.unwrap_or_else(|error| {
            self.failures.push((name, error));
            T::default()
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.failures.is_empty()
    }
}

impl std::fmt::Display for SweepError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (name, error)) in self.failures.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(formatter, "{separator}{name}: {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SweepError {}
