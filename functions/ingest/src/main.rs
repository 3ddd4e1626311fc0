//! The Lambda function `ingest`: initialises the log, reads the settings, connects the adapters and runs.

use std::sync::Arc;

use aws::{Adapters, Settings};
use domain::ports::Configuration;
use host::{OsEntropy, SystemClock};
use ingest::Ingest;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let environment = host::environment();
    let settings = Settings::read(&environment)?;
    host::log::init(&settings.log, settings.log_format("ingest"))?;
    let clock = Arc::new(SystemClock);
    let origins = mmdb::Databases::open(settings.geoip.clone(), settings.asn.clone(), clock);
    let adapters = Adapters::connect(settings).await;
    let configuration: Arc<dyn Configuration> = Arc::new(adapters.configuration());
    let ingest = Ingest {
        acceptance: api::Acceptance {
            intake: Arc::new(adapters.intake()),
            configuration: Arc::clone(&configuration),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            origins: Arc::new(origins),
        },
        authenticator: api::Authenticator::new(Arc::new(adapters.tokens()), Arc::new(SystemClock))
            .for_generated_tokens()
            .behind_proxies(configuration),
        memory: api::MemoryBudget::new(aws::settings::request_memory(&environment)),
    };
    Ok(aws::lambda::http(api::with_middleware(ingest::router(ingest))).await?)
}
