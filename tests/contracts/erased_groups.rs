//! The groups of detections that an erasure removes, on every store: with the detections in force, and with those of
//! older rules documents.

use std::sync::Arc;

use domain::Timestamp;
use domain::detection::{Entry, GroupId, GroupRecord, detection_id, groups};
use domain::event::{ActionPattern, Event};
use domain::message::QueuedWork;
use domain::ports::SaveOutcome;
use domain::query::EventQuery;
use domain::retention::erasure::ErasureSubject;
use domain::retention::job::JobTask;
use domain::rules_document::{
    Detection, DetectionKind, EventMatcher, FieldPath, FirstSeenSettings, Period, Policy, RulesDocument,
};
use jiff::SignedDuration;
use retention::JobRunner;
use serde_json::json;
use support::{FakeClock, event, unique};

use crate::dispatchers::{Dispatchers, document};
use crate::job_runners::{asked, counts, ended, rules, runner_by, still};
use crate::world::{World, after, somewhen};

fn new_country(name: &str, by: &str) -> Detection {
    let kind = FirstSeenSettings {
        of: "login".to_owned(),
        value: vec![FieldPath::parse("context.country").unwrap()],
        remember: Period::days(30),
        learn: SignedDuration::ZERO,
    };
    Detection {
        name: name.to_owned(),
        by: vec![FieldPath::parse(by).unwrap()],
        max_groups: Detection::DEFAULT_MAX_GROUPS,
        kind: DetectionKind::FirstSeen(kind),
    }
}

fn with(detections: &[&Detection]) -> RulesDocument {
    let mut document = document(|rule| rule.bindings.clear());
    let action = vec![ActionPattern::parse("login").unwrap()];
    let login = Policy::EventMatcher(EventMatcher { action, ..EventMatcher::default() });
    document.policies.insert("login".to_owned(), login.into());
    for detection in detections {
        document.policies.insert(detection.name.clone(), Policy::Detection((*detection).clone()).into());
    }
    document
}

fn login(at: Timestamp, user: &str) -> Arc<Event> {
    let context = json!({ "country": "DE", "subject": { "username": user } });
    event("login").created(at).user(json!({ "username": user })).context(context).shared()
}

/// The group that the event is in.
fn group_of(detection: &Detection, event: &Event) -> GroupId {
    groups(detection, detection_id(detection), event).unwrap().remove(0).id
}

async fn has_group(world: &World, group: GroupId) -> bool {
    world.groups.get_all(&[group]).await.unwrap()[0].is_some()
}

/// The number of groups that the erasure counts.
async fn erase(world: &World, runner: &JobRunner, username: &str, dry_run: bool, now: Timestamp) -> u64 {
    let subject = ErasureSubject::new(Some(username), None).unwrap();
    let job = asked(world, JobTask::erase(subject), dry_run, now).await;
    runner.advance(SignedDuration::from_secs(1)).await.unwrap();
    counts(&ended(world, &job).await)["detection_groups"]
}

pub(crate) async fn of_one_person_go_with_the_job_and_the_next_log_in_is_the_first(world: &World) {
    let now = somewhen();
    let by_user = new_country(&unique("d"), "user.username");
    let by_subject = new_country(&unique("d"), "context.subject.username");
    let rules = rules(1, with(&[&by_user, &by_subject]));
    let dispatchers = Dispatchers::of(world, rules.document.clone(), now);
    let fired = async || {
        let query = EventQuery {
            app: Some("nuncio.detections".to_owned()),
            since: Some(now),
            limit: 100,
            ..EventQuery::default()
        };
        world.log.list(&query, now).await.unwrap().results.len()
    };
    let (ann, bob) = (login(now, "ann"), login(now, "bob"));
    for _ in 0..2 {
        dispatchers.one_handles(QueuedWork::Events(vec![ann.clone(), bob.clone()])).await;
    }
    assert_eq!(fired().await, 4, "each person is new to each detection");
    let runner = runner_by(world, rules, still(now));
    assert_eq!(erase(world, &runner, "ANN", true, now).await, 2);
    assert!(has_group(world, group_of(&by_user, &ann)).await, "a dry run changes nothing");
    assert_eq!(erase(world, &runner, "ANN", false, now).await, 2);
    for (detection, event, there) in
        [(&by_user, &ann, false), (&by_subject, &ann, false), (&by_user, &bob, true), (&by_subject, &bob, true)]
    {
        assert_eq!(has_group(world, group_of(detection, event)).await, there, "{} {:?}", detection.name, event.user);
    }
    assert_eq!(fired().await, 2, "what the detections wrote about the person is the person's, too");
    let again = [login(after(now, 60_000), "ann"), login(after(now, 60_000), "bob")];
    dispatchers.one_handles(QueuedWork::Events(again.into())).await;
    assert_eq!(fired().await, 4, "the person is new again, and the other one is not");
    assert_eq!(erase(world, &runner, "nobody", false, now).await, 0);
}

pub(crate) async fn of_older_rules_documents_go_too(world: &World) {
    let now = somewhen();
    let [oldest, middle, newest] = [(); 3].map(|()| new_country(&unique("d"), "user.username"));
    let before = world.documents.newest().await.unwrap().map_or(0, |newest| newest.version);
    // The middle one was removed and came back; the versions between have no detection.
    let versions = [vec![&oldest, &middle], vec![], vec![&middle], vec![&middle, &newest]];
    let mut version = before;
    for detections in &versions {
        for detections in [detections.as_slice(), &[]].repeat(15) {
            version += 1;
            let active = rules(version, with(detections));
            assert_eq!(world.documents.save(&active).await.unwrap(), SaveOutcome::Saved);
        }
    }
    let (ann, bob) = (login(now, "ann"), login(now, "bob"));
    let mut own = Vec::new();
    for detection in [&oldest, &middle, &newest] {
        for event in [&ann, &bob] {
            let group = groups(detection, detection_id(detection), event).unwrap().remove(0);
            let record = GroupRecord::enter(None, detection, &group, &[Entry::from_event(event)], false, now).record;
            world.groups.put_all(&[(group.id, record.unwrap())]).await.unwrap();
        }
        own.push(group_of(detection, &ann));
    }
    let clock = Arc::new(FakeClock::at(&domain::time::format(now)));
    let current = rules(version + 1, with(&[&middle, &newest]));
    let runner = runner_by(world, current, clock);
    // Counted again where a detection was removed and came back, because nothing was deleted.
    assert!(erase(world, &runner, "ann", true, now).await >= 3);
    assert_eq!(erase(world, &runner, "ann", false, now).await, 3);
    for group in own {
        assert!(!has_group(world, group).await);
    }
    for detection in [&oldest, &middle, &newest] {
        assert!(has_group(world, group_of(detection, &bob)).await, "nobody else's");
    }
}
