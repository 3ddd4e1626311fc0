//! Evaluates a batch: eight dispatchers over a world's stores, messages that come several times, and processes that die
//! or lose their store in between.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dispatch::{DispatchPorts, Dispatcher};
use domain::Timestamp;
use domain::event::Event;
use domain::message::{QueueMessage, QueuedWork};
use domain::ports::{ActiveRules, Clock as _, NoExpressions, Stores};
use domain::query::EventQuery;
use futures_util::future::join_all;
use serde_json::Value;
use support::{FakeClock, SeededEntropy};

use super::streams::{Batch, Choices};
use crate::dispatchers::{Fixed, Sent};
use crate::faults::ports::{Fault, Faults, Faulty};
use crate::world::World;

/// The number of dispatchers.
const SIDE_BY_SIDE: usize = 8;
/// How many of them get a message at once, at most.
const AT_ONCE: u64 = 2;
/// The steps of a message are reading and writing the groups, and storing what fired.
const STEPS: u64 = 6;
/// What may go wrong at one of them.
pub(crate) const FAULTS: [Fault; 4] = [Fault::DiesBefore, Fault::DiesAfter, Fault::Refused, Fault::AnswerLost];

/// The events that the detections wrote, by detection.
pub(crate) type Written = BTreeMap<String, Vec<Event>>;

/// The evaluation of one batch.
pub(crate) struct Evaluation<'w> {
    world: &'w World,
    batch: &'w Batch,
    active: Arc<ActiveRules>,
    clock: Arc<FakeClock>,
    choices: Choices,
}

impl<'w> Evaluation<'w> {
    pub(crate) fn new(world: &'w World, batch: &'w Batch) -> Self {
        let start = batch.start;
        let (document, source, by) = (batch.document(), String::new(), String::new());
        Self {
            world,
            batch,
            active: Arc::new(ActiveRules { version: 1, document, source, at: start, by }),
            clock: Arc::new(FakeClock::at(&domain::time::format(start))),
            choices: Choices::new(batch.seed ^ 1),
        }
    }

    /// A process of its own.
    fn dispatcher(&self, faults: &Arc<Faults>) -> Dispatcher {
        let stores = Stores {
            groups: Arc::new(Faulty { real: self.world.groups.clone(), faults: faults.clone() }),
            intake: Arc::new(Faulty { real: self.world.intake.clone(), faults: faults.clone() }),
            ..self.world.stores.clone()
        };
        let (configuration, channel) = (Arc::new(Fixed(self.active.clone())), Arc::new(Sent::default()));
        let (clock, entropy) = (self.clock.clone(), Arc::new(SeededEntropy::new(self.batch.seed)));
        Dispatcher::new(DispatchPorts::new(&stores, Arc::new(NoExpressions), configuration, channel, clock, entropy))
    }

    /// By eight dispatchers. Some of them get each message at the same time, one of which may die or find the store
    /// failing. Earlier messages come again.
    pub(crate) async fn with_chance(&self) -> Written {
        let dispatchers: Vec<_> = (0..SIDE_BY_SIDE).map(|_| self.dispatcher(&Faults::none())).collect();
        let mut done: Vec<QueuedWork> = Vec::new();
        for works in self.works() {
            for mut queued in works {
                self.clock.set(self.clock.now().max(queued.at));
                if let Some(due) = queued.due(self).await {
                    queued.work = due;
                }
                self.hand_out(&dispatchers, &queued.work).await;
                self.hand_out_what_came(&dispatchers).await;
                done.push(queued.work);
                if self.choices.once_in(6) {
                    let again = done[usize::try_from(self.choices.below(done.len() as u64)).unwrap()].clone();
                    self.hand_out(&dispatchers, &again).await;
                    self.hand_out_what_came(&dispatchers).await;
                }
            }
        }
        self.written().await
    }

    /// By one process at a time, which has `faults`. The next process gets what one held when it died.
    pub(crate) async fn with_faults(&self, faults: &Arc<Faults>) -> Written {
        let mut process = self.dispatcher(faults);
        for works in self.works() {
            for mut queued in works {
                self.clock.set(self.clock.now().max(queued.at));
                if let Some(due) = queued.due(self).await {
                    queued.work = due;
                }
                self.handle(&mut process, &queued.work, faults).await;
                while let Some(work) = self.came().await {
                    for work in work {
                        self.handle(&mut process, &work, faults).await;
                    }
                }
            }
        }
        self.written().await
    }

