//! Turns queued events into deliveries.
//!
//! A queue message passes these stages, one file each:
//!
//! 1. `evaluate`: which rules each event fires. The rules that need no expression go through all stages at once, the
//!    others when their expressions have run. `persist_effects` stores the events and logs the lines that expressions
//!    created on the way.
//!    `detect` enters the events into the groups of detections, beside the stages that follow.
//! 2. `plan`: one delivery per (event, rule, transport, recipient).
//! 3. `suppress`: storm control closes the deliveries that are not to be sent, each with its cause.
//! 4. `claim`: opens a ledger entry per delivery, or claims an existing one that is due. Closed entries, and entries
//!    that another dispatcher holds, are skipped.
//! 5. `deliver`: attempts each delivery once, concurrently. `limiter` limits concurrency and rate per transport,
//!    `endpoint_health` defers deliveries to a failing endpoint, `digest_body` adds the collected events to a digest,
//!    `persist_outcome` writes each outcome as it comes, and `failure_events` stores an event about permanent failures.
//!
//! A message that is handled twice, or by two dispatchers at once, sends no notification twice: the ledger decides.
#![doc = include_str!("../README.md")]

mod claim;
mod deliver;
mod detect;
mod digest_body;
mod endpoint_health;
mod evaluate;
mod failure_events;
mod limiter;
mod metrics;
mod persist_effects;
mod persist_outcome;
mod plan;
mod suppress;
mod trace;

use std::sync::{Arc, Mutex, PoisonError};

use domain::Timestamp;
use domain::event::{Event, EventPk};
use domain::message::{QueueMessage, QueuedWork};
use domain::ports::{
    ActiveRules, Channel, Clock, Configuration, DetectionGroups, Endpoints, Entropy, EventLog, Expressions, Intake,
    Ledger, Silences, StoreError, Stores, Suppression, WorkQueue,
};
use jiff::SignedDuration;
use rules::RuleSet;
use tokio::sync::Semaphore;

use claim::Claims;
use deliver::DeliveryRun;
use detect::DetectionStage;
use endpoint_health::EndpointHealth;
use evaluate::{EvaluatedEvents, MatchedEvent};
use failure_events::FailureEvents;
use limiter::TransportLimiters;
use metrics::DispatchMetrics;

/// The most events of a message that carries events for which no time was left.
const MAX_QUEUED_AGAIN: usize = 20;

/// Why a message must be redelivered by the queue.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// The store or the queue failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another dispatcher holds the lease on some of the message's deliveries. The message must come again after the
    /// lease, in case that dispatcher crashes.
    #[error("another dispatcher is sending some deliveries of this message")]
    Busy {
        /// The latest end of these leases.
        until: Timestamp,
    },
    /// Some events need expressions, and too many others already wait for theirs. The message must come again later.
    /// The deliveries that need no expression have been attempted.
    #[error("too many events wait for expressions")]
    Deferred,
}

/// The ports that dispatching uses.
#[derive(Clone)]
pub struct DispatchPorts {
    /// Reads events that were too large for a queue message, and the events of retries.
    pub log: Arc<dyn EventLog>,
    /// The ledger of deliveries, which records the outcome of every attempt.
    pub ledger: Arc<dyn Ledger>,
    /// The silences that operators created over the API.
    pub silences: Arc<dyn Silences>,
    /// The state of throttles and digests.
    pub suppression: Arc<dyn Suppression>,
    /// The groups of detections.
    pub groups: Arc<dyn DetectionGroups>,
    /// Holds the retries that are due within 15 minutes.
    pub queue: Arc<dyn WorkQueue>,
    /// The stored endpoint states, shared by all dispatchers.
    pub endpoints: Arc<dyn Endpoints>,
    /// Stores the events that expressions create, and the events about permanent failures.
    pub intake: Arc<dyn Intake>,
    /// Runs the expressions of policies.
    pub expressions: Arc<dyn Expressions>,
    /// The rules document that applies now.
    pub configuration: Arc<dyn Configuration>,
    /// Sends notifications over all kinds of transport.
    pub channel: Arc<dyn Channel>,
    /// The time that dates attempts, retries and the state of endpoints.
    pub clock: Arc<dyn Clock>,
    /// The source of jitter.
    pub entropy: Arc<dyn Entropy>,
}

