//! Recomputes the expiry of stored events by the current retention and holds. Nothing else of an event changes. An event
//! whose new expiry has passed becomes invisible at once, and is deleted like any expired event.

use domain::ports::{Kept, StoreError};
use domain::retention::Restamp;
use domain::retention::hold::{HELD, Hold, holds};
use domain::retention::job::{Place, Report};
use domain::rules_document::Retention;
use domain::{EventPk, Timestamp};

use super::{JobRunner, Step};

/// Events per step. A small number, so that requests that post events do not wait for the store.
const EVENTS_PER_STEP: usize = 500;

/// One step of a job that restamps events.
pub(super) struct RestampJob<'a> {
    pub(super) runner: &'a JobRunner,
    pub(super) retention: &'a Retention,
    /// Restamps only events that a hold protects or protected; the others keep their expiry.
    pub(super) only_held: bool,
    pub(super) dry_run: bool,
}

impl RestampJob<'_> {
    pub(super) async fn step(&self, before: Option<EventPk>) -> Result<Step, StoreError> {
        let now = self.runner.clock.now();
        let holds = self.runner.holds.all().await?;
        let page = self.runner.keeping.kept(before, EVENTS_PER_STEP, now).await?;
        let mut report = Report::default();
        let mut stamps = Vec::new();
        for kept in &page.results {
            let (name, expires) = match self.restamp(kept, &holds, now) {
                Restamp::Same => {
                    report.count("unchanged", 1);
                    continue;
                }
                Restamp::Gone(expires) => {
                    report.goes("deleted", &kept.event);
                    stamps.push((kept.event.pk, expires));
                    continue;
                }
                Restamp::Earlier(expires) => ("shortened", expires),
                Restamp::Later(expires) => ("extended", expires),
                Restamp::Held(expires) => ("held", expires),
            };
            report.count(name, 1);
            stamps.push((kept.event.pk, expires));
        }
        if !self.dry_run && !stamps.is_empty() {
            self.runner.keeping.restamp(&stamps, now).await?;
        }
        Ok((report, page.next.map(|before| Place::Events { before: Some(before) })))
    }

    fn restamp(&self, Kept { event, received }: &Kept, all: &[Hold], now: Timestamp) -> Restamp {
        let is_held = event.expires == HELD;
        match holds(all, event) {
            true if is_held => Restamp::Same,
            true => Restamp::Held(HELD),
            false if self.only_held && !is_held => Restamp::Same,
            false => self.retention.restamp(event, *received, now),
        }
    }
}
