//! The Lambda function `retention`: initialises the log, reads the settings, connects the adapters and runs.

use std::sync::Arc;

use aws::{Adapters, Settings};
use domain::ports::{Archive, Clock as _};
use host::SystemClock;
use jiff::SignedDuration;
use retention::{Archiver, JobRunner, Sweep};

/// The part of the invocation's time that the tasks leave unused, because the last batch may exceed the deadline.
const MARGIN: SignedDuration = SignedDuration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::read(&host::environment())?;
    host::log::init(&settings.log, settings.form("retention"))?;
    let adapters = Adapters::connect(settings).await;
    let archive: Option<Arc<dyn Archive>> = adapters.archive().map(|archive| Arc::new(archive) as _);
    let sweep = Sweep {
        log: Arc::new(adapters.event_log()),
        volume: Arc::new(adapters.volume()),
        ledger: Arc::new(adapters.ledger()),
        queue: Arc::new(adapters.work_queue()),
        dead_letters: Arc::new(adapters.dead_letters()),
        archiver: archive.clone().map(|archive| Archiver::new(archive, Arc::new(adapters.keeping()))),
        clock: Arc::new(SystemClock),
        purge_grace: aws::PURGE_GRACE,
    };
    let runner = JobRunner {
        jobs: Arc::new(adapters.jobs()),
        keeping: Arc::new(adapters.keeping()),
        ledger: Arc::new(adapters.ledger()),
        inbox: Arc::new(adapters.inbox()),
        holds: Arc::new(adapters.holds()),
        erasure: Arc::new(adapters.erasure()),
        archive,
        mailbox: None,
        intake: Arc::new(adapters.intake()),
        configuration: Arc::new(adapters.configuration()),
        clock: Arc::new(SystemClock),
    };
    let remaining = |deadline| SystemClock.now().duration_until(deadline) - MARGIN;
    let work = async |deadline| {
        let report = sweep.run(remaining(deadline)).await;
        runner.advance(remaining(deadline)).await?;
        report.map(drop)
    };
    Ok(aws::lambda::scheduled(work).await?)
}
