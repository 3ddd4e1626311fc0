//! Storm control under load: many dispatchers at once, every message several times, crashes in between.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::Timestamp;
use domain::delivery::{Delivery, DeliveryId, DeliveryState, SuppressionCause};
use domain::event::{Event, EventPk};
use domain::message::QueuedWork;
use domain::query::DeliveryQuery;
use domain::rules_document::{DigestSettings, FieldPath, Period, Throttle};
use domain::testing::serialized;
use jiff::SignedDuration;
use support::event;

use crate::dispatchers::{Dispatchers, document};
use crate::world::{World, somewhen};

fn throttle(max: u32, by: &[&str]) -> Throttle {
    let by = by.iter().map(|path| FieldPath::parse(path).unwrap()).collect();
    Throttle { max: max.try_into().unwrap(), per: Period::parse("hours=1").unwrap(), by }
}

/// Messages of three events each.
fn messages(count: usize, now: Timestamp, address: &str) -> Vec<Vec<Arc<Event>>> {
    let one = || event("login_failed").created(now).client_ip(address).shared();
    (0..count).map(|_| (0..3).map(|_| one()).collect()).collect()
}

async fn entries(world: &World, event: EventPk) -> Vec<Delivery> {
    let query = DeliveryQuery { event: Some(event), limit: 10, ..DeliveryQuery::default() };
    world.ledger.list(&query).await.unwrap().results
}

pub(crate) async fn a_throttle_lets_exactly_so_many_through(world: &World) {
    let now = somewhen();
    let rules = document(|rule| rule.throttle = Some(throttle(5, &[])));
    let dispatchers = Dispatchers::of(world, rules, now);
    let messages = messages(4, now, "192.0.2.7");
    dispatchers.all_handle_all(&messages).await;

    let mut sent: BTreeMap<EventPk, Vec<String>> = BTreeMap::new();
    for notification in dispatchers.sent.all() {
        sent.entry(notification.event.pk).or_default().push(notification.recipient.username);
    }
    assert_eq!(sent.len(), 5, "{sent:?}");
    for told in sent.values_mut() {
        told.sort();
        assert_eq!(told, &["ann", "bob"], "each person is notified of an event once");
    }
    for event in messages.iter().flatten() {
        let entries = entries(world, event.pk).await;
        assert_eq!(entries.len(), 2, "what is suppressed is in the ledger too");
        for entry in entries {
            let told = sent.contains_key(&event.pk);
            assert_eq!(entry.state, if told { DeliveryState::Delivered } else { DeliveryState::Suppressed });
            let until = domain::time::later(domain::time::to_micros(now), SignedDuration::from_hours(1));
            let cause = SuppressionCause::throttle(&throttle(5, &[]), Vec::new(), until);
            assert_eq!(entry.suppressed, (!told).then_some(cause));
        }
    }

    // When the hour has passed there is room again, and what was suppressed stays so.
    dispatchers.clock.advance(SignedDuration::from_hours(1));
    for again in messages {
        dispatchers.one_handles(QueuedWork::Events(again)).await;
    }
    assert_eq!(dispatchers.sent.all().len(), 10);
    dispatchers.one_handles(QueuedWork::Events(vec![event("login_failed").created(now).shared()])).await;
    assert_eq!(dispatchers.sent.all().len(), 12);
}

pub(crate) async fn a_throttle_counts_each_key_apart(world: &World) {
    let now = somewhen();
    let rules = document(|rule| rule.throttle = Some(throttle(2, &["client_ip"])));
    let dispatchers = Dispatchers::of(world, rules, now);
    let mut both = messages(2, now, "192.0.2.7");
    both.extend(messages(2, now, "192.0.2.8"));
    dispatchers.all_handle_all(&both).await;
    let mut sent: BTreeMap<String, usize> = BTreeMap::new();
    for notification in dispatchers.sent.all() {
        *sent.entry(notification.event.client_ip.unwrap().to_string()).or_default() += 1;
    }
    assert_eq!(sent, BTreeMap::from([("192.0.2.7".to_owned(), 4), ("192.0.2.8".to_owned(), 4)]));
}

