//! One life of some events, from the caller who posts until all is closed, over a world's real stores. Plays the
//! queue's part towards a dispatcher: what failed comes again, and what a process held when it died.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dispatch::{DispatchError, DispatchPorts, Dispatcher};
use domain::Timestamp;
use domain::delivery::{Delivery, DeliveryId, DeliveryState};
use domain::event::{Event, EventPk};
use domain::message::{QueueMessage, QueuedWork};
use domain::person::Person;
use domain::ports::{ActiveRules, Clock as _, Configuration, NoExpressions, StoreError, Stores};
use domain::rules_document::{Binding, EventMatcher, Policy, Rule, RulesDocument, Transport, TransportKind};
use domain::testing::serialized;
use host::SystemClock;
use jiff::SignedDuration;
use retention::Sweep;
use support::{FakeClock, SeededEntropy, event, random_bits, unique};

use super::ports::{Faults, Faulty};
use super::receiver::{Receivers, Way};
use crate::world::World;

/// More rounds than any life takes.
const MOST_ROUNDS: usize = 300;

/// A life.
pub(crate) struct Run<'w> {
    world: &'w World,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) receivers: Arc<Receivers>,
    active: Arc<ActiveRules>,
    events: Vec<Arc<Event>>,
    waiting: VecDeque<QueueMessage>,
    faults: Arc<Faults>,
}

impl<'w> Run<'w> {
    /// Of `events` events, each to be delivered by these transports.
    pub(crate) fn new(world: &'w World, events: usize, transports: &[&str], faults: &Arc<Faults>) -> Self {
        Self::with_step(world, events, transports, faults, None)
    }

    /// The same, the clock being set wrong while the first delivery is on its way.
    pub(crate) fn with_step(
        world: &'w World,
        events: usize,
        transports: &[&str],
        faults: &Arc<Faults>,
        step: Option<SignedDuration>,
    ) -> Self {
        let now = SystemClock.now();
        let clock = Arc::new(FakeClock::at(&domain::time::format(now)));
        faults.watch(&clock);
        let active = ActiveRules {
            version: 1,
            document: document(transports),
            source: String::new(),
            at: now,
            by: String::new(),
        };
        Self {
            world,
            receivers: Receivers::new(world.ledger.clone(), clock.clone(), step),
            clock,
            active: Arc::new(active),
            events: (0..events).map(|_| named(now)).collect(),
            waiting: VecDeque::new(),
            faults: faults.clone(),
        }
    }

    /// Posts as a caller does that may safely post again.
    pub(crate) async fn post(&mut self) {
        loop {
            let intake = Faulty { real: self.world.intake.clone(), faults: self.faults.clone() };
            let events = serialized(&self.events);
            let accepting = domain::ports::Intake::accept(&intake, &events);
            tokio::select! {
                accepted = accepting => if accepted.is_ok() { return },
                () = self.faults.death() => {}
            }
        }
    }

    /// A process of its own, with the run's fault.
    pub(crate) fn dispatcher(&self) -> Dispatcher {
        let (world, faults) = (self.world, &self.faults);
        let stores = Stores {
            log: Arc::new(Faulty { real: world.log.clone(), faults: faults.clone() }),
            ledger: Arc::new(Faulty { real: world.ledger.clone(), faults: faults.clone() }),
            queue: Arc::new(Faulty { real: world.queue.clone(), faults: faults.clone() }),
            endpoints: Arc::new(Faulty { real: world.endpoints.clone(), faults: faults.clone() }),
            intake: Arc::new(Faulty { real: world.intake.clone(), faults: faults.clone() }),
            ..world.stores.clone()
        };
        let channel = Arc::new(Way { receivers: self.receivers.clone(), faults: faults.clone() });
        let configuration = Arc::new(Fixed(self.active.clone()));
        let (clock, entropy) = (self.clock.clone(), Arc::new(SeededEntropy::new(7)));
        Dispatcher::new(DispatchPorts::new(&stores, Arc::new(NoExpressions), configuration, channel, clock, entropy))
    }

    /// A message for each event.
    pub(crate) fn single_messages(&self) -> Vec<QueueMessage> {
        self.events.iter().map(|event| QueueMessage::new(QueuedWork::Events(vec![event.clone()]))).collect()
    }

    /// The message that the events travel in.
    pub(crate) fn message(&self) -> QueueMessage {
        QueueMessage::new(QueuedWork::Events(self.events.clone()))
    }

