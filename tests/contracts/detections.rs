//! Detections: the contract of the store of their groups, and many dispatchers at once over it, with every message
//! several times and in every order.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::Timestamp;
use domain::detection::{DetectionId, Entry, FiringState, Group, GroupId, GroupRecord, detection_id};
use domain::event::{ActionPattern, Event, EventPk};
use domain::message::QueuedWork;
use domain::ports::PurgeScope;
use domain::query::EventQuery;
use domain::rules_document::{
    AbsentSettings, CountSettings, Detection, DetectionKind, EventMatcher, FieldPath, FirstSeenSettings, Period,
    Policy, Repeat, RulesDocument, SequenceSettings,
};
use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};
use support::{event, unique};

use crate::dispatchers::{Dispatchers, document};
use crate::world::{World, after, somewhen};

/// Milliseconds.
pub(crate) const MINUTE: i64 = 60_000;

pub(crate) fn count(at_least: u32) -> DetectionKind {
    DetectionKind::Count(CountSettings {
        of: "failed".to_owned(),
        distinct: None,
        within: Period::parse("minutes=5").unwrap(),
        at_least,
        repeat: Repeat::Crossing,
    })
}

pub(crate) fn detection(by: &[&str], kind: DetectionKind) -> Detection {
    let by = by.iter().map(|path| FieldPath::parse(path).unwrap()).collect();
    Detection { name: unique("d"), by, max_groups: Detection::DEFAULT_MAX_GROUPS, kind }
}

fn matcher(action: &str) -> Arc<Policy> {
    let action = vec![ActionPattern::parse(action).unwrap()];
    Policy::EventMatcher(EventMatcher { action, ..EventMatcher::default() }).into()
}

/// A document with these detections over the policies `failed` and `login`, and with a rule that nothing fires.
pub(crate) fn rules(detections: &[Detection]) -> RulesDocument {
    let mut document = document(|rule| rule.bindings.clear());
    document.policies.insert("failed".to_owned(), matcher("login_failed"));
    document.policies.insert("login".to_owned(), matcher("login"));
    for detection in detections {
        document.policies.insert(detection.name.clone(), Policy::Detection(detection.clone()).into());
    }
    document
}

/// The events that the detection wrote, oldest first.
pub(crate) async fn fired(world: &World, detection: &Detection, since: Timestamp) -> Vec<Event> {
    let mut query = EventQuery {
        app: Some("nuncio.detections".to_owned()),
        since: Some(since),
        limit: 500,
        ..EventQuery::default()
    };
    let mut events = Vec::new();
    loop {
        let page = world.log.list(&query, Timestamp::MIN).await.unwrap();
        events.extend(page.results.into_iter().filter(|event| event.detection() == Some(&detection.name)));
        query.before = page.next;
        if query.before.is_none() {
            events.sort_by_key(|event| event.created);
            return events;
        }
    }
}

pub(crate) fn failed(at: Timestamp, address: &str) -> Arc<Event> {
    event("login_failed").created(at).client_ip(address).shared()
}

/// The record of a group with one member, and its id.
fn record(detection: &Detection, now: Timestamp) -> (GroupId, GroupRecord) {
    let id = detection_id(detection);
    let group = Group { id: id.group(&[&unique("value")]), values: vec![json!("192.0.2.7")] };
    let entry = Entry::from_event(&failed(now, "192.0.2.7"));
    (group.id, GroupRecord::enter(None, detection, &group, &[entry], false, now).record.unwrap())
}

pub(crate) async fn keep_all_of_a_group_and_replace_only_the_last_revision(world: &World) {
    let now = somewhen();
    let detection = detection(&["client_ip"], count(3));
    let (id, first) = record(&detection, now);
    let (other, _) = record(&detection, now);
    let second = first.settled();
    assert_eq!(world.groups.get_all(&[id, other]).await.unwrap(), [None, None]);
    assert_eq!(world.groups.put_all(&[(id, second.clone())]).await.unwrap(), [false], "there is none to replace");
    assert_eq!(world.groups.put_all(&[(id, first.clone())]).await.unwrap(), [true]);
    assert_eq!(world.groups.put_all(&[(id, first.clone()), (other, first.clone())]).await.unwrap(), [false, true]);
    assert_eq!(world.groups.get_all(&[other, id]).await.unwrap(), [Some(first.clone()), Some(first.clone())]);
    assert_eq!(world.groups.put_all(&[(id, second.clone())]).await.unwrap(), [true]);
    let third = [(id, second.settled())];
    let many = (0..16).map(|_| world.groups.put_all(&third));
    let won = join_all(many).await.into_iter().filter(|won| won.as_ref().unwrap() == &[true]).count();
    assert_eq!(won, 1, "of sixteen");
}

