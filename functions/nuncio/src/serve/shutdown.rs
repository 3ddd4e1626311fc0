//! Ending well: no new work after the signal, what is in hand gets its time, then the process ends.

use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Together with what follows it stays within the ten seconds that service managers grant.
const GRACE: Duration = Duration::from_secs(8);

/// SIGHUPs from now on. They no longer end the process, whether anybody waits for them or not.
pub(super) fn hangups() -> anyhow::Result<Signal> {
    signal(SignalKind::hangup()).context("cannot listen to SIGHUP")
}

/// Knows whether the process was asked to end.
#[derive(Clone)]
pub(super) struct Shutdown {
    asked: watch::Receiver<bool>,
}

impl Shutdown {
    /// Listens to SIGTERM and Ctrl-C. (SIGHUP ends nothing: see [`hangups`].)
    pub(super) fn on_signals() -> anyhow::Result<Self> {
        let mut terminate = signal(SignalKind::terminate()).context("cannot listen to SIGTERM")?;
        let (ask, asked) = watch::channel(false);
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            tracing::info!("stopping");
            let _ = ask.send(true);
            // Dropping the sender would look like a second request to whoever waits.
            std::future::pending::<()>().await;
        });
        Ok(Self { asked })
    }

    pub(super) fn is_requested(&self) -> bool {
        *self.asked.borrow()
    }

    /// Resolves when the process was asked to end.
    pub(super) async fn requested(mut self) {
        let _ = self.asked.wait_for(|asked| *asked).await;
    }

    /// Sleeps, and wakes up early when the process is asked to end.
    pub(super) async fn sleep(&self, duration: Duration) {
        tokio::select! {
            () = tokio::time::sleep(duration) => {}
            () = self.clone().requested() => {}
        }
    }

    /// Waits for `work`; once asked to end, for no longer than the grace.
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