    /// Works until every delivery is closed; then says what became of them.
    pub(crate) async fn settle(&mut self) -> BTreeMap<DeliveryId, Delivery> {
        let mut dispatcher = self.dispatcher();
        for _ in 0..MOST_ROUNDS {
            self.waiting.extend(self.world.work.receive(Duration::ZERO).await);
            let Some(message) = self.waiting.pop_front() else {
                let entries = self.entries().await;
                if !entries.is_empty() && entries.values().all(Delivery::is_closed) && self.is_evaluated(&entries) {
                    return entries;
                }
                self.clock.advance(SignedDuration::from_mins(2));
                self.sweep().await;
                continue;
            };
            let handled = tokio::select! {
                handled = dispatcher.handle(message.clone(), Timestamp::MAX) => handled,
                () = self.faults.death() => {
                    dispatcher = self.dispatcher();
                    self.waiting.push_back(message);
                    continue;
                }
            };
            match handled {
                Ok(()) => continue,
                Err(DispatchError::Busy { until }) if until > self.clock.now() => self.clock.set(until),
                Err(_) => drop(self.clock.advance(SignedDuration::from_secs(1))),
            }
            self.waiting.push_back(message);
        }
        panic!("it never ends: {:?}", self.entries().await);
    }

    async fn sweep(&self) {
        let stores = Stores {
            ledger: Arc::new(Faulty { real: self.world.ledger.clone(), faults: self.faults.clone() }),
            queue: Arc::new(Faulty { real: self.world.queue.clone(), faults: self.faults.clone() }),
            ..self.world.stores.clone()
        };
        let purge_grace = SignedDuration::from_hours(24 * 3650);
        let retention = Sweep::new(&stores, None, self.clock.clone(), purge_grace);
        tokio::select! {
            // The next sweep is the retry.
            swept = retention.run(SignedDuration::ZERO) => drop(swept),
            () = self.faults.death() => {}
        }
    }

    /// The deliveries there should be, as far as they are.
    pub(crate) async fn entries(&self) -> BTreeMap<DeliveryId, Delivery> {
        let mut entries = BTreeMap::new();
        for id in self.expected() {
            entries.extend(self.world.ledger.get(id).await.unwrap().map(|entry| (id, entry)));
        }
        entries
    }

    fn expected(&self) -> Vec<DeliveryId> {
        let rule = &self.active.document.rules[0];
        let of = |event: &Arc<Event>| -> Vec<_> {
            rule.transports
                .iter()
                .map(|transport| DeliveryId::for_recipient(event.pk, &rule.name, transport, "ann"))
                .collect()
        };
        self.events.iter().flat_map(of).collect()
    }

    fn is_evaluated(&self, entries: &BTreeMap<DeliveryId, Delivery>) -> bool {
        self.expected().iter().all(|id| entries.contains_key(id))
    }
}

/// The invariants of every run: nothing is sent after its delivery was closed, and every dead delivery has a cause.
pub(crate) fn assert_sound(run: &Run<'_>, entries: &BTreeMap<DeliveryId, Delivery>, what: &str) {
    assert_eq!(run.receivers.after_closing(), [], "{what}: sent again though closed");
    let accepted = run.receivers.accepted();
    for (id, entry) in entries {
        match entry.state {
            DeliveryState::Delivered => assert!(accepted.contains_key(id), "{what}: closed, but nobody has it"),
            DeliveryState::Dead => {
                let cause = entry.attempts.last().and_then(|attempt| attempt.error.as_deref());
                assert!(cause.is_some_and(|cause| !cause.is_empty()), "{what}: dead without a cause");
            }
            state => panic!("{what}: {state:?}"),
        }
    }
}

/// Rules that notify Ann of every event by webhooks of these names.
fn document(transports: &[&str]) -> RulesDocument {
    let mut document = RulesDocument::default();
    document.groups.insert("ops".to_owned(), vec![Person::new("ann", "")]);
    document.policies.insert("any".to_owned(), Policy::EventMatcher(EventMatcher::default()).into());
    let mut rule = Rule::named(unique("rule"));
    rule.group = Some("ops".to_owned());
    rule.bindings = vec![Binding::to_policy("any")];
    for name in transports {
        rule.transports.push((*name).to_owned());
        // What kind it is does not matter here: the receivers go by its name.
        document.transports.insert((*name).to_owned(), Transport::named(*name, TransportKind::Local));
    }
    document.rules.push(rule);
    document
}

/// Named, so that posting it again finds it again.
fn named(now: Timestamp) -> Arc<Event> {
    let mut hash = [7; 32];
    hash[..16].copy_from_slice(&random_bits().to_be_bytes());
    let event = event("login_failed").created(now).build();
    // Longer than any clock is wrong here.
    let expires = domain::time::later(now, SignedDuration::from_hours(24 * 1000));
    Arc::new(Event { pk: EventPk::named(now, &hash), expires, ..event })
}

struct Fixed(Arc<ActiveRules>);

#[async_trait]
impl Configuration for Fixed {
    async fn current(&self) -> Result<Arc<ActiveRules>, StoreError> {
        Ok(self.0.clone())
    }
}
