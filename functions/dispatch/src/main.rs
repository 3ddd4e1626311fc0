//! The Lambda function `dispatch`: initialises the log, reads the settings, connects the adapters and runs.

use std::process::ExitCode;
use std::sync::Arc;

use aws::{Adapters, Settings};
use channels::Channels;
use dispatch::{Dispatcher, Parts};
use expressions::worker::Workers;
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
    host::log::init(&settings.log, settings.form("dispatch"))?;
    let adapters = Adapters::connect(settings).await;
    let expressions = Arc::new(Workers::from_current_binary()?);
    let channels = Channels::new(channels::Parts {
        mailer: Arc::new(adapters.mailer()),
        inbox: Arc::new(adapters.inbox()),
        secrets: Arc::new(adapters.secrets(environment)),
        clock: Arc::new(SystemClock),
        expressions: expressions.clone(),
    })?;
    let dispatcher = Dispatcher::new(Parts {
        log: Arc::new(adapters.event_log()),
        ledger: Arc::new(adapters.ledger()),
        silences: Arc::new(adapters.cached_silences()),
        suppression: Arc::new(adapters.suppression()),
        queue: Arc::new(adapters.work_queue()),
        endpoints: Arc::new(adapters.endpoints()),
        intake: Arc::new(adapters.intake()),
        expressions,
        configuration: Arc::new(adapters.configuration()),
        channel: Arc::new(channels),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
    });
    Ok(aws::lambda::sqs(async |message, deadline| dispatcher.handle(message, deadline).await).await?)
}
