//! Gives every stored event the expiry that it would be given now. Nothing else of an event changes; one whose expiry
//! has passed by that is invisible at once, and deleted as whatever has expired.

use domain::EventPk;
use domain::job::{Place, Report};
use domain::ports::{Kept, StoreError};
use domain::retention::{Restamp, Retention};

use super::{JobRunner, Step};

/// Events of one step: few enough that nobody who posts events waits for the store.
const AT_A_TIME: usize = 500;

pub(super) async fn step(
    runner: &JobRunner,
    retention: &Retention,
    before: Option<EventPk>,
    dry_run: bool,
) -> Result<Step, StoreError> {
    let now = runner.clock.now();
    let page = runner.keeping.kept(before, AT_A_TIME, now).await?;
    let mut report = Report::default();
    let mut expiries = Vec::new();
    for Kept { event, received } in &page.results {
        let restamp = retention.restamp(event, *received, now);
        match restamp {
            Restamp::Same => report.count("unchanged", 1),
            Restamp::Gone(_) => report.goes("deleted", event),
            Restamp::Earlier(_) => report.count("shortened", 1),
            Restamp::Later(_) => report.count("extended", 1),
        }
        if let Restamp::Gone(expires) | Restamp::Earlier(expires) | Restamp::Later(expires) = restamp {
            expiries.push((event.pk, expires));
        }
    }
    if !dry_run && !expiries.is_empty() {
        runner.keeping.restamp(&expiries, now).await?;
    }
    Ok((report, page.next.map(|before| Place::Events { before: Some(before) })))
}
