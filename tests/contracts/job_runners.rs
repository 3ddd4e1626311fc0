//! Job runners on every store: alone, concurrently, and with one that dies.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::delivery::{DigestWindow, SuppressionCause};
use domain::event::ActionPattern;
use domain::ports::{ActiveRules, Clock};
use domain::query::{DeliveryQuery, EventQuery};
use domain::retention::erasure::ErasureSubject;
use domain::retention::hold::HOLD_EXPIRY;
use domain::retention::job::{Job, JobState, JobTask};
use domain::rules_document::{Period, Retention, RulesDocument};
use domain::testing::serialized;
use domain::{Event, Timestamp};
use futures_util::future::join_all;
use host::SystemClock;
use jiff::SignedDuration;
use retention::JobRunner;
use serde_json::json;
use support::{FakeClock, event};

use crate::dispatchers::Fixed;
use crate::erasure::{entry, item};
use crate::holds;
use crate::world::{DAY, World, after};

const YEAR: i64 = 365 * DAY;

/// Later than what was received just now is kept by some of the rules here.
fn now() -> Timestamp {
    after(SystemClock.now(), 70 * YEAR)
}

/// A clock that advances a second each time it is read.
struct Ticking(FakeClock);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        self.0.advance(SignedDuration::from_secs(1))
    }
}

fn runner(world: &World, clock: Arc<dyn Clock>) -> JobRunner {
    runner_by(world, rules(1, RulesDocument::default()), clock)
}

/// The document as this version.
pub(crate) fn rules(version: u64, document: RulesDocument) -> ActiveRules {
    ActiveRules { version, document, source: String::new(), at: Timestamp::UNIX_EPOCH, by: String::new() }
}

/// A runner with these rules in force.
pub(crate) fn runner_by(world: &World, active: ActiveRules, clock: Arc<dyn Clock>) -> JobRunner {
    JobRunner::new(&world.stores, world.archive.clone(), None, Arc::new(Fixed(Arc::new(active))), clock)
}

pub(crate) fn still(now: Timestamp) -> Arc<dyn Clock> {
    Arc::new(FakeClock::at(&domain::time::format(now)))
}

pub(crate) async fn asked(world: &World, task: JobTask, dry_run: bool, now: Timestamp) -> Job {
    let job = Job::new(task, dry_run, "root".to_owned(), now, support::random_bits());
    assert!(world.jobs.replace(&job).await.unwrap());
    job
}

pub(crate) async fn ended(world: &World, job: &Job) -> Job {
    let job = world.jobs.get(&job.id).await.unwrap().unwrap();
    assert_eq!((job.state, job.is_reported, job.lease), (JobState::Done, true, None), "{job:?}");
    job
}

pub(crate) fn counts(job: &Job) -> BTreeMap<&str, u64> {
    job.report.counts.iter().map(|(name, count)| (name.as_str(), *count)).collect()
}

async fn events(world: &World, action: &str, now: Timestamp) -> Vec<Event> {
    let query =
        EventQuery { action: Some(ActionPattern::parse(action).unwrap()), limit: 1000, ..EventQuery::default() };
    world.log.list(&query, now).await.unwrap().results
}

/// Events that were received now and are kept for a hundred years, one a minute back from `now`, of each action.
async fn stored(world: &World, now: Timestamp, actions: &[(&str, i64)]) {
    let expires = after(SystemClock.now(), 100 * YEAR);
    for (action, many) in actions {
        let one = |n: i64| {
            let created = after(now, -n * 60_000);
            event(action).created(created).kept_for(expires.duration_since(created)).shared()
        };
        world.intake.accept(&serialized(&(0..*many).map(one).collect::<Vec<_>>())).await.unwrap();
    }
}

fn other_rules() -> JobTask {
    let by_action = [("brief_*", 50), ("shorter", 90), ("longer", 200)];
    let years = |years: i64| Period::days(years * 365);
    let by_action = by_action.map(|(pattern, kept)| (ActionPattern::parse(pattern).unwrap(), years(kept)));
    JobTask::Restamp { retention: Retention::new(years(100), by_action.into()) }
}

pub(crate) async fn restamp_what_other_rules_would_have_stamped(world: &World) {
    let now = now();
    stored(world, now, &[("brief_one", 3), ("shorter", 2), ("longer", 1), ("login", 4)]).await;
    let job = asked(world, other_rules(), false, now).await;
    runner(world, still(now)).advance(SignedDuration::from_secs(1)).await.unwrap();
    let job = ended(world, &job).await;
    assert_eq!(counts(&job), BTreeMap::from([("deleted", 3), ("shortened", 2), ("extended", 1), ("unchanged", 4)]));
    assert_eq!((job.report.from, job.report.to), (Some(to_micros(after(now, -120_000))), Some(to_micros(now))));
    for (action, kept, years) in [("brief_one", 0, 50), ("shorter", 2, 90), ("longer", 1, 200), ("login", 4, 100)] {
        let found = events(world, action, now).await;
        assert_eq!(found.len(), kept, "{action}");
        for event in found {
            let apart = event.expires.duration_since(after(SystemClock.now(), years * YEAR)).abs();
            assert!(apart < SignedDuration::from_mins(2), "{action}: {apart:?}");
        }
    }
    let [told] = &events(world, "retention_job", now).await[..] else { panic!("one event tells of it") };
    assert_eq!(told.context["counts"]["deleted"], 3);
    runner(world, still(now)).advance(SignedDuration::from_secs(1)).await.unwrap();
    assert_eq!(events(world, "retention_job", now).await.len(), 1);
}