    /// For each message: the check for absences before it, and the message.
    fn works(&self) -> impl Iterator<Item = [Queued; 2]> {
        let message = |(at, events): &(Timestamp, Vec<Arc<Event>>)| {
            let check = Queued { at: *at, work: QueuedWork::Groups(Vec::new()) };
            [check, Queued { at: *at, work: QueuedWork::Events(events.clone()) }]
        };
        let last = (self.batch.end, Vec::new());
        self.batch.messages.iter().cloned().chain([last]).map(move |one| message(&one))
    }

    async fn hand_out(&self, dispatchers: &[Dispatcher], work: &QueuedWork) {
        let times = 1 + self.choices.below(AT_ONCE);
        let place = || usize::try_from(self.choices.below(SIDE_BY_SIDE as u64)).unwrap();
        let places: Vec<_> = (0..times).map(|_| place()).collect();
        let none = Faults::none();
        let faults = if self.choices.once_in(3) {
            let fault = FAULTS[usize::try_from(self.choices.below(FAULTS.len() as u64)).unwrap()];
            Faults::at(usize::try_from(self.choices.below(STEPS)).unwrap(), fault)
        } else {
            none.clone()
        };
        let well = places.iter().map(|place| until_done(&dispatchers[*place], work));
        let shaky = async {
            if !Arc::ptr_eq(&faults, &none) {
                self.handle(&mut self.dispatcher(&faults), work, &faults).await;
            }
        };
        futures_util::join!(join_all(well), shaky);
    }

    async fn hand_out_what_came(&self, dispatchers: &[Dispatcher]) {
        while let Some(came) = self.came().await {
            for work in came {
                self.hand_out(dispatchers, &work).await;
            }
        }
    }

    /// The messages of what fired; `None` if there are none.
    async fn came(&self) -> Option<Vec<QueuedWork>> {
        let messages = self.world.work.receive(Duration::ZERO).await;
        (!messages.is_empty()).then(|| messages.into_iter().map(QueueMessage::into_work).collect())
    }

    /// Handles a message until it is done, by another process after each death.
    async fn handle(&self, process: &mut Dispatcher, work: &QueuedWork, faults: &Arc<Faults>) {
        loop {
            let is_done = tokio::select! {
                handled = process.handle(QueueMessage::new(work.clone()), Timestamp::MAX) => handled.is_ok(),
                () = faults.death() => false,
            };
            if is_done {
                return;
            }
            *process = self.dispatcher(faults);
        }
    }

    /// What the detections of the batch wrote.
    async fn written(&self) -> Written {
        let mut query = EventQuery {
            app: Some(domain::detection::APP.to_owned()),
            since: Some(self.batch.start),
            until: Some(domain::time::later(self.batch.end, jiff::SignedDuration::from_hours(1))),
            limit: 500,
            ..EventQuery::default()
        };
        let mut written = Written::new();
        loop {
            let page = self.world.log.list(&query, Timestamp::MIN).await.unwrap();
            for event in page.results {
                let name = event.detection().unwrap().clone();
                if self.batch.detections.iter().any(|detection| detection.name == name) {
                    written.entry(name).or_default().push(event);
                }
            }
            query.before = page.next;
            if query.before.is_none() {
                return written;
            }
        }
    }
}

/// Work that is queued at a time.
struct Queued {
    at: Timestamp,
    work: QueuedWork,
}

impl Queued {
    /// For the check for absences: the batch's groups that are due.
    async fn due(&self, evaluation: &Evaluation<'_>) -> Option<QueuedWork> {
        let QueuedWork::Groups(_) = self.work else { return None };
        let mut due = evaluation.world.groups.due(self.at, 10_000).await.unwrap();
        let ids = evaluation.batch.ids();
        due.retain(|group| ids.contains(&group.detection()));
        Some(QueuedWork::Groups(due))
    }
}

/// Repeats until the message is done: others may change its groups all the time.
async fn until_done(dispatcher: &Dispatcher, work: &QueuedWork) {
    while dispatcher.handle(QueueMessage::new(work.clone()), Timestamp::MAX).await.is_err() {}
}

/// The values of the group that an event of the detection is about, as the reference writes them.
pub(crate) fn group_of(event: &Event, paths: &[&str]) -> String {
    let part = |part: &str, path: &str| event.context.get(part)?.get(path).cloned();
    let values: Vec<Value> =
        paths.iter().map(|path| part("by", path).or_else(|| part("value", path)).unwrap_or_default()).collect();
    serde_json::to_string(&values).unwrap()
}
