//! The Lambda function `retention`: initialises the log, reads the settings, connects the adapters and runs.

use std::sync::Arc;

use aws::{Adapters, Settings};
use domain::ports::{Archive, Clock as _};
use host::SystemClock;
use jiff::SignedDuration;
use retention::{JobRunner, Sweep};

/// The part of the invocation's time that the tasks leave unused, because the last batch may exceed the deadline.
const MARGIN: SignedDuration = SignedDuration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::read(&host::environment())?;
    host::log::init(&settings.log, settings.log_format("retention"))?;
    let adapters = Adapters::connect(settings).await;
    let archive: Option<Arc<dyn Archive>> = adapters.archive().map(|archive| Arc::new(archive) as _);
    let (stores, configuration) = (adapters.stores(), Arc::new(adapters.configuration()));
    let runner = JobRunner::new(&stores, archive.clone(), None, configuration, Arc::new(SystemClock));
    let sweep = Sweep::new(&stores, archive, Arc::new(SystemClock), SignedDuration::ZERO).with_jobs(runner);
    let remaining = |deadline| SystemClock.now().duration_until(deadline) - MARGIN;
    let work = async |deadline| sweep.run(remaining(deadline)).await.map(drop);
    Ok(aws::lambda::scheduled(work).await?)
}
