//! The circuit breaker of each endpoint, as this dispatcher knows it.
//!
//! Owns a cache of the stored endpoint states that all dispatchers share. It reads them at most once every few seconds,
//! not for each delivery, and writes a state only when it changes. Refuses to fail a delivery because the store cannot
//! be reached: the last known states then apply.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Timestamp;
use domain::delivery::endpoint::{Endpoint, EndpointAdmission, EndpointState};
use domain::delivery::{AttemptOutcome, EndpointSignal};
use domain::ports::Endpoints;
use domain::rules_document::Transport;
use tokio::time::Instant;

/// How long the cached states are used before they are read again.
const CACHE_TTL: Duration = Duration::from_secs(5);

/// How often a state change is retried after another dispatcher has changed the same endpoint.
const MAX_WRITES: usize = 3;

/// The cached endpoint states, and the consecutive failures that this dispatcher has seen.
#[derive(Default)]
pub(crate) struct EndpointHealth {
    /// When the states were last read. The lock is held while reading, so that one task reads for all.
    last_read: tokio::sync::Mutex<Option<Instant>>,
    /// By transport name; a transport without an entry is healthy.
    cached: Mutex<HashMap<String, Endpoint>>,
    /// Consecutive failures by transport name; each dispatcher counts its own.
    failures: Mutex<HashMap<String, u32>>,
}

impl EndpointHealth {
    /// Reads the stored states if the cache has expired. While an endpoint is disabled, it reads them every time: a
    /// delivery to a disabled endpoint fails permanently, and an operator may just have enabled it.
    pub(crate) async fn refresh(&self, endpoints: &dyn Endpoints) {
        let mut last_read = self.last_read.lock().await;
        let disabled = self.cached().values().any(|known| matches!(known.state, EndpointState::Disabled { .. }));
        if disabled || last_read.is_none_or(|at| at.elapsed() >= CACHE_TTL) {
            self.reload(endpoints).await;
            *last_read = Some(Instant::now());
        }
    }

    async fn reload(&self, endpoints: &dyn Endpoints) {
        match endpoints.all().await {
            Ok(all) => *self.cached() = all.into_iter().map(|one| (one.transport.clone(), one)).collect(),
            Err(error) => {
                tracing::warn!(%error, "could not read the endpoint states; using the last known ones");
            }
        }
    }

    /// Whether the cached state admits a delivery now. Makes no request and begins no probe.
    pub(crate) fn peek(&self, transport: &Transport, now: Timestamp) -> EndpointAdmission {
        self.cached().get(&transport.name).map_or(EndpointAdmission::Allowed, |known| {
            EndpointState::for_transport(Some(known), transport).admission(now)
        })
    }

    /// Whether a delivery may be attempted now. If the endpoint is due for a probe, this delivery becomes the probe,
    /// unless another one has begun it.
    pub(crate) async fn admit(
        &self,
        endpoints: &dyn Endpoints,
        transport: &Transport,
        now: Timestamp,
    ) -> EndpointAdmission {
        let Some(probed) = self.begin_probe(transport, now) else { return self.peek(transport, now) };
        match endpoints.replace(&probed).await {
            Ok(true) => EndpointAdmission::Probe,
            Ok(false) => {
                self.reload(endpoints).await;
                // Another dispatcher has begun a probe or ended one. If the reloaded state still allows a probe (the
                // reload may have failed), this delivery waits as it would while that probe runs.
                match self.peek(transport, now) {
                    EndpointAdmission::Probe => probed.state.admission(now),
                    admission => admission,
                }
            }
            Err(error) => {
                tracing::warn!(%error, transport = transport.name, "could not record the start of a probe; the delivery waits");
                probed.state.admission(now)
            }
        }
    }

    /// The endpoint with a probe begun, if one is due. The cache is changed at once, so that only one of the deliveries
    /// in this process tries to begin it.
    fn begin_probe(&self, transport: &Transport, now: Timestamp) -> Option<Endpoint> {
        let mut cached = self.cached();
        let paused = cached.get(&transport.name)?;
        if EndpointState::for_transport(Some(paused), transport).admission(now) != EndpointAdmission::Probe {
            return None;
        }
        let probed = paused.probed(now)?;
        cached.insert(transport.name.clone(), probed.clone());
        Some(probed)
    }

    /// Updates the endpoint's state after an attempt, and stores it if it changed.
    pub(crate) async fn record(
        &self,
        endpoints: &dyn Endpoints,
        transport: &Transport,
        outcome: &AttemptOutcome,
        now: Timestamp,
    ) {
        let signal = outcome.endpoint_signal();
        let failures = self.count(transport, signal);
        let why = match outcome {
            AttemptOutcome::Delivered { .. } => String::new(),
            AttemptOutcome::Failed(failure) => failure.to_string(),
        };
        for _ in 0..MAX_WRITES {
            let Some(next) = self.transition(transport, signal, &why, failures, now) else { return };
            match endpoints.replace(&next).await {
                Ok(true) => return report(&next),
                Ok(false) => self.reload(endpoints).await,
                Err(error) => {
                    tracing::warn!(%error, transport = transport.name, "could not store the endpoint's state");
                    return;
                }
            }
        }
    }

    /// Changes the cached state. Returns the record to be stored; `None` if the state stays the same.
    fn transition(
        &self,
        transport: &Transport,
        signal: EndpointSignal,
        why: &str,
        failures: u32,
        now: Timestamp,
    ) -> Option<Endpoint> {
        let mut cached = self.cached();
        let known = cached.get(&transport.name);
        if known.is_none() && signal == EndpointSignal::Healthy {
            return None;
        }
        let state = EndpointState::for_transport(known, transport).after(signal, why, failures, now)?;
        let next = Endpoint::next(known, transport, state);
        cached.insert(transport.name.clone(), next.clone());
        Some(next)
    }

    /// Counts the failure, or resets the count. Returns the consecutive failures.
    fn count(&self, transport: &Transport, signal: EndpointSignal) -> u32 {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        match signal {
            EndpointSignal::Failing { .. } => {
                let count = failures.entry(transport.name.clone()).or_default();
                *count = count.saturating_add(1);
                *count
            }
            EndpointSignal::Inconclusive => 0,
            EndpointSignal::Healthy | EndpointSignal::Gone => {
                failures.remove(&transport.name);
                0
            }
        }
    }

    fn cached(&self) -> MutexGuard<'_, HashMap<String, Endpoint>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn report(endpoint: &Endpoint) {
    let transport = &endpoint.transport;
    match &endpoint.state {
        EndpointState::Ready => tracing::info!(transport, "the transport works again"),
        EndpointState::Paused(pause) => {
            tracing::warn!(transport, until = %pause.until, error = pause.why, "the transport is paused");
        }
        EndpointState::Disabled { why, .. } => tracing::error!(transport, error = why, "the transport is disabled"),
    }
}