impl DispatchPorts {
    /// Takes the store's ports from `stores`.
    pub fn new(
        stores: &Stores,
        expressions: Arc<dyn Expressions>,
        configuration: Arc<dyn Configuration>,
        channel: Arc<dyn Channel>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let Stores { log, ledger, silences, suppression, groups, queue, endpoints, intake, .. } = stores.clone();
        Self {
            log,
            ledger,
            silences,
            suppression,
            groups,
            queue,
            endpoints,
            intake,
            expressions,
            configuration,
            channel,
            clock,
            entropy,
        }
    }
}

/// Handles queue messages. One dispatcher handles many messages concurrently; they share its limits and caches.
pub struct Dispatcher {
    ports: DispatchPorts,
    limiters: TransportLimiters,
    health: EndpointHealth,
    failure_events: FailureEvents,
    detections: DetectionStage,
    expression_permits: Semaphore,
    /// The last document that was compiled, with its rules.
    compiled: Mutex<Option<(Arc<ActiveRules>, Arc<RuleSet>)>>,
}

impl Dispatcher {
    /// A dispatcher that uses these ports. It makes no request until it handles a message.
    pub fn new(ports: DispatchPorts) -> Self {
        Self {
            ports,
            limiters: TransportLimiters::default(),
            health: EndpointHealth::default(),
            failure_events: FailureEvents::default(),
            detections: DetectionStage::default(),
            expression_permits: Semaphore::new(evaluate::MAX_CONCURRENT),
            compiled: Mutex::new(None),
        }
    }

    /// Handles one message. Begins no attempt that might end after `deadline`; those deliveries are deferred.
    ///
    /// # Errors
    /// If the message must come again. The deliveries that were sent until then are not repeated.
    pub async fn handle(&self, message: QueueMessage, deadline: Timestamp) -> Result<(), DispatchError> {
        self.handle_or_defer(message, deadline, || Some(())).await
    }

    /// As [`handle`](Self::handle), but calls `place` before the message waits for expressions, and defers the message
    /// if it returns `None`. Drops the place when the expressions have run. The caller can thus limit how many messages
    /// wait, while it handles others that need no expression.
    ///
    /// # Errors
    /// If the message must come again. The deliveries that were sent until then are not repeated.
    pub async fn handle_or_defer<P>(
        &self,
        message: QueueMessage,
        deadline: Timestamp,
        place: impl FnOnce() -> Option<P>,
    ) -> Result<(), DispatchError> {
        let metrics = DispatchMetrics::default();
        let result = self.handle_counting(message, deadline, place, &metrics).await;
        if matches!(result, Err(DispatchError::Store(_))) {
            metrics.add_failed();
        }
        metrics.log();
        result
    }

    async fn handle_counting<P>(
        &self,
        message: QueueMessage,
        deadline: Timestamp,
        place: impl FnOnce() -> Option<P>,
        metrics: &DispatchMetrics,
    ) -> Result<(), DispatchError> {
        let active = self.ports.configuration.current().await?;
        match message.into_work() {
            QueuedWork::Events(events) => self.evaluate(events, &active, deadline, place, metrics).await,
            QueuedWork::Stored(pks) => {
                let mut events = Vec::with_capacity(pks.len());
                for pk in pks {
                    // `MIN` as the time: an event whose retention ended while it was queued is evaluated all the same.
                    events.extend(self.ports.log.get(pk, Timestamp::MIN).await?.map(Arc::new));
                }
                self.evaluate(events, &active, deadline, place, metrics).await
            }
            QueuedWork::Deliveries(ids) => {
                let claims = claim::claim_due(&self.ports, &ids).await?;
                self.send(claims, &active, deadline, metrics).await
            }
            QueuedWork::Groups(ids) => {
                let rules = self.rules(&active);
                Ok(self.detections.report_absences(&self.ports, &rules, &active.document, &ids).await?)
            }
        }
    }

    /// Takes events through all stages. Rules that need an expression do not hold up the others, even those of the same
    /// event.
    async fn evaluate<P>(
        &self,
        events: Vec<Arc<Event>>,
        active: &Arc<ActiveRules>,
        deadline: Timestamp,
        place: impl FnOnce() -> Option<P>,
        metrics: &DispatchMetrics,
    ) -> Result<(), DispatchError> {
        let rules = self.rules(active);
        self.detections.activate(&self.ports, &rules).await?;
        let (matched, undecided) = evaluate::without_expressions(events, active, &rules);
        let fast = self.notify(matched, active, &rules, deadline, metrics);
        let slow = async {
            if undecided.is_empty() {
                return Ok(());
            }
            let place = place().ok_or(DispatchError::Deferred)?;
            let permits = &self.expression_permits;
            let evaluated = evaluate::with_expressions(&self.ports, permits, undecided, active, &rules, deadline).await;
            drop(place);
            let EvaluatedEvents { matched, left } = evaluated.ok_or(DispatchError::Deferred)?;
            // First: what is queued is not lost if notifying fails, and the message comes again.
            self.queue_again(left).await?;
            self.notify(matched, active, &rules, deadline, metrics).await
        };
        let (fast, slow) = tokio::join!(fast, slow);
        fast.and(slow)
    }

