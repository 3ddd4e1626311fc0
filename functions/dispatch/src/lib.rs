//! Queued events to verdicts to deliveries.
//!
//! One message's way, one file a stage:
//!
//! 1. `judge`: which rules each event fires; `keep` stores what expressions leave behind on the way.
//! 2. `plan`: who is told, by what: the deliveries there should be.
//! 3. `suppress`: which of them storm control keeps back, and why.
//! 4. `claim`: their ledger entries, opened or taken over; what is closed or somebody else's stays.
//! 5. `deliver`: one attempt each, side by side, of a digest with what was `collected`. `turns` bounds how many and how fast, `health` puts off what would go
//!    to an endpoint that fails, `record` writes each outcome down as it comes, `announce` leaves an event of what
//!    failed for good.
//!
//! Handling a message twice, or in two places at once, tells nobody twice: the ledger decides.

mod announce;
mod claim;
mod collected;
mod counted;
mod deliver;
mod health;
mod judge;
mod keep;
mod plan;
mod record;
mod suppress;
mod trace;
mod turns;

use std::sync::{Arc, Mutex, PoisonError};

use domain::Timestamp;
use domain::event::Event;
use domain::message::{Message, Work};
use domain::ports::{
    Active, Channel, Clock, Configuration, Endpoints, Entropy, EventLog, Expressions, Intake, Ledger, Silences,
    StoreError, Stores, Suppression, WorkQueue,
};
use rules::RuleSet;
use tokio::sync::Semaphore;

use announce::Announced;
use counted::Counted;
use deliver::Sending;
use health::Health;
use turns::Turns;

/// Why a message must come again.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// The store or queue failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody else is at some of its deliveries; if they crash, this copy must find out.
    #[error("somebody else is delivering it")]
    Busy {
        /// Until then at most.
        until: Timestamp,
    },
}

/// What dispatching needs of the world.
#[derive(Clone)]
pub struct Parts {
    /// Events too large to travel, and those of retries.
    pub log: Arc<dyn EventLog>,
    /// The deliveries.
    pub ledger: Arc<dyn Ledger>,
    /// What operators silenced.
    pub silences: Arc<dyn Silences>,
    /// What storm control remembers.
    pub suppression: Arc<dyn Suppression>,
    /// Where retries wait that are due soon.
    pub queue: Arc<dyn WorkQueue>,
    /// What is known of the endpoints.
    pub endpoints: Arc<dyn Endpoints>,
    /// Where events go that expressions raise or create, and those of failures for good.
    pub intake: Arc<dyn Intake>,
    /// Runs the rules' expressions.
    pub expressions: Arc<dyn Expressions>,
    /// The rules.
    pub configuration: Arc<dyn Configuration>,
    /// The way out.
    pub channel: Arc<dyn Channel>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Jitter.
    pub entropy: Arc<dyn Entropy>,
}

