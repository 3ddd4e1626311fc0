//! Dispatchers side by side over a world's stores, with a channel that only remembers, and a ledger that
//! fails now and then as a crash would: after counting, before anything is opened.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dispatch::{DispatchError, DispatchPorts, Dispatcher};
use domain::Timestamp;
use domain::delivery::{AttemptOutcome, Delivery, DeliveryId};
use domain::event::Event;
use domain::message::{QueueMessage, QueuedWork};
use domain::notification::Notification;
use domain::person::Person;
use domain::ports::{
    ActiveRules, Channel, Clock as _, Configuration, DueDelivery, Expressions, Ledger, NoExpressions, OpenOutcome,
    Page, StoreError, Stores,
};
use domain::query::DeliveryQuery;
use domain::rules_document::{Binding, EventMatcher, Policy, Rule, RulesDocument, Transport};
use futures_util::future::join_all;
use jiff::SignedDuration;
use support::{FakeClock, SeededEntropy};

use crate::world::World;

/// The number of concurrent dispatchers.
const SIDE_BY_SIDE: usize = 8;

/// A document with one rule that fires on every event and notifies two people by inbox.
pub(crate) fn document(rule: impl FnOnce(&mut Rule)) -> RulesDocument {
    let mut document = RulesDocument::default();
    let [email, local] = Transport::built_in();
    document.transports.extend([(email.name.clone(), email), (local.name.clone(), local)]);
    document.groups.insert("ops".to_owned(), vec![Person::new("ann", ""), Person::new("bob", "")]);
    document.policies.insert("any".to_owned(), Policy::EventMatcher(EventMatcher::default()).into());
    let mut one = Rule::named(support::unique("rule"));
    one.group = Some("ops".to_owned());
    one.transports = vec![Transport::DEFAULT_LOCAL.to_owned()];
    one.bindings = vec![Binding::to_policy("any")];
    rule(&mut one);
    document.rules.push(one);
    document
}

/// Dispatchers that share a world and a clock, and record the deliveries that they sent.
pub(crate) struct Dispatchers {
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) sent: Arc<Sent>,
    each: Vec<Dispatcher>,
}

impl Dispatchers {
    pub(crate) fn of(world: &World, document: RulesDocument, now: Timestamp) -> Self {
        Self::with_expressions(world, document, now, 0, |_| Arc::new(NoExpressions))
    }

    /// The same, with what runs expressions, which may know what was sent. The ledger has been opened `opened` times.
    pub(crate) fn with_expressions(
        world: &World,
        document: RulesDocument,
        now: Timestamp,
        opened: u32,
        expressions: impl FnOnce(Arc<Sent>) -> Arc<dyn Expressions>,
    ) -> Self {
        let clock = Arc::new(FakeClock::at(&domain::time::format(now)));
        let sent = Arc::new(Sent::default());
        let active = ActiveRules { version: 1, document, source: String::new(), at: now, by: String::new() };
        let expressions = expressions(sent.clone());
        let configuration = Arc::new(Fixed(Arc::new(active)));
        let dispatcher = |_| {
            let ledger = Arc::new(Faltering { ledger: world.ledger.clone(), opened: AtomicU32::new(opened) });
            let stores = Stores { ledger, ..world.stores.clone() };
            let (clock, entropy) = (clock.clone(), Arc::new(SeededEntropy::new(7)));
            let (expressions, configuration) = (expressions.clone(), configuration.clone());
            Dispatcher::new(DispatchPorts::new(&stores, expressions, configuration, sent.clone(), clock, entropy))
        };
        Self { each: (0..SIDE_BY_SIDE).map(dispatcher).collect(), clock, sent }
    }

