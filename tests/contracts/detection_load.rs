//! Detections under load and with bad input: one group that gets everything, more groups than are allowed, old history,
//! and definitions that change while groups are open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use dispatch::{DispatchError, DispatchPorts, Dispatcher};
use domain::Timestamp;
use domain::detection::{DetectionId, GroupId, GroupRecord, detection_id};
use domain::event::{ActionPattern, Event};
use domain::message::{QueueMessage, QueuedWork};
use domain::ports::{ActiveRules, DetectionGroups, FullestGroups, GroupPage, NoExpressions, StoreError, Stores};
use domain::query::EventQuery;
use domain::rules_document::{AbsentSettings, Detection, DetectionKind, Period};
use jiff::SignedDuration;
use serde_json::json;
use support::{FakeClock, SeededEntropy, event};

use crate::detections::{MINUTE, count, detection, failed, fired, rules};
use crate::dispatchers::{Dispatchers, Fixed, Sent};
use crate::world::{DAY, HOUR, World, after, somewhen};

/// Events of one address, 20 milliseconds apart.
fn hot(now: Timestamp, number: i64) -> Vec<Arc<Event>> {
    (0..number).map(|place| failed(after(now, place * 20), "192.0.2.1")).collect()
}

async fn fires_once(world: &World, number: i64, together: usize) {
    let now = somewhen();
    let detection = detection(&["client_ip"], count(10));
    let dispatchers = Dispatchers::of(world, rules(std::slice::from_ref(&detection)), now);
    let messages: Vec<_> = hot(now, number).chunks(together).map(<[_]>::to_vec).collect();
    dispatchers.share(&messages).await;
    assert_eq!(fired(world, &detection, now).await.len(), 1, "all are one run");
    let stored = world.groups.fullest(detection_id(&detection), now, 10).await.unwrap();
    assert_eq!(stored.groups.len(), 1);
    let bytes = serde_json::to_vec(&stored.groups[0].1).unwrap().len();
    assert!(bytes < 1500, "a hot group stays small: {bytes} bytes");
}

pub(crate) async fn ten_thousand_events_of_one_group_fire_once(world: &World) {
    fires_once(world, 10_000, 1000).await;
    fires_once(world, 10_000, 125).await;
}

pub(crate) async fn a_thousand_events_of_one_group_fire_once(world: &World) {
    fires_once(world, 1000, 25).await;
}

/// The groups of a world of which another process changes one after each read.
struct Contended {
    real: Arc<dyn DetectionGroups>,
    hot: GroupId,
    is_over: Arc<AtomicBool>,
}

#[async_trait]
impl DetectionGroups for Contended {
    async fn get_all(&self, ids: &[GroupId]) -> Result<Vec<Option<GroupRecord>>, StoreError> {
        let found = self.real.get_all(ids).await?;
        if ids.contains(&self.hot) && !self.is_over.load(Ordering::SeqCst) {
            let stored = self.real.get_all(&[self.hot]).await?.pop().flatten();
            self.real.put_all(&[(self.hot, stored.unwrap().settled())]).await?;
        }
        Ok(found)
    }
    async fn put_all(&self, records: &[(GroupId, GroupRecord)]) -> Result<Vec<bool>, StoreError> {
        self.real.put_all(records).await
    }
    async fn count(&self, detection: DetectionId, now: Timestamp) -> Result<u64, StoreError> {
        self.real.count(detection, now).await
    }
    async fn fullest(&self, detection: DetectionId, now: Timestamp, limit: usize) -> Result<FullestGroups, StoreError> {
        self.real.fullest(detection, now, limit).await
    }
    async fn list(&self, of: DetectionId, after: Option<GroupId>, limit: usize) -> Result<GroupPage, StoreError> {
        self.real.list(of, after, limit).await
    }
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<GroupId>, StoreError> {
        self.real.due(now, limit).await
    }
}