fn to_micros(instant: Timestamp) -> Timestamp {
    domain::time::to_micros(instant)
}

pub(crate) async fn count_in_a_dry_run_and_change_nothing(world: &World) {
    let now = now();
    stored(world, now, &[("brief_one", 3), ("longer", 2)]).await;
    let before = events(world, "*", now).await;
    let job = asked(world, other_rules(), true, now).await;
    runner(world, still(now)).advance(SignedDuration::from_secs(1)).await.unwrap();
    assert_eq!(counts(&ended(world, &job).await), BTreeMap::from([("deleted", 3), ("extended", 2)]));
    let mut left = events(world, "*", now).await;
    left.retain(|event| event.action.as_str() != "retention_job");
    assert_eq!(left, before);
}

pub(crate) async fn share_a_job_and_take_over_from_the_dead(world: &World) {
    let now = now();
    stored(world, now, &[("brief_one", 700), ("shorter", 500)]).await;
    let job = asked(world, other_rules(), false, now).await;
    // Out of time after its first step.
    let ticking = Arc::new(Ticking(FakeClock::at(&domain::time::format(now))));
    assert_eq!(runner(world, ticking).advance(SignedDuration::from_secs(3)).await.unwrap(), 1);
    let half = world.jobs.get(&job.id).await.unwrap().unwrap();
    assert_eq!((half.state, half.lease), (JobState::Running, None));
    let deleted = counts(&half)["deleted"];
    assert!((1..700).contains(&deleted), "{deleted}");
    // The next one dies after doing a step that it never notes.
    let later = after(now, 60_000);
    let dead = half.claimed(later).unwrap();
    assert!(world.jobs.replace(&dead).await.unwrap());
    let second = asked(world, other_rules(), true, later).await;
    assert!(runner(world, still(later)).advance(SignedDuration::from_secs(1)).await.unwrap() > 0, "the other job");
    assert_eq!(counts(&ended(world, &second).await).get("deleted"), Some(&(700 - deleted)));
    let over = after(later, 60_000);
    join_all((0..4).map(|_| async {
        runner(world, still(over)).advance(SignedDuration::from_secs(1)).await.unwrap();
    }))
    .await;
    let job = ended(world, &job).await;
    let mut done = counts(&job);
    // A store that is read shard by shard may come to the other job's report.
    assert!(done.remove("extended").is_none_or(|reports| reports == 1));
    assert_eq!(done, BTreeMap::from([("deleted", 700), ("shortened", 500)]));
    assert!(events(world, "brief_*", over).await.is_empty());
    assert_eq!(events(world, "shorter", over).await.len(), 500);
    assert_eq!(events(world, "retention_job", over).await.len(), 2);
}