impl Parts {
    /// Takes the store's ports from `stores`.
    pub fn new(
        stores: &Stores,
        expressions: Arc<dyn Expressions>,
        configuration: Arc<dyn Configuration>,
        channel: Arc<dyn Channel>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let Stores { log, ledger, silences, suppression, queue, endpoints, intake, .. } = stores.clone();
        Self {
            log,
            ledger,
            silences,
            suppression,
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

/// Handles messages, many at a time.
pub struct Dispatcher {
    parts: Parts,
    turns: Turns,
    health: Health,
    announced: Announced,
    judging: Semaphore,
    compiled: Mutex<Option<(Arc<Active>, Arc<RuleSet>)>>,
}

impl Dispatcher {
    /// Over these parts.
    pub fn new(parts: Parts) -> Self {
        let (turns, health, announced) = (Turns::default(), Health::default(), Announced::default());
        let judging = Semaphore::new(judge::AT_A_TIME);
        Self { parts, turns, health, announced, judging, compiled: Mutex::new(None) }
    }

    /// Does what the message says. No attempt begins that might not end before `deadline`.
    ///
    /// # Errors
    /// When the message must come again; what was delivered until then will not be repeated.
    pub async fn handle(&self, message: Message, deadline: Timestamp) -> Result<(), DispatchError> {
        let counted = Counted::default();
        let handled = self.work(message, deadline, &counted).await;
        counted.log();
        handled
    }

    async fn work(&self, message: Message, deadline: Timestamp, counted: &Counted) -> Result<(), DispatchError> {
        let active = self.parts.configuration.current().await?;
        match message.into_work() {
            Work::Events(events) => self.evaluate(events, &active, deadline, counted).await,
            Work::Stored(pks) => {
                let mut events = Vec::with_capacity(pks.len());
                for pk in pks {
                    // Every accepted event is evaluated, also one whose retention ended while it was queued.
                    events.extend(self.parts.log.get(pk, Timestamp::MIN).await?.map(Arc::new));
                }
                self.evaluate(events, &active, deadline, counted).await
            }
            Work::Deliveries(ids) => {
                let claimed = claim::again(&self.parts, &ids).await?;
                self.send(claimed, &active, deadline, counted).await
            }
        }
    }

    /// Takes events all the way; those that need an expression hold up no other.
    async fn evaluate(
        &self,
        events: Vec<Arc<Event>>,
        active: &Arc<Active>,
        deadline: Timestamp,
        counted: &Counted,
    ) -> Result<(), DispatchError> {
        let rules = self.rules(active);
        let (evaluated, others) = judge::without_expressions(events, active, &rules);
        let at_once = self.notify(evaluated, active, deadline, counted);
        let later = async {
            if others.is_empty() {
                return Ok(());
            }
            let evaluated = judge::with_expressions(&self.parts, &self.judging, others, active, &rules).await;
            self.notify(evaluated, active, deadline, counted).await
        };
        let (at_once, later) = tokio::join!(at_once, later);
        at_once.and(later)
    }

    async fn notify(
        &self,
        evaluated: Vec<judge::Evaluated>,
        active: &Arc<Active>,
        deadline: Timestamp,
        counted: &Counted,
    ) -> Result<(), DispatchError> {
        if evaluated.is_empty() {
            return Ok(());
        }
        let claimed = self.open(evaluated, active, counted).await?;
        self.send(claimed, active, deadline, counted).await
    }

    async fn send(
        &self,
        claimed: claim::Claimed,
        active: &Active,
        deadline: Timestamp,
        counted: &Counted,
    ) -> Result<(), DispatchError> {
        if !claimed.ours.is_empty() {
            self.health.refresh(&*self.parts.endpoints).await;
            self.sending(active, counted, deadline).all(claimed.ours).await?;
        }
        match claimed.busy_until {
            Some(until) => Err(DispatchError::Busy { until }),
            None => Ok(()),
        }
    }

    fn sending<'a>(&'a self, active: &'a Active, counted: &'a Counted, deadline: Timestamp) -> Sending<'a> {
        let Self { parts, turns, health, announced, .. } = self;
        Sending { parts, turns, health, announced, counted, document: &active.document, deadline }
    }

    async fn open(
        &self,
        evaluated: Vec<judge::Evaluated>,
        active: &Arc<Active>,
        counted: &Counted,
    ) -> Result<claim::Claimed, DispatchError> {
        let now = self.parts.clock.now();
        let (events, mut judged): (Vec<_>, Vec<_>) = evaluated.into_iter().unzip();
        let left = judged.iter_mut().map(|one| std::mem::take(&mut one.effects));
        let left = events.iter().cloned().zip(left).filter(|(_, effects)| !effects.is_empty()).collect();
        keep::all(&self.parts, &active.document, left, now).await?;
        let mut planned = plan::deliveries(&events, judged, &active.document, now);
        suppress::all(&self.parts, &active.document, &mut planned, now).await?;
        counted.planned(&planned);
        planned.retain(|planned| !planned.settled);
        claim::open(&self.parts, planned).await
    }

    /// Compiles a document once, not once a message.
    fn rules(&self, active: &Arc<Active>) -> Arc<RuleSet> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        match &*compiled {
            Some((of, rules)) if Arc::ptr_eq(of, active) => Arc::clone(rules),
            _ => {
                let rules = Arc::new(RuleSet::compile(&active.document));
                *compiled = Some((Arc::clone(active), Arc::clone(&rules)));
                rules
            }
        }
    }
}
