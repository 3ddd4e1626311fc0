//! Recomputes the expiry of stored events by the current retention and holds. Nothing else of an event changes. An
//! event whose new expiry has passed becomes invisible at once, and is deleted like any expired event.

use domain::Timestamp;
use domain::ports::{ReceivedEvent, StoreError};
use domain::retention::ExpiryChange;
use domain::retention::hold::{self, HOLD_EXPIRY, Hold};
use domain::retention::job::{EventCursor, JobCursor, JobReport};
use domain::rules_document::Retention;

use super::{JobRunner, Step, count_unreadable};

/// Events per step: one request to DynamoDB. Each step reads the holds and writes the job. On one machine, requests that
/// post events wait while the step writes the expiries.
const EVENTS_PER_STEP: usize = 1000;

/// One step of a job that restamps events.
pub(super) struct RestampJob<'a> {
    pub(super) runner: &'a JobRunner,
    pub(super) retention: &'a Retention,
    /// Restamps only events that a hold protects or protected; the others keep their expiry.
    pub(super) only_held: bool,
    pub(super) dry_run: bool,
    /// When the job was asked for. Events that were received later have the expiry of the rules of that time.
    pub(super) asked: Timestamp,
}

impl RestampJob<'_> {
    pub(super) async fn step(&self, after: Option<EventCursor>) -> Result<Step, StoreError> {
        let now = self.runner.clock.now();
        let holds = self.runner.holds.all().await?;
        let page = self.runner.keeping.list_received(after, EVENTS_PER_STEP, now).await?;
        let mut report = JobReport::default();
        count_unreadable(&page, &mut report);
        let mut stamps = Vec::new();
        for kept in page.results.iter().filter(|kept| kept.received <= self.asked) {
            let (name, expires) = match self.restamp(kept, &holds, now) {
                ExpiryChange::Same => {
                    report.count("unchanged", 1);
                    continue;
                }
                ExpiryChange::Gone(expires) => {
                    report.count_removed("deleted", &kept.event);
                    stamps.push((kept.event.pk, expires));
                    continue;
                }
                ExpiryChange::Earlier(expires) => ("shortened", expires),
                ExpiryChange::Later(expires) => ("extended", expires),
                ExpiryChange::Held(expires) => ("held", expires),
            };
            report.count(name, 1);
            stamps.push((kept.event.pk, expires));
        }
        if !self.dry_run && !stamps.is_empty() {
            self.runner.keeping.set_expiries(&stamps, now).await?;
        }
        Ok((report, page.next.map(|after| JobCursor::Events { after: Some(after) })))
    }

    fn restamp(&self, ReceivedEvent { event, received }: &ReceivedEvent, all: &[Hold], now: Timestamp) -> ExpiryChange {
        let is_held = event.expires == HOLD_EXPIRY;
        match hold::is_held(all, event) {
            true if is_held => ExpiryChange::Same,
            true => ExpiryChange::Held(HOLD_EXPIRY),
            false if self.only_held && !is_held => ExpiryChange::Same,
            false => self.retention.restamp(event, *received, now),
        }
    }
}
