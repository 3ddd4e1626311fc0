//! The Lambda function `sources`: initialises the log, reads the settings, connects the adapters and runs.

use std::sync::Arc;

use aws::{Adapters, Settings};
use host::{OsEntropy, SystemClock};
use sources::Sources;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let environment = host::environment();
    let settings = Settings::read(&environment)?;
    host::log::init(&settings.log, settings.log_format("sources"))?;
    let origins = mmdb::Databases::open(settings.geoip.clone(), settings.asn.clone(), Arc::new(SystemClock));
    let adapters = Adapters::connect(settings).await;
    let sources = Sources {
        acceptance: api::Acceptance {
            intake: Arc::new(adapters.intake()),
            configuration: Arc::new(adapters.configuration()),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            origins: Arc::new(origins),
        },
        memory: api::MemoryBudget::new(aws::settings::request_memory(&environment)),
        secrets: Arc::new(adapters.secrets(environment)),
    };
    Ok(aws::lambda::http(api::with_middleware(sources::router(sources))).await?)
}