pub(crate) async fn list_every_group_of_a_detection_and_erase_some(world: &World) {
    let now = somewhen();
    let (detection, other) = (detection(&["client_ip"], count(3)), detection(&["client_ip"], count(3)));
    let id = detection_id(&detection);
    let mut groups: Vec<_> = (0..40).map(|_| record(&detection, now)).collect();
    world.groups.put_all(&groups).await.unwrap();
    world.groups.put_all(&[record(&other, now)]).await.unwrap();
    groups.sort_by_key(|(id, _)| *id);
    for limit in [1, 7, 40, 41] {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = world.groups.list(id, after, limit).await.unwrap();
            assert!(page.groups.len() <= limit, "{limit}");
            all.extend(page.groups);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        all.sort_by_key(|(id, _)| *id);
        assert_eq!(all, groups, "in pages of {limit}");
    }
    let gone: Vec<GroupId> = groups.drain(..10).map(|(id, _)| id).collect();
    assert_eq!(world.erasure.erase_groups(&gone).await.unwrap(), 10);
    assert_eq!(world.erasure.erase_groups(&gone).await.unwrap(), 0);
    assert_eq!(world.groups.get_all(&gone).await.unwrap(), vec![None; 10]);
    assert_eq!(world.groups.list(id, None, 100).await.unwrap().groups.len(), 30);
    let read_before = groups[0].1.settled();
    assert_eq!(world.erasure.erase_groups(&[groups[0].0]).await.unwrap(), 1);
    assert_eq!(world.groups.put_all(&[(groups[0].0, read_before)]).await.unwrap(), [false], "it stays erased");
}

pub(crate) async fn list_the_fullest_and_the_due_groups(world: &World) {
    let now = somewhen();
    let kind = AbsentSettings {
        of: "failed".to_owned(),
        every: Period::parse("minutes=10").unwrap(),
        grace: SignedDuration::ZERO,
        forget: Some(3),
        expect: Vec::new(),
    };
    let detection = detection(&["client_ip"], DetectionKind::Absent(kind));
    let id = detection_id(&detection);
    let mut ids = Vec::new();
    for fullness in [3, 1, 2] {
        let (group, record) = record(&detection, after(now, i64::from(fullness) * MINUTE));
        let record = GroupRecord { count: fullness, ..record };
        assert_eq!(world.groups.put_all(&[(group, record)]).await.unwrap(), [true]);
        ids.push(group);
    }
    let (by_fullness, by_time) = ([ids[0], ids[2], ids[1]], [ids[1], ids[2], ids[0]]);
    assert_eq!(world.groups.count(id, now).await.unwrap(), 3);
    assert_eq!(world.groups.count(DetectionId::from_definition(&[&unique("d")]), now).await.unwrap(), 0);
    let fullest = world.groups.fullest(id, now, 10).await.unwrap();
    assert_eq!(fullest.groups.iter().map(|(id, _)| *id).collect::<Vec<_>>(), by_fullness);
    assert_eq!(fullest.searched, 3);
    assert_eq!(world.groups.fullest(id, now, 2).await.unwrap().groups.len(), 2);
    let mut due = world.groups.due(after(now, 13 * MINUTE), 10_000).await.unwrap();
    due.retain(|group| group.detection() == id);
    assert_eq!(due, by_time);
    let mut due = world.groups.due(after(now, 12 * MINUTE), 10_000).await.unwrap();
    due.retain(|group| group.detection() == id);
    assert_eq!(due, by_time[..2]);
    let later = after(now, 60 * MINUTE);
    assert_eq!(world.groups.count(id, later).await.unwrap(), 0, "all have expired");
    assert_eq!(world.groups.fullest(id, later, 10).await.unwrap().groups, []);
    world.log.purge(PurgeScope::All, later, 100).await.unwrap();
}