pub(crate) async fn erase_one_person_and_nobody_else(world: &World) {
    let now = now();
    let by = |username: &str| event("login").created(now).user(json!({ "username": username })).shared();
    let subject =
        event("model_updated").created(now).context(json!({ "subject": { "email": "ann@example.org" } })).shared();
    let mentioned = event("login").created(now).context(json!({ "message": "mail to ann@example.org" })).shared();
    let brief =
        event("login").created(now).kept_for(SignedDuration::from_secs(1)).user(json!({ "username": "ann" })).shared();
    let (own, other) = (by("Ann"), by("bob"));
    world
        .intake
        .accept(&serialized(&[own.clone(), subject.clone(), mentioned.clone(), brief.clone(), other.clone()]))
        .await
        .unwrap();

    // Bob was notified about Ann, once in a digest that another delivery carries; Ann was notified about Bob.
    let (of_ann, carrier, to_ann) = (entry(&own, "bob", now), entry(&other, "bob", now), entry(&other, "ann", now));
    let mut collected = entry(&subject, "bob", now);
    let span = DigestWindow { opened: now, closes: after(now, 60_000) };
    collected.suppress(SuppressionCause::Digest { delivery: carrier.id, until: span.closes });
    let entries = [of_ann.clone(), carrier.clone(), to_ann.clone(), collected.clone()];
    world.ledger.open(&entries).await.unwrap();
    for (entry, event) in [(&of_ann, &own), (&carrier, &other), (&to_ann, &other)] {
        world.inbox.put(&item(entry, event)).await.unwrap();
    }
    let archive = world.archive.as_ref().unwrap();
    archive.put(&[(*own).clone(), (*other).clone()], now).await.unwrap();
    archive.put(&[(*own).clone()], now).await.unwrap();
    archive.put(&[(*other).clone()], now).await.unwrap();

    let ann = || ErasureSubject::new(Some("ann"), Some("ann@example.org")).unwrap();
    let later = after(now, 10_000);
    let run = async |dry_run| {
        let job = asked(world, JobTask::erase(ann()), dry_run, now).await;
        runner(world, still(later)).advance(SignedDuration::from_secs(1)).await.unwrap();
        let job = ended(world, &job).await;
        assert!(!format!("{job:?}").to_lowercase().contains("example.org"), "{job:?}");
        counts(&job).into_iter().map(|(name, n)| (name.to_owned(), n)).collect::<BTreeMap<_, _>>()
    };
    let expected =
        [("archived", 2), ("deliveries", 3), ("detection_groups", 0), ("events", 3), ("groups", 0), ("mentioned", 1)];
    let with = |notifications: u64| {
        let counts = expected.iter().map(|(name, n)| ((*name).to_owned(), *n));
        counts.chain([("notifications".to_owned(), notifications)]).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(run(true).await, with(1));
    assert_eq!(world.log.get(own.pk, now).await.unwrap().as_ref(), Some(&*own), "a dry run changes nothing");
    assert_eq!(archive.files(None, 10).await.unwrap().len(), 3);
    assert_eq!(run(false).await, with(3));

    for (event, there) in [(&own, false), (&subject, false), (&brief, false), (&mentioned, true), (&other, true)] {
        assert_eq!(world.log.get(event.pk, now).await.unwrap().is_some(), there, "{}", event.to_json());
    }
    let left = world.ledger.list(&DeliveryQuery { limit: 10, ..DeliveryQuery::default() }).await.unwrap().results;
    assert_eq!(left, [carrier]);
    for name in ["ann", "bob"] {
        assert!(world.inbox.list(name, None, None, 10, now).await.unwrap().results.is_empty(), "{name}");
    }
    let mut archived = Vec::new();
    for file in archive.files(None, 10).await.unwrap() {
        archived.extend(archive.read(&file).await.unwrap().events);
    }
    assert_eq!(archived, [(*other).clone(), (*other).clone()]);
    let again = run(false).await;
    assert_eq!((again["events"], again["archived"], again["deliveries"]), (0, 0, 0), "nothing is left");
}

pub(crate) async fn keep_what_is_held_and_let_it_go_afterwards(world: &World) {
    let now = now();
    // The way in remembers on some stores: nothing arrives after the hold here.
    stored(world, now, &[("brief_one", 3), ("shorter", 2), ("login", 1)]).await;
    let login = events(world, "login", now).await;
    let hold = holds::hold(json!({ "action": "brief_*" }));
    world.holds.put(&hold).await.unwrap();
    let JobTask::Restamp { retention } = other_rules() else { panic!("other rules") };
    let run = async |task: JobTask| {
        let job = asked(world, task, false, now).await;
        runner(world, still(now)).advance(SignedDuration::from_secs(1)).await.unwrap();
        let job = ended(world, &job).await;
        (counts(&job).into_iter().map(|(name, n)| (name.to_owned(), n)).collect::<BTreeMap<_, _>>(), job.report.held)
    };
    let (found, _) = run(JobTask::Hold { retention: retention.clone() }).await;
    assert_eq!((found["held"], found["unchanged"]), (3, 3), "others keep their expiries");
    assert!(events(world, "brief_one", now).await.iter().all(|event| event.expires == HOLD_EXPIRY));
    let (found, _) = run(other_rules()).await;
    assert_eq!((found.get("deleted"), found["shortened"]), (None, 2));
    let subject = event("brief_one").created(now).user(json!({ "username": "ann" })).shared();
    world.intake.accept(&serialized(std::slice::from_ref(&subject))).await.unwrap();
    let (found, named) = run(JobTask::erase(ErasureSubject::new(Some("ann"), None).unwrap())).await;
    assert_eq!((found["events"], found["held"], named), (0, 1, vec![subject.pk]));

    let is_held = |events: Vec<Event>| events.iter().filter(|event| event.expires == HOLD_EXPIRY).count();
    let many = is_held(events(world, "brief_one", now).await);
    assert!(many >= 3, "{many}");
    world.holds.put(&holds::ended(&hold)).await.unwrap();
    let (found, _) = run(JobTask::Hold { retention }).await;
    assert_eq!(found["deleted"], many as u64);
    assert_eq!(events(world, "login", now).await, login);
    assert_eq!(is_held(events(world, "brief_one", now).await), 0);
}