    /// Every dispatcher gets every message, each in another order, and again whatever failed.
    pub(crate) async fn all_handle_all(&self, messages: &[Vec<Arc<Event>>]) {
        let each = self.each.iter().enumerate().map(|(shift, dispatcher)| async move {
            for place in 0..messages.len() {
                let events = &messages[(place + shift * 3) % messages.len()];
                handle(dispatcher, QueuedWork::Events(events.clone())).await;
            }
        });
        join_all(each).await;
    }

    /// Each dispatcher gets a share of the messages, and all work at once.
    pub(crate) async fn share(&self, messages: &[Vec<Arc<Event>>]) {
        let each = self.each.iter().enumerate().map(|(number, dispatcher)| async move {
            for events in messages.iter().skip(number).step_by(SIDE_BY_SIDE) {
                handle(dispatcher, QueuedWork::Events(events.clone())).await;
            }
        });
        join_all(each).await;
    }

    /// Every dispatcher does the same at once.
    pub(crate) async fn all_do(&self, work: &QueuedWork) {
        join_all(self.each.iter().map(|dispatcher| handle(dispatcher, work.clone()))).await;
    }

    /// The first one handles a message, and has so much time for it.
    pub(crate) async fn one_handles_within(&self, work: QueuedWork, time: SignedDuration) {
        handle_until(&self.each[0], work, domain::time::later(self.clock.now(), time)).await;
    }

    /// The first one handles a message.
    pub(crate) async fn one_handles(&self, work: QueuedWork) {
        handle(&self.each[0], work).await;
    }
}

/// Retries until the message is handled, or another dispatcher handles it.
async fn handle(dispatcher: &Dispatcher, work: QueuedWork) {
    handle_until(dispatcher, work, Timestamp::MAX).await;
}

async fn handle_until(dispatcher: &Dispatcher, work: QueuedWork, deadline: Timestamp) {
    while let Err(DispatchError::Store(error)) = dispatcher.handle(QueueMessage::new(work.clone()), deadline).await {
        assert!(error.to_string().contains(CRASH) || error.to_string().contains(CONTENDED), "{error}");
    }
}

/// The deliveries in the order in which they were sent.
#[derive(Default)]
pub(crate) struct Sent(Mutex<Vec<Notification>>);

impl Sent {
    pub(crate) fn all(&self) -> Vec<Notification> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Channel for Sent {
    async fn send(&self, notification: &Notification, _: &Transport, _: &RulesDocument) -> domain::ports::SendReport {
        self.0.lock().unwrap().push(notification.clone());
        AttemptOutcome::Delivered { status: None, answer: String::new() }.into()
    }
}

pub(crate) struct Fixed(pub(crate) Arc<ActiveRules>);

#[async_trait]
impl Configuration for Fixed {
    async fn current(&self) -> Result<Arc<ActiveRules>, StoreError> {
        Ok(Arc::clone(&self.0))
    }
}

/// The queue hands such a message out again.
const CONTENDED: &str = "were changed by others on every try";

const CRASH: &str = "crashed before opening";

/// A real ledger that fails on every third opening.
struct Faltering {
    ledger: Arc<dyn Ledger>,
    opened: AtomicU32,
}

#[async_trait]
impl Ledger for Faltering {
    async fn open(&self, entries: &[Delivery]) -> Result<Vec<OpenOutcome>, StoreError> {
        if self.opened.fetch_add(1, Ordering::SeqCst).is_multiple_of(3) {
            return Err(StoreError::store(CRASH));
        }
        self.ledger.open(entries).await
    }
    async fn replace(&self, entries: &[Delivery]) -> Result<Vec<bool>, StoreError> {
        self.ledger.replace(entries).await
    }
    async fn get(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.ledger.get(id).await
    }
    async fn get_all(&self, ids: &[DeliveryId]) -> Result<Vec<Delivery>, StoreError> {
        self.ledger.get_all(ids).await
    }
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DueDelivery>, StoreError> {
        self.ledger.due(now, limit).await
    }
    async fn list(&self, query: &DeliveryQuery) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        self.ledger.list(query).await
    }
}
