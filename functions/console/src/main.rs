//! The Lambda shell of `console`: log, settings, adapters, run.

use std::{process::ExitCode, sync::Arc};

use aws::{Adapters, Settings};
use console::{Console, RulesSource};
use expressions::worker::WorkerPool;
use host::{OsEntropy, SystemClock};

fn main() -> anyhow::Result<ExitCode> {
    expressions::worker::hook().map_or_else(run, Ok)
}

#[tokio::main(flavor = "current_thread")]
async fn run() -> anyhow::Result<ExitCode> {
    let environment = host::environment();
    let settings = Settings::read(&environment)?;
    host::log::init(&settings.log, settings.log_format("console"))?;
    let token_command = format!("nuncio token create --table {} --scope read --username you", settings.table);
    let adapters = Adapters::connect(settings).await;
    let expressions = Arc::new(WorkerPool::from_current_binary()?);
    let channels = channels::Channels::new(channels::ChannelPorts {
        mailer: Arc::new(adapters.mailer()),
        inbox: Arc::new(adapters.inbox()),
        secrets: Arc::new(adapters.secrets(environment)),
        clock: Arc::new(SystemClock),
        expressions: expressions.clone(),
    })?;
    let stores = adapters.stores();
    let console = Console {
        stores: stores.clone(),
        inbox_updates: Arc::new(()),
        configuration: Arc::new(adapters.uncached_configuration()),
        rules: RulesSource::Stored(Arc::clone(&stores.documents)),
        channel: Arc::new(channels),
        expressions,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        authenticator: api::Authenticator::new(Arc::clone(&stores.tokens), Arc::new(SystemClock))
            .for_generated_tokens()
            .with_sessions(Arc::clone(&stores.sessions), Arc::new(OsEntropy))
            .behind_proxies(Arc::new(adapters.configuration())),
        token_command,
    };
    Ok(aws::lambda::http(api::with_middleware(console::router(console))).await.map(|()| ExitCode::SUCCESS)?)
}