pub(crate) async fn a_digest_tells_of_everything_in_one_message(world: &World) {
    let now = somewhen();
    let window = Period::parse("minutes=10").unwrap();
    let rules = document(|rule| rule.digest = Some(DigestSettings { window, by: Vec::new() }));
    let dispatchers = Dispatchers::of(world, rules, now);
    let messages = messages(4, now, "192.0.2.7");
    let all: Vec<Arc<Event>> = messages.iter().flatten().cloned().collect();
    world.intake.accept(&serialized(&all)).await.unwrap();
    dispatchers.all_handle_all(&messages).await;
    assert_eq!(dispatchers.sent.all().len(), 0, "it collects");

    // Each of the two is waited for by one delivery; all others are closed and name it.
    let mut carriers: BTreeMap<String, DeliveryId> = BTreeMap::new();
    let mut kept_back: Vec<(String, DeliveryId)> = Vec::new();
    for event in &all {
        for entry in entries(world, event.pk).await {
            match (entry.state, entry.suppressed) {
                (DeliveryState::Retrying, None) => {
                    assert_eq!(carriers.insert(entry.recipient.username, entry.id), None, "one window a recipient");
                }
                (DeliveryState::Suppressed, Some(SuppressionCause::Digest { delivery, .. })) => {
                    kept_back.push((entry.recipient.username, delivery));
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!((carriers.len(), kept_back.len()), (2, 22));
    assert!(kept_back.iter().all(|(who, delivery)| carriers[who] == *delivery));

    // All find it due, several times over; it is sent once.
    dispatchers.clock.advance(SignedDuration::from_mins(11));
    let due: Vec<DeliveryId> = carriers.values().copied().collect();
    dispatchers.all_do(&QueuedWork::Deliveries(due)).await;
    let sent = dispatchers.sent.all();
    assert_eq!(sent.len(), 2);
    for notification in sent {
        assert_eq!(carriers[&notification.recipient.username], notification.delivery);
        let digest = notification.digest.unwrap();
        assert_eq!((digest.count, digest.samples.len()), (12, 10));
        assert!(notification.body.starts_with("12 × login_failed from "), "{}", notification.body);
    }

    // The next event opens another window; if it remains alone, it is reported as itself.
    let late = event("login_failed").created(now).shared();
    world.intake.accept(&serialized(std::slice::from_ref(&late))).await.unwrap();
    dispatchers.one_handles(QueuedWork::Events(vec![late.clone()])).await;
    dispatchers.one_handles(QueuedWork::Events(all)).await;
    dispatchers.clock.advance(SignedDuration::from_mins(11));
    let due = entries(world, late.pk).await.iter().map(|entry| entry.id).collect();
    dispatchers.one_handles(QueuedWork::Deliveries(due)).await;
    let sent = dispatchers.sent.all();
    assert_eq!(sent.len(), 4);
    assert!(sent[2..].iter().all(|notification| notification.event.pk == late.pk && notification.digest.is_none()));
}

pub(crate) async fn what_a_wrong_clock_counted_and_collected_holds_nothing_back(world: &World) {
    let now = somewhen();
    let window = Period::parse("minutes=10").unwrap();
    let lasting = || event("login_failed").created(now).kept_for(SignedDuration::from_hours(24 * 1000)).shared();
    for days in [-400, -40, -1, 1, 40, 400] {
        let wrong = domain::time::later(now, SignedDuration::from_hours(24 * days));
        let throttled = Dispatchers::of(world, document(|rule| rule.throttle = Some(throttle(1, &[]))), wrong);
        throttled.one_handles(QueuedWork::Events(vec![lasting(), lasting()])).await;
        assert_eq!(throttled.sent.all().len(), 2, "one event, two people");
        throttled.clock.set(now);
        throttled.one_handles(QueuedWork::Events(vec![lasting(), lasting()])).await;
        assert_eq!(throttled.sent.all().len(), 4, "{days} days: there is room for another");

        let digesting = document(|rule| rule.digest = Some(DigestSettings { window, by: Vec::new() }));
        let collecting = Dispatchers::of(world, digesting, wrong);
        let first = vec![lasting(), lasting()];
        world.intake.accept(&serialized(&first)).await.unwrap();
        collecting.one_handles(QueuedWork::Events(first)).await;
        collecting.clock.set(now);
        let second = vec![lasting(), lasting()];
        world.intake.accept(&serialized(&second)).await.unwrap();
        collecting.one_handles(QueuedWork::Events(second)).await;
        let due = world.ledger.due(now, 10_000).await.unwrap();
        collecting.one_handles(QueuedWork::Deliveries(due.iter().map(|due| due.id).collect())).await;
        // A crash while a window is opened may leave two windows; each event is reported once to each of the two.
        let told = || {
            let sent = collecting.sent.all();
            sent.iter().map(|one| one.digest.as_ref().map_or(1, |digest| digest.count)).sum::<usize>()
        };
        assert_eq!(told(), 4, "{days} days: what was collected comes at once");
        let later = collecting.clock.advance(SignedDuration::from_mins(11));
        let due = world.ledger.due(later, 10_000).await.unwrap();
        collecting.one_handles(QueuedWork::Deliveries(due.iter().map(|due| due.id).collect())).await;
        assert_eq!(told(), 8, "{days} days: and what came later, when its own window has closed");
    }
}