pub(crate) async fn fire_once_for_each_run_on_many_dispatchers(world: &World) {
    let now = somewhen();
    let detection = detection(&["client_ip"], count(3));
    let dispatchers = Dispatchers::of(world, rules(std::slice::from_ref(&detection)), now);
    // Two runs for the first address, one for the second, none for the third.
    let minutes: [(&str, &[i64]); 3] =
        [("192.0.2.1", &[0, 1, 2, 3, 12, 13, 14]), ("192.0.2.2", &[0, 0, 0]), ("192.0.2.3", &[0, 5, 11, 17])];
    let events: Vec<Arc<Event>> = minutes
        .iter()
        .flat_map(|(address, minutes)| minutes.iter().map(|minute| failed(after(now, minute * MINUTE), address)))
        .collect();
    let messages: Vec<Vec<Arc<Event>>> = events.chunks(2).map(<[_]>::to_vec).collect();
    dispatchers.all_handle_all(&messages).await;
    let fired = fired(world, &detection, now).await;
    let mut addresses: Vec<_> = fired.iter().map(|event| event.client_ip.unwrap().to_string()).collect();
    addresses.sort();
    assert_eq!(addresses, ["192.0.2.1", "192.0.2.1", "192.0.2.2"]);
    for event in &fired {
        assert_eq!(event.action.as_str(), "detection");
        assert_eq!(event.context_str("state"), Some(FiringState::Fired.as_str()));
        assert!(event.pk.is_named());
    }
}

pub(crate) async fn fire_in_order_as_the_definition_says(world: &World) {
    let now = somewhen();
    let detection = detection(&["client_ip"], count(3));
    let document = rules(std::slice::from_ref(&detection));
    let dispatchers = Dispatchers::of(world, document, now);
    let events: Vec<_> = [0, 1, 4, 5, 30].map(|minute| failed(after(now, minute * MINUTE), "192.0.2.1")).into();
    for event in &events {
        for _ in 0..2 {
            dispatchers.one_handles(QueuedWork::Events(vec![event.clone()])).await;
        }
    }
    let fired = fired(world, &detection, now).await;
    assert_eq!(fired.len(), 1);
    assert_eq!(fired[0].created, events[2].created);
    let context = Value::Object(fired[0].context.clone());
    assert_eq!(context["message"], "3 failed from 192.0.2.1 within 5 minutes");
    assert_eq!(context["count"], 3);
    assert_eq!(context["by"], json!({ "client_ip": "192.0.2.1" }));
    let pks: Vec<EventPk> = serde_json::from_value(context["events"].clone()).unwrap();
    assert_eq!(pks, [events[2].pk, events[1].pk, events[0].pk]);
    let stored = world.log.get(fired[0].pk, now).await.unwrap();
    assert_eq!(stored.as_ref(), Some(&fired[0]));
}

pub(crate) async fn build_on_other_detections(world: &World) {
    let now = somewhen();
    let brute = detection(&["client_ip"], count(2));
    let sequence = SequenceSettings {
        of: vec![brute.name.clone(), "login".to_owned()],
        within: Period::parse("minutes=10").unwrap(),
        ordered: true,
    };
    let broke_in = detection(&["client_ip"], DetectionKind::Sequence(sequence));
    let dispatchers = Dispatchers::of(world, rules(&[brute.clone(), broke_in.clone()]), now);
    let mut events: Vec<_> = [0, 1].map(|minute| failed(after(now, minute * MINUTE), "192.0.2.1")).into();
    events.push(event("login").created(after(now, 2 * MINUTE)).client_ip("192.0.2.1").shared());
    dispatchers.one_handles(QueuedWork::Events(events)).await;
    let written = fired(world, &brute, now).await;
    assert_eq!(written.len(), 1);
    assert_eq!(fired(world, &broke_in, now).await, []);
    let queued = written.into_iter().map(Arc::new).collect();
    dispatchers.one_handles(QueuedWork::Events(queued)).await;
    let written = fired(world, &broke_in, now).await;
    assert_eq!(written.len(), 1, "the detection event arrived after the log-in, and was before it");
    assert_eq!(written[0].created, domain::time::to_micros(after(now, 2 * MINUTE)));
}

