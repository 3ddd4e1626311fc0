//! Gives stored events the expiry that they would be given now, holds included. Nothing else of an event changes; one
//! whose expiry has passed by that is invisible at once, and deleted as whatever has expired.

use domain::ports::{ReceivedEvent, StoreError};
use domain::retention::ExpiryChange;
use domain::retention::hold::{self, HOLD_EXPIRY, Hold};
use domain::retention::job::{JobCursor, JobReport};
use domain::rules_document::Retention;
use domain::{EventPk, Timestamp};

use super::{JobRunner, Step};

/// Events of one step: few enough that nobody who posts events waits for the store.
const AT_A_TIME: usize = 500;

pub(super) struct Restamping<'a> {
    pub(super) runner: &'a JobRunner,
    pub(super) retention: &'a Retention,
    /// Only what is held, or was: other events keep the stamps that they have.
    pub(super) only_held: bool,
    pub(super) dry_run: bool,
}

impl Restamping<'_> {
    pub(super) async fn step(&self, before: Option<EventPk>) -> Result<Step, StoreError> {
        let now = self.runner.clock.now();
        let holds = self.runner.holds.all().await?;
        let page = self.runner.keeping.list_received(before, AT_A_TIME, now).await?;
        let mut report = JobReport::default();
        let mut stamps = Vec::new();
        for kept in &page.results {
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
        Ok((report, page.next.map(|before| JobCursor::Events { before: Some(before) })))
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
