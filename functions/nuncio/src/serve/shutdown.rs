//! Graceful shutdown: after the signal no new work begins, and running work gets some time to finish.

use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// The time for running work. With the rest of the shutdown it stays within the ten seconds that service managers
/// allow.
const GRACE: Duration = Duration::from_secs(8);

/// Receives SIGHUPs. From now on they do not end the process, even if nothing waits for them.
pub(super) fn hangups() -> anyhow::Result<Signal> {
    signal(SignalKind::hangup()).context("cannot listen to SIGHUP")
}

/// Tells whether the process was asked to end. Clones share the state.
#[derive(Clone)]
pub(super) struct Shutdown {
    requested: watch::Receiver<bool>,
}

impl Shutdown {
    /// Listens to SIGTERM and Ctrl-C. (SIGHUP does not end the process: see [`hangups`].)
    pub(super) fn on_signals() -> anyhow::Result<Self> {
        let mut terminate = signal(SignalKind::terminate()).context("cannot listen to SIGTERM")?;
        let (request, requested) = watch::channel(false);
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            tracing::info!("stopping");
            let _ = request.send(true);
            // Keeps the sender: dropping it would end every wait with an error.
            std::future::pending::<()>().await;
        });
        Ok(Self { requested })
    }

    pub(super) fn is_requested(&self) -> bool {
        *self.requested.borrow()
    }

    /// Resolves once the process is asked to end.
    pub(super) async fn requested(mut self) {
        let _ = self.requested.wait_for(|requested| *requested).await;
    }

    /// Sleeps, but wakes up once the process is asked to end.
    pub(super) async fn sleep(&self, duration: Duration) {
        tokio::select! {
            () = tokio::time::sleep(duration) => {}
            () = self.clone().requested() => {}
        }
    }

    /// Waits for `work`. Once the process is asked to end, waits for half of [`GRACE`] at most, and then returns
    /// `None`.
    pub(super) async fn within_grace<F: Future>(&self, work: F) -> Option<F::Output> {
        let late = async {
            self.clone().requested().await;
            tokio::time::sleep(GRACE / 2).await;
        };
        tokio::select! {
            output = work => Some(output),
            () = late => None,
        }
    }
}
