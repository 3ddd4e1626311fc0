//! The contract of every intake.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{Event, EventPk};

use domain::event::SerializedEvent;
use domain::testing::serialized;
use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::json;
use support::{event, random_bits, unique};

use crate::world::{DAY, HOUR, World, after, somewhen};

fn some_events(n: usize) -> Vec<Arc<Event>> {
    let (at, app) = (somewhen(), unique("app"));
    (0..n).map(|n| event("login").app(&app).created(at).context(json!({ "n": n })).shared()).collect()
}

fn pks(events: &[Arc<Event>]) -> BTreeSet<EventPk> {
    events.iter().map(|event| event.pk).collect()
}

async fn assert_stored(world: &World, events: &[Arc<Event>]) {
    let gets = events.iter().map(|event| world.log.get(event.pk, event.created));
    for (found, event) in join_all(gets).await.into_iter().zip(events) {
        assert_eq!(found.unwrap().as_ref(), Some(&**event));
    }
}

pub(crate) async fn takes_no_events_too(world: &World) {
    world.intake.accept(&serialized(&[])).await.unwrap();
    let none = world.intake.remember(&[], somewhen(), somewhen()).await.unwrap();
    assert!(none.is_empty());
}

pub(crate) async fn stores_and_queues_what_it_accepts(world: &World) {
    let full = event("model_updated")
        .created(somewhen())
        .app("authentik.core")
        .user(json!({ "pk": 1, "username": "ann", "email": "" }))
        .context(json!({ "z": [1, 2.5, null, { "é\n\"": true }], "a": "first comes z" }))
        .client_ip("2001:db8::7")
        .shared();
    let mut named = event("login").created(somewhen()).build();
    named.id = Some("their name".to_owned());
    named.source = Some("their system".to_owned());
    let events = [full, Arc::new(named)];
    world.intake.accept(&serialized(&events)).await.unwrap();
    assert_stored(world, &events).await;
    assert_eq!(world.receive_events(&pks(&events)).await, pks(&events));
}

pub(crate) async fn takes_a_whole_request(world: &World) {
    let events = some_events(1000);
    world.intake.accept(&serialized(&events)).await.unwrap();
    assert_eq!(world.receive_events(&pks(&events)).await, pks(&events));
    assert_stored(world, &events[990..]).await;
}

pub(crate) async fn takes_the_largest_event(world: &World) {
    // Unlike repeated text, this does not shrink when it is compressed.
    let text = (0..8000).map(|_| format!("{:032x}", random_bits())).collect::<Vec<_>>().concat();
    let large = event("login").created(somewhen()).context(json!({ "text": text })).shared();
    let small = event("login").created(somewhen()).shared();
    let events = [large, small];
    world.intake.accept(&serialized(&events)).await.unwrap();
    assert_stored(world, &events).await;
    assert_eq!(world.receive_events(&pks(&events)).await, pks(&events));
}

pub(crate) async fn leaves_a_stored_event_as_it_is(world: &World) {
    // Only a named event's pk can come again.
    let [some] = <[_; 1]>::try_from(some_events(1)).unwrap();
    let first = [Arc::new(Event { pk: EventPk::named(some.created, &name()), ..(*some).clone() })];
    world.intake.accept(&serialized(&first)).await.unwrap();
    world.receive_events(&pks(&first)).await;

    let changed = Arc::new(Event { app: "changed".to_owned(), ..(*first[0]).clone() });
    let new = some_events(1);
    world.intake.accept(&serialized(&[changed, new[0].clone()])).await.unwrap();
    assert_stored(world, &first).await;
    assert_stored(world, &new).await;
    world.receive_events(&pks(&new)).await;
}

pub(crate) async fn makes_room_for_an_event_that_comes_again_after_it_expired(world: &World) {
    let created = "2001-01-01T00:00:00Z".parse().unwrap();
    let kept = |hours| event("login").created(created).kept_for(SignedDuration::from_hours(hours)).build();
    let pk = EventPk::named(created, &name());
    let [expired, again] = [1, 100 * 365 * 24].map(|hours| [Arc::new(Event { pk, ..kept(hours) })]);
    world.intake.accept(&serialized(&expired)).await.unwrap();
    world.receive_events(&pks(&expired)).await;
    world.intake.accept(&serialized(&again)).await.unwrap();
    assert_stored(world, &again).await;
    assert_eq!(world.receive_events(&pks(&again)).await, pks(&again));
}

pub(crate) async fn loses_nothing_when_many_post_the_same(world: &World) {
    let events = some_events(60);
    // Each event is in three of the eight posts.
    let posts: Vec<Vec<_>> = (0..8)
        .map(|post| events.iter().cycle().skip(post * 7).take(23).cloned().map(SerializedEvent::from).collect())
        .collect();
    for accepted in join_all(posts.iter().map(|post| world.intake.accept(post))).await {
        accepted.unwrap();
    }
    assert_stored(world, &events).await;
    assert_eq!(world.receive_events(&pks(&events)).await, pks(&events));
}

fn name() -> [u8; 32] {
    let mut hash = [7; 32];
    hash[..16].copy_from_slice(&random_bits().to_be_bytes());
    hash
}

pub(crate) async fn remembers_a_name_until_its_time(world: &World) {
    let (now, other) = (somewhen(), name());
    let (until, hash) = (after(now, DAY), name());
    let pk = |millis| EventPk::unnamed(after(now, millis), random_bits());
    let [first, second, third, fourth] = [pk(0), pk(1), pk(2), pk(3)];
    let remember = |names: Vec<([u8; 32], EventPk)>, at, until| async move {
        world.intake.remember(&names, at, until).await.unwrap()
    };
    assert_eq!(remember(vec![(hash, first)], now, until).await, [first]);
    let again = after(until, -1);
    let both = remember(vec![(other, second), (hash, third)], again, after(again, DAY)).await;
    assert_eq!(both, [second, first], "another name does not disturb it, and asking does not prolong it");
    assert_eq!(remember(vec![(hash, fourth)], until, after(until, HOUR)).await, [fourth]);
    assert_eq!(remember(vec![(hash, third)], after(until, 1), after(until, DAY)).await, [fourth]);
}

pub(crate) async fn gives_a_name_one_pk_however_many_ask(world: &World) {
    let (now, hash) = (somewhen(), name());
    let proposals: Vec<_> =
        (0..16).map(|n| [(hash, EventPk::unnamed(now, n)), (name(), EventPk::unnamed(now, n))]).collect();
    let asked = proposals.iter().map(|names| world.intake.remember(names, now, after(now, DAY)));
    let answers: Vec<_> = join_all(asked).await.into_iter().map(Result::unwrap).collect();
    let given: BTreeSet<_> = answers.iter().map(|pks| pks[0]).collect();
    assert_eq!(given.len(), 1, "{given:?}");
    for (answer, asked) in answers.iter().zip(&proposals) {
        assert_eq!(answer[1], asked[1].1, "a name of one's own gets the pk proposed");
    }
}

pub(crate) async fn is_ready(world: &World) {
    world.intake.ready().await.unwrap();
}
