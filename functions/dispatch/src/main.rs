//! The Lambda shell of `dispatch`: log, settings, adapters, run.

use std::sync::Arc;

use aws::{Adapters, Settings};
use channels::Channels;
use dispatch::{Dispatcher, Parts};
use host::{OsEntropy, SystemClock};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let environment = host::environment();
    let settings = Settings::read(&environment)?;
    host::log::init(&settings.log, settings.form("dispatch"))?;
    let adapters = Adapters::connect(settings).await;
    let channels = Channels::new(channels::Parts {
        mailer: Arc::new(adapters.mailer()),
        inbox: Arc::new(adapters.inbox()),
        secrets: Arc::new(adapters.secrets(environment)),
        clock: Arc::new(SystemClock),
    })?;
    let dispatcher = Dispatcher::new(Parts {
        log: Arc::new(adapters.event_log()),
        ledger: Arc::new(adapters.ledger()),
        silences: Arc::new(adapters.held_silences()),
        suppression: Arc::new(adapters.suppression()),
        queue: Arc::new(adapters.work_queue()),
        endpoints: Arc::new(adapters.endpoints()),
        intake: Arc::new(adapters.intake()),
        configuration: Arc::new(adapters.configuration()),
        channel: Arc::new(channels),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
    });
    Ok(aws::lambda::sqs(async |message, deadline| dispatcher.handle(message, deadline).await).await?)
}
