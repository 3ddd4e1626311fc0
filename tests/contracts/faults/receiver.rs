//! Receivers behind one channel: they count what they accept, and check with the ledger that it was still open.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::delivery::{AttemptOutcome, DeliveryId, Failure};
use domain::notification::Notification;
use domain::ports::{Channel, Ledger, SendReport};
use domain::rules_document::{RulesDocument, Transport};
use jiff::SignedDuration;
use support::FakeClock;
use tokio::sync::Semaphore;

use super::ports::Faults;

/// Accepts everything.
pub(crate) const WELL: &str = "well";
/// Refuses each delivery once.
pub(crate) const SHAKY: &str = "shaky";
/// Refuses for good.
pub(crate) const NOT_FOUND: &str = "not-found";
/// Begins the names of those that are down for [`OUTAGE`] requests.
pub(crate) const DOWN: &str = "down";
/// The number of requests for which a receiver is down.
pub(crate) const OUTAGE: usize = 7;
/// Accepts, but only when the gate lets it through.
pub(crate) const SLOW: &str = "slow";

/// All of them.
pub(crate) struct Receivers {
    ledger: Arc<dyn Ledger>,
    clock: Arc<FakeClock>,
    accepted: Mutex<BTreeMap<DeliveryId, usize>>,
    refused: Mutex<BTreeMap<DeliveryId, usize>>,
    after_closing: Mutex<Vec<DeliveryId>>,
    outage: Mutex<usize>,
    /// How the clock is set wrong while the first delivery is on its way.
    step: Mutex<Option<SignedDuration>>,
    pub(crate) gate: Semaphore,
}

impl Receivers {
    pub(crate) fn new(ledger: Arc<dyn Ledger>, clock: Arc<FakeClock>, step: Option<SignedDuration>) -> Arc<Self> {
        let [accepted, refused] = [0, 1].map(|_| Mutex::default());
        let (after_closing, step, gate) = (Mutex::default(), Mutex::new(step), Semaphore::new(0));
        let outage = Mutex::new(OUTAGE);
        Arc::new(Self { ledger, clock, accepted, refused, after_closing, outage, step, gate })
    }

    /// How often each delivery was accepted.
    pub(crate) fn accepted(&self) -> BTreeMap<DeliveryId, usize> {
        self.accepted.lock().unwrap().clone()
    }

    /// The deliveries that arrived after the ledger had closed them.
    pub(crate) fn after_closing(&self) -> Vec<DeliveryId> {
        self.after_closing.lock().unwrap().clone()
    }

    async fn receive(&self, id: DeliveryId, transport: &str) -> AttemptOutcome {
        if self.ledger.get(id).await.unwrap().is_none_or(|entry| entry.is_closed()) {
            self.after_closing.lock().unwrap().push(id);
        }
        // Long enough for others to come in between.
        tokio::time::sleep(Duration::from_millis(10)).await;
        if transport == SLOW {
            self.gate.acquire().await.unwrap().forget();
        }
        if let Some(step) = self.step.lock().unwrap().take() {
            self.clock.advance(step);
        }
        if transport.starts_with(DOWN) && self.is_down() {
            return AttemptOutcome::Failed(Failure::Connect("connection refused".to_owned()));
        }
        if transport == NOT_FOUND || (transport == SHAKY && count(&self.refused, id) == 1) {
            let status = if transport == SHAKY { 503 } else { 404 };
            return AttemptOutcome::Failed(Failure::Answered { status, retry_after: None, answer: String::new() });
        }
        count(&self.accepted, id);
        AttemptOutcome::Delivered { status: Some(200), answer: String::new() }
    }
}

impl Receivers {
    fn is_down(&self) -> bool {
        let mut left = self.outage.lock().unwrap();
        let down = *left > 0;
        *left = left.saturating_sub(1);
        down
    }
}

fn count(counts: &Mutex<BTreeMap<DeliveryId, usize>>, id: DeliveryId) -> usize {
    let mut counts = counts.lock().unwrap();
    let count = counts.entry(id).or_default();
    *count += 1;
    *count
}

/// The way to the receivers, which may break.
pub(crate) struct Way {
    pub(crate) receivers: Arc<Receivers>,
    pub(crate) faults: Arc<Faults>,
}

#[async_trait]
impl Channel for Way {
    async fn send(&self, notification: &Notification, transport: &Transport, _: &RulesDocument) -> SendReport {
        let received = self.faults.step(self.receivers.receive(notification.delivery, &transport.name)).await;
        let outcome =
            received.unwrap_or_else(|_| AttemptOutcome::Failed(Failure::Broken("the connection was reset".to_owned())));
        outcome.into()
    }
}
