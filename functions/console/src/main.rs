//! The Lambda shell of `console`: log, settings, adapters, run.

use std::{process::ExitCode, sync::Arc};

use aws::{Adapters, Settings};
use console::{Console, RulesSource};
use expressions::worker::Workers;
use host::{OsEntropy, SystemClock};

fn main() -> anyhow::Result<ExitCode> {
    expressions::worker::hook().map_or_else(run, Ok)
}

#[tokio::main(flavor = "current_thread")]
async fn run() -> anyhow::Result<ExitCode> {
    let environment = host::environment();
    let settings = Settings::read(&environment)?;
    host::log::init(&settings.log, settings.form("console"))?;
    let adapters = Adapters::connect(settings).await;
    let expressions = Arc::new(Workers::from_current_binary()?);
    let channels = channels::Channels::new(channels::Parts {
        mailer: Arc::new(adapters.mailer()),
        inbox: Arc::new(adapters.inbox()),
        secrets: Arc::new(adapters.secrets(environment)),
        clock: Arc::new(SystemClock),
        expressions: expressions.clone(),
    })?;
    let console = Console {
        log: Arc::new(adapters.event_log()),
        volume: Arc::new(adapters.volume()),
        ledger: Arc::new(adapters.ledger()),
        queue: Arc::new(adapters.work_queue()),
        endpoints: Arc::new(adapters.endpoints()),
        inbox: Arc::new(adapters.inbox()),
        inbox_updates: Arc::new(()),
        silences: Arc::new(adapters.silences()),
        holds: Arc::new(adapters.holds()),
        jobs: Arc::new(adapters.jobs()),
        configuration: Arc::new(adapters.uncached_configuration()),
        rules: RulesSource::Stored(Arc::new(adapters.documents())),
        channel: Arc::new(channels),
        expressions,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        authenticator: api::Authenticator::new(Arc::new(adapters.tokens()), Arc::new(SystemClock))
            .with_sessions(Arc::new(adapters.sessions()), Arc::new(OsEntropy))
            .behind_proxies(Arc::new(adapters.configuration())),
    };
    Ok(aws::lambda::http(api::with_middleware(console::router(console))).await.map(|()| ExitCode::SUCCESS)?)
}