pub(crate) async fn other_groups_do_not_wait_for_one_that_others_change_all_the_time(world: &World) {
    let now = somewhen();
    let detection = detection(&["client_ip"], count(2));
    let document = rules(std::slice::from_ref(&detection));
    let [first, second] = [0, 1].map(|minute| failed(after(now, minute * MINUTE), "192.0.2.1"));
    let dispatchers = Dispatchers::of(world, document.clone(), now);
    dispatchers.one_handles(QueuedWork::Events(vec![first.clone()])).await;
    let hot = domain::detection::groups(&detection, detection_id(&detection), &first).unwrap().remove(0).id;
    let is_over = Arc::new(AtomicBool::new(false));
    let groups = Arc::new(Contended { real: world.groups.clone(), hot, is_over: is_over.clone() });
    let stores = Stores { groups, ..world.stores.clone() };
    let active = ActiveRules { version: 1, document, source: String::new(), at: now, by: String::new() };
    let clock = Arc::new(FakeClock::at(&domain::time::format(now)));
    let (entropy, configuration) = (Arc::new(SeededEntropy::new(7)), Arc::new(Fixed(Arc::new(active))));
    let channel = Arc::new(Sent::default());
    let ports = DispatchPorts::new(&stores, Arc::new(NoExpressions), configuration, channel, clock, entropy);
    let dispatcher = Dispatcher::new(ports);
    let handle =
        |events: Vec<Arc<Event>>| dispatcher.handle(QueueMessage::new(QueuedWork::Events(events)), Timestamp::MAX);
    let contended = async {
        let handled = handle(vec![second.clone()]).await;
        assert!(matches!(handled, Err(DispatchError::Store(_))), "{handled:?}");
        "contended"
    };
    let other = async {
        // After the first try of the other message.
        tokio::task::yield_now().await;
        handle([0, 1].map(|minute| failed(after(now, minute * MINUTE), "192.0.2.2")).into()).await.unwrap();
        "other"
    };
    tokio::pin!(contended, other);
    let first_done = tokio::select! { done = &mut contended => done, done = &mut other => done };
    assert_eq!(first_done, "other");
    contended.await;
    assert_eq!(fired(world, &detection, now).await.len(), 1);
    is_over.store(true, Ordering::SeqCst);
    handle(vec![second.clone()]).await.unwrap();
    assert_eq!(fired(world, &detection, now).await.len(), 2, "the message comes again");
}

pub(crate) async fn more_groups_than_allowed_are_reported_once(world: &World) {
    const MAX_GROUPS: u32 = 4000;
    let now = somewhen();
    let detection = Detection { max_groups: MAX_GROUPS, ..detection(&["context.x"], count(2)) };
    let dispatchers = Dispatchers::of(world, rules(std::slice::from_ref(&detection)), now);
    let one = |value: i64| event("login_failed").created(after(now, value)).context(json!({ "x": value })).shared();
    let events: Vec<_> = (0..7000).map(one).collect();
    dispatchers.share(&events.chunks(25).map(<[_]>::to_vec).collect::<Vec<_>>()).await;
    let open = world.groups.count(detection_id(&detection), now).await.unwrap();
    assert!((u64::from(MAX_GROUPS) * 9 / 10..=u64::from(MAX_GROUPS) * 11 / 10).contains(&open), "{open}");
    let query = EventQuery {
        action: Some(ActionPattern::parse("configuration_error").unwrap()),
        since: Some(after(now, -HOUR)),
        until: Some(after(now, HOUR)),
        limit: 500,
        ..EventQuery::default()
    };
    let reports = world.log.list(&query, Timestamp::MIN).await.unwrap().results;
    let own = reports.iter().filter(|event| event.context_str("detection") == Some(&detection.name)).count();
    assert_eq!(own, 1, "one an hour, of all dispatchers together");
}

pub(crate) async fn history_of_years_ago_is_evaluated_as_it_happened(world: &World) {
    let now = somewhen();
    let detection = detection(&["client_ip"], count(3));
    let dispatchers = Dispatchers::of(world, rules(std::slice::from_ref(&detection)), now);
    let past = after(now, -9 * 365 * DAY);
    let old: Vec<_> = [0, 1, 2, 60, 61, 62].map(|minute| failed(after(past, minute * MINUTE), "192.0.2.1")).into();
    for event in &old {
        dispatchers.all_do(&QueuedWork::Events(vec![event.clone()])).await;
    }
    let times: Vec<_> = fired(world, &detection, past).await.iter().map(|event| event.created).collect();
    assert_eq!(times, [old[2].created, old[5].created]);
    // What is new is not mixed with it, and makes the rest of the history late.
    for minute in 0..2 {
        dispatchers.one_handles(QueuedWork::Events(vec![failed(after(now, minute * MINUTE), "192.0.2.1")])).await;
    }
    let late: Vec<_> = [200, 201, 202].map(|minute| failed(after(past, minute * MINUTE), "192.0.2.1")).into();
    dispatchers.one_handles(QueuedWork::Events(late)).await;
    assert_eq!(fired(world, &detection, past).await.len(), 2);
}

