//! The Lambda function `dispatch`: initialises the log, reads the settings, connects the adapters and runs.

use std::process::ExitCode;
use std::sync::Arc;

use aws::{Adapters, Settings};
use channels::Channels;
use dispatch::{DispatchPorts, Dispatcher};
use domain::ports::Stores;
use expressions::worker::WorkerPool;
use host::{OsEntropy, SystemClock};

fn main() -> anyhow::Result<ExitCode> {
    if let Some(code) = expressions::worker::hook() {
        return Ok(code);
    }
    run().map(|()| ExitCode::SUCCESS)
}

#[tokio::main(flavor = "current_thread")]
async fn run() -> anyhow::Result<()> {
    let environment = host::environment();
    let settings = Settings::read(&environment)?;
    host::log::init(&settings.log, settings.log_format("dispatch"))?;
    let adapters = Adapters::connect(settings).await;
    let expressions = Arc::new(WorkerPool::from_current_binary()?);
    let channels = Channels::new(channels::ChannelPorts {
        mailer: Arc::new(adapters.mailer()),
        inbox: Arc::new(adapters.inbox()),
        secrets: Arc::new(adapters.secrets(environment)),
        clock: Arc::new(SystemClock),
        expressions: expressions.clone(),
    })?;
    let stores = Stores { silences: Arc::new(adapters.cached_silences()), ..adapters.stores() };
    let configuration = Arc::new(adapters.configuration());
    let (channel, clock, entropy) = (Arc::new(channels), Arc::new(SystemClock), Arc::new(OsEntropy));
    let dispatcher = Dispatcher::new(DispatchPorts::new(&stores, expressions, configuration, channel, clock, entropy));
    Ok(aws::lambda::sqs(async |message, deadline| dispatcher.handle(message, deadline).await).await?)
}
