//! What this dispatcher knows of the endpoints, and what it tells the others.
//!
//! The record that all share is read at most once every few seconds, not for each delivery, and written only when an
//! endpoint's standing changes. Refuses to fail a delivery because that record cannot be reached: what was known stays.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Timestamp;
use domain::delivery::endpoint::{Endpoint, Gate, Standing};
use domain::delivery::{Outcome, Sign};
use domain::ports::Endpoints;
use domain::rules_document::Transport;
use tokio::time::Instant;

/// For how long what was read holds.
const HELD: Duration = Duration::from_secs(5);

/// How often a change is tried that others' changes come in between of.
const TRIES: usize = 3;

/// What is known.
#[derive(Default)]
pub(crate) struct Health {
    /// When it was last read; locked meanwhile, so that one reads for all.
    read: tokio::sync::Mutex<Option<Instant>>,
    known: Mutex<HashMap<String, Endpoint>>,
    /// Failures in a row, as seen from here.
    failures: Mutex<HashMap<String, u32>>,
}

impl Health {
    /// Reads what others have found out, unless that was done a moment ago. Where something is disabled, it is asked
    /// every time: what goes there dies, and an operator may just have enabled it.
    pub(crate) async fn refresh(&self, endpoints: &dyn Endpoints) {
        let mut read = self.read.lock().await;
        let disabled = self.known().values().any(|known| matches!(known.standing, Standing::Disabled { .. }));
        if disabled || read.is_none_or(|read| read.elapsed() >= HELD) {
            self.reload(endpoints).await;
            *read = Some(Instant::now());
        }
    }

    async fn reload(&self, endpoints: &dyn Endpoints) {
        match endpoints.all().await {
            Ok(all) => *self.known() = all.into_iter().map(|one| (one.transport.clone(), one)).collect(),
            Err(error) => {
                tracing::warn!(%error, "the endpoints' states cannot be read; the last ones hold");
            }
        }
    }

    /// Whether a delivery may go, as far as is known here.
    pub(crate) fn gate(&self, transport: &Transport, now: Timestamp) -> Gate {
        self.known().get(&transport.name).map_or(Gate::Open, |known| Standing::of(Some(known), transport).gate(now))
    }

    /// The same just before it goes. Where one may probe, this is the one, or another was quicker.
    pub(crate) async fn admit(&self, endpoints: &dyn Endpoints, transport: &Transport, now: Timestamp) -> Gate {
        let Some(probed) = self.begin_probe(transport, now) else { return self.gate(transport, now) };
        match endpoints.replace(&probed).await {
            Ok(true) => Gate::Probe,
            Ok(false) => {
                self.reload(endpoints).await;
                // Whoever was quicker has begun a probe, or ended one.
                match self.gate(transport, now) {
                    Gate::Probe => probed.standing.gate(now),
                    gate => gate,
                }
            }
            Err(error) => {
                tracing::warn!(%error, transport = transport.name, "a probe cannot be written down; it waits");
                probed.standing.gate(now)
            }
        }
    }

    /// Notes the probe here at once, so that of the many deliveries in hand only one tries to begin it.
    fn begin_probe(&self, transport: &Transport, now: Timestamp) -> Option<Endpoint> {
        let mut known = self.known();
        let paused = known.get(&transport.name)?;
        if Standing::of(Some(paused), transport).gate(now) != Gate::Probe {
            return None;
        }
        let probed = paused.probed(now)?;
        known.insert(transport.name.clone(), probed.clone());
        Some(probed)
    }

    /// Draws the conclusion from an attempt, and tells the others.
    pub(crate) async fn learn(
        &self,
        endpoints: &dyn Endpoints,
        transport: &Transport,
        outcome: &Outcome,
        now: Timestamp,
    ) {
        let sign = outcome.sign();
        let failures = self.count(transport, sign);
        let why = match outcome {
            Outcome::Delivered { .. } => String::new(),
            Outcome::Failed(failure) => failure.to_string(),
        };
        for _ in 0..TRIES {
            let Some(next) = self.conclude(transport, sign, &why, failures, now) else { return };
            match endpoints.replace(&next).await {
                Ok(true) => return report(&next),
                Ok(false) => self.reload(endpoints).await,
                Err(error) => {
                    tracing::warn!(%error, transport = transport.name, "an endpoint's state cannot be written down");
                    return;
                }
            }
        }
    }

    /// Changes what is known here; the record to be written, if anything changes.
    fn conclude(
        &self,
        transport: &Transport,
        sign: Sign,
        why: &str,
        failures: u32,
        now: Timestamp,
    ) -> Option<Endpoint> {
        let mut all = self.known();
        let known = all.get(&transport.name);
        if known.is_none() && sign == Sign::Well {
            return None;
        }
        let standing = Standing::of(known, transport).after(sign, why, failures, now)?;
        let next = Endpoint::next(known, transport, standing);
        all.insert(transport.name.clone(), next.clone());
        Some(next)
    }

    fn count(&self, transport: &Transport, sign: Sign) -> u32 {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        match sign {
            Sign::Ailing { .. } => {
                let count = failures.entry(transport.name.clone()).or_default();
                *count = count.saturating_add(1);
                *count
            }
            Sign::Nothing => 0,
            Sign::Well | Sign::Gone => {
                failures.remove(&transport.name);
                0
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Endpoint>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn report(endpoint: &Endpoint) {
    let transport = &endpoint.transport;
    match &endpoint.standing {
        Standing::Ready => tracing::info!(transport, "the transport is well again"),
        Standing::Paused(pause) => {
            tracing::warn!(transport, until = %pause.until, error = pause.why, "the transport is paused");
        }
        Standing::Disabled { why, .. } => tracing::error!(transport, error = why, "the transport is disabled"),
    }
}