pub(crate) async fn a_lagging_dispatcher_decides_as_one_that_does_not(world: &World) {
    let now = somewhen();
    let detection = detection(&["client_ip"], count(3));
    let dispatchers = Dispatchers::of(world, rules(std::slice::from_ref(&detection)), now);
    let events = [0, 1, 2].map(|minute| failed(after(now, minute * MINUTE), "192.0.2.1"));
    dispatchers.one_handles(QueuedWork::Events(events[..2].to_vec())).await;
    // The queue stood still for hours; the group has expired meanwhile.
    dispatchers.clock.set(after(now, 6 * HOUR));
    dispatchers.all_do(&QueuedWork::Events(events[2..].to_vec())).await;
    assert_eq!(fired(world, &detection, now).await.len(), 1);
}

pub(crate) async fn a_detection_that_changes_begins_again(world: &World) {
    let now = somewhen();
    let original = detection(&["client_ip"], count(3));
    let renamed = Detection { name: support::unique("d"), ..original.clone() };
    let changed = Detection { by: Vec::new(), ..original.clone() };
    let event = |minute: i64| QueuedWork::Events(vec![failed(after(now, minute * MINUTE), "192.0.2.1")]);
    let with = |one: &Detection| Dispatchers::of(world, rules(std::slice::from_ref(one)), now);
    let before = with(&original);
    before.one_handles(event(0)).await;
    before.one_handles(event(1)).await;
    for other in [&renamed, &changed] {
        let dispatchers = with(other);
        dispatchers.one_handles(event(2)).await;
        assert_eq!(fired(world, other, now).await.len(), 0, "it does not know the older events");
        assert_eq!(world.groups.count(detection_id(other), now).await.unwrap(), 1);
    }
    // Without it, its groups stay as they are until they expire, and it goes on if it comes back before that.
    Dispatchers::of(world, rules(&[]), now).one_handles(event(2)).await;
    assert_eq!(world.groups.count(detection_id(&original), now).await.unwrap(), 1);
    with(&original).one_handles(event(3)).await;
    assert_eq!(fired(world, &original, now).await.len(), 1);
    assert_eq!(world.groups.count(detection_id(&original), after(now, HOUR)).await.unwrap(), 0);
}

pub(crate) async fn an_absence_is_not_reported_while_its_detection_is_removed(world: &World) {
    let now = somewhen();
    let absent = AbsentSettings {
        of: "failed".to_owned(),
        every: Period::parse("hours=1").unwrap(),
        grace: SignedDuration::ZERO,
        forget: None,
        expect: Vec::new(),
    };
    let absent = detection(&[], DetectionKind::Absent(absent));
    let due = async |at: i64| {
        let mut due = world.groups.due(after(now, at), 10_000).await.unwrap();
        due.retain(|group| group.detection() == detection_id(&absent));
        QueuedWork::Groups(due)
    };
    let nothing = QueuedWork::Events(Vec::new());
    let before = Dispatchers::of(world, rules(std::slice::from_ref(&absent)), now);
    before.one_handles(nothing.clone()).await;
    let removed = Dispatchers::of(world, rules(&[]), after(now, 2 * HOUR));
    removed.all_do(&due(2 * HOUR).await).await;
    assert_eq!(fired(world, &absent, now).await.len(), 0);
    assert!(matches!(due(9 * HOUR).await, QueuedWork::Groups(due) if due.is_empty()), "it is not due any longer");
    // It comes back, and waits from then on.
    let back = Dispatchers::of(world, rules(std::slice::from_ref(&absent)), after(now, 3 * HOUR));
    back.one_handles(nothing).await;
    back.clock.set(after(now, 4 * HOUR));
    back.all_do(&due(4 * HOUR).await).await;
    let times: Vec<_> = fired(world, &absent, now).await.iter().map(|event| event.created).collect();
    assert_eq!(times, [domain::time::to_micros(after(now, 4 * HOUR))]);
}

pub(crate) async fn what_waits_in_the_queue_is_pending(world: &World) {
    let now = domain::ports::Clock::now(&host::SystemClock);
    assert_eq!(world.queue.backlog(now).await.unwrap().events, 0);
    let events: Vec<_> = hot(somewhen(), 3);
    world.intake.accept(&domain::testing::serialized(&events)).await.unwrap();
    let waiting = world.queue.backlog(now).await.unwrap();
    // A queue that counts messages has at least the one in which they travel.
    assert!((1..=3).contains(&waiting.events) && waiting.oldest.is_some(), "{waiting:?}");
    world.receive_events(&events.iter().map(|event| event.pk).collect()).await;
    let done = world.queue.backlog(now).await.unwrap();
    assert_eq!((done.events, done.oldest), (0, None));
}