    /// Puts events for which no time was left back into the queue, as a message of their own: if this message came
    /// again instead, the time would always run out at the same event.
    async fn queue_again(&self, events: Vec<EventPk>) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        tracing::info!(events = events.len(), "no time is left for expressions; these events are queued again");
        let some = |events: &[EventPk]| QueueMessage::new(QueuedWork::Stored(events.to_vec()));
        let messages: Vec<_> = events.chunks(MAX_QUEUED_AGAIN).map(some).collect();
        self.ports.queue.send(&messages, SignedDuration::ZERO).await
    }

    /// Enters evaluated events into their detections, and opens and attempts their deliveries. Neither waits for the
    /// other to succeed.
    async fn notify(
        &self,
        mut matched: Vec<MatchedEvent>,
        active: &Arc<ActiveRules>,
        rules: &RuleSet,
        deadline: Timestamp,
        metrics: &DispatchMetrics,
    ) -> Result<(), DispatchError> {
        if matched.is_empty() {
            return Ok(());
        }
        let entered = matched.iter_mut().filter(|(_, matches)| !matches.entered.is_empty());
        let entrants =
            entered.map(|(event, matches)| (Arc::clone(event), std::mem::take(&mut matches.entered))).collect();
        let detect = self.detections.enter(&self.ports, rules, &active.document, entrants);
        let deliver = async {
            let claims = self.open(matched, active, metrics).await?;
            self.send(claims, active, deadline, metrics).await
        };
        let (detected, delivered) = tokio::join!(detect, deliver);
        delivered.and(detected.map_err(DispatchError::from))
    }

    async fn send(
        &self,
        claims: Claims,
        active: &ActiveRules,
        deadline: Timestamp,
        metrics: &DispatchMetrics,
    ) -> Result<(), DispatchError> {
        if !claims.deliveries.is_empty() {
            self.health.refresh(&*self.ports.endpoints).await;
            self.delivery_run(active, metrics, deadline).attempt_all(claims.deliveries).await?;
        }
        match claims.leased_until {
            Some(until) => Err(DispatchError::Busy { until }),
            None => Ok(()),
        }
    }

    fn delivery_run<'a>(
        &'a self,
        active: &'a ActiveRules,
        metrics: &'a DispatchMetrics,
        deadline: Timestamp,
    ) -> DeliveryRun<'a> {
        let Self { ports, limiters, health, failure_events, .. } = self;
        DeliveryRun { ports, limiters, health, failure_events, metrics, document: &active.document, deadline }
    }

    /// Plans the deliveries, applies storm control, and claims what is to be sent.
    async fn open(
        &self,
        matched: Vec<MatchedEvent>,
        active: &Arc<ActiveRules>,
        metrics: &DispatchMetrics,
    ) -> Result<Claims, DispatchError> {
        let now = self.ports.clock.now();
        let (events, mut matches): (Vec<_>, Vec<_>) = matched.into_iter().unzip();
        let effects = matches.iter_mut().map(|matches| std::mem::take(&mut matches.effects));
        let effects = events.iter().cloned().zip(effects).filter(|(_, effects)| !effects.is_empty()).collect();
        persist_effects::persist(&self.ports, &active.document, effects, now).await?;
        let mut planned = plan::deliveries(&events, matches, &active.document, now);
        suppress::apply_all(&self.ports, &active.document, &mut planned, now).await?;
        metrics.add_planned(&planned);
        planned.retain(|planned| !planned.is_in_ledger);
        claim::open_planned(&self.ports, planned).await
    }

    /// The compiled rules of the document. Compiling is slow, so that each version is compiled once.
    fn rules(&self, active: &Arc<ActiveRules>) -> Arc<RuleSet> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        match &*compiled {
            Some((version, rules)) if Arc::ptr_eq(version, active) => Arc::clone(rules),
            _ => {
                let rules = Arc::new(RuleSet::compile(&active.document));
                *compiled = Some((Arc::clone(active), Arc::clone(&rules)));
                rules
            }
        }
    }
}
