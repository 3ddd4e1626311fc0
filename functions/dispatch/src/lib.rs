//! Queued events to verdicts to deliveries.