pub(crate) async fn report_what_is_new_and_what_is_absent(world: &World) {
    let now = somewhen();
    let new = FirstSeenSettings {
        of: "login".to_owned(),
        value: vec![FieldPath::parse("context.country").unwrap()],
        remember: Period::days(30),
        learn: SignedDuration::ZERO,
    };
    let new = detection(&["user.username"], DetectionKind::FirstSeen(new));
    let absent = AbsentSettings {
        of: "login".to_owned(),
        every: Period::parse("hours=1").unwrap(),
        grace: SignedDuration::from_mins(5),
        forget: None,
        expect: Vec::new(),
    };
    let absent = detection(&[], DetectionKind::Absent(absent));
    let dispatchers = Dispatchers::of(world, rules(&[new.clone(), absent.clone()]), now);
    let login = |minute: i64, user: &str, country: &str| {
        let login = event("login").created(after(now, minute * MINUTE)).user(json!({ "username": user }));
        login.context(json!({ "country": country })).shared()
    };
    let logins = [login(0, "ann", "DE"), login(1, "ANN", "DE"), login(2, "ann", "FR"), login(3, "bob", "DE")];
    for login in &logins {
        dispatchers.all_do(&QueuedWork::Events(vec![login.clone()])).await;
    }
    let countries: Vec<_> = fired(world, &new, now).await.iter().map(|event| event.context["value"].clone()).collect();
    let country = |name: &str| json!({ "context.country": name });
    assert_eq!(countries, [country("DE"), country("FR"), country("DE")]);

    let own =
        |ids: Vec<GroupId>| ids.into_iter().filter(|id| id.detection() == detection_id(&absent)).collect::<Vec<_>>();
    dispatchers.clock.set(after(now, 69 * MINUTE));
    let due = own(world.groups.due(after(now, 69 * MINUTE), 10_000).await.unwrap());
    assert_eq!(due.len(), 1, "an hour and five minutes after the last log-in");
    dispatchers.all_do(&QueuedWork::Groups(due)).await;
    assert_eq!(own(world.groups.due(after(now, 1000 * MINUTE), 10_000).await.unwrap()), [], "reported once");
    let back = login(90, "ann", "DE");
    dispatchers.clock.set(after(now, 90 * MINUTE));
    dispatchers.all_do(&QueuedWork::Events(vec![back.clone()])).await;
    let reports = fired(world, &absent, now).await;
    let states: Vec<_> = reports.iter().map(|event| event.context_str("state").unwrap()).collect();
    assert_eq!(states, ["fired", "resolved"]);
    assert_eq!(reports[0].created, domain::time::to_micros(after(now, 68 * MINUTE)), "the due time");
    assert_eq!(reports[0].context["events"], json!([logins[3].pk]));
    assert_eq!(reports[1].created, back.created);
}

pub(crate) async fn open_no_more_than_max_groups_and_say_so(world: &World) {
    let now = somewhen();
    let detection = Detection { max_groups: 3, ..detection(&["context.x"], count(2)) };
    let dispatchers = Dispatchers::of(world, rules(std::slice::from_ref(&detection)), now);
    let one = |value: u32| event("login_failed").created(now).context(json!({ "x": value })).shared();
    for value in 0..10 {
        dispatchers.one_handles(QueuedWork::Events(vec![one(value)])).await;
    }
    assert_eq!(world.groups.count(detection_id(&detection), now).await.unwrap(), 3);
    let open: BTreeSet<u32> = [0, 1, 2].into();
    for value in open {
        dispatchers.one_handles(QueuedWork::Events(vec![one(value)])).await;
    }
    assert_eq!(fired(world, &detection, after(now, -MINUTE)).await.len(), 3, "open groups go on");
    let query = EventQuery {
        action: Some(ActionPattern::parse("configuration_error").unwrap()),
        since: Some(after(now, -60 * MINUTE)),
        until: Some(after(now, MINUTE)),
        limit: 500,
        ..EventQuery::default()
    };
    let reports = world.log.list(&query, Timestamp::MIN).await.unwrap().results;
    let own = reports.iter().filter(|event| event.context_str("detection") == Some(&detection.name)).count();
    assert_eq!(own, 1, "one an hour");
}

pub(crate) async fn what_fired_is_stored_though_the_dispatcher_died_before(world: &World) {
    let now = somewhen();
    let detection = detection(&["client_ip"], count(2));
    let events: Vec<_> = [0, 1].map(|minute| failed(after(now, minute * MINUTE), "192.0.2.1")).into();
    // As it is between the write of the group and that of the event.
    let entries: Vec<Entry> = events.iter().map(|event| Entry::from_event(event)).collect();
    let group = domain::detection::groups(&detection, detection_id(&detection), &events[0]).unwrap().remove(0);
    let record = GroupRecord::enter(None, &detection, &group, &entries, false, now).record.unwrap();
    assert_eq!(record.outbox.len(), 1);
    world.groups.put_all(&[(group.id, record)]).await.unwrap();
    let dispatchers = Dispatchers::of(world, rules(std::slice::from_ref(&detection)), now);
    dispatchers.all_handle_all(&[events.clone(), events]).await;
    assert_eq!(fired(world, &detection, now).await.len(), 1);
    let stored = world.groups.get_all(&[group.id]).await.unwrap().pop().flatten().unwrap();
    assert_eq!(stored.outbox, [], "and it is not stored again when the event has expired");
}
