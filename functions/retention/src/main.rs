//! The Lambda shell of `retention`: log, settings, adapters, run.

use std::sync::Arc;

use aws::{Adapters, Settings};
use domain::ports::{Archive, Clock as _};
use host::SystemClock;
use jiff::SignedDuration;
use retention::{JobRunner, Retention};

/// What a sweep leaves of the invocation's time: one round of deletions may run over.
const MARGIN: SignedDuration = SignedDuration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::read(&host::environment())?;
    host::log::init(&settings.log, settings.log_format("retention"))?;
    let adapters = Adapters::connect(settings).await;
    let archive: Option<Arc<dyn Archive>> = adapters.archive().map(|archive| Arc::new(archive) as _);
    let (stores, configuration) = (adapters.stores(), Arc::new(adapters.configuration()));
    let retention = Retention::new(&stores, archive.clone(), Arc::new(SystemClock), aws::PURGE_GRACE);
    let runner = JobRunner::new(&stores, archive, None, configuration, Arc::new(SystemClock));
    let left = |deadline| SystemClock.now().duration_until(deadline) - MARGIN;
    let work = async |deadline| {
        let swept = retention.sweep(left(deadline)).await;
        runner.advance(left(deadline)).await?;
        swept.map(drop)
    };
    Ok(aws::lambda::scheduled(work).await?)
}
