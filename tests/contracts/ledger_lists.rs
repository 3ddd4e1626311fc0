//! The contract of every ledger's lists.

use domain::EventPk;
use domain::delivery::retry::NextStep;
use domain::delivery::{Delivery, DeliveryId, DeliveryState};
use domain::person::Person;
use domain::query::DeliveryQuery;
use domain::rules_document::Rule;
use support::{event, unique};

use crate::ledger::attempt;
use crate::world::{HOUR, World, after, somewhen};

/// All pages of a query. A page is full whenever another follows.
async fn walk(world: &World, query: &DeliveryQuery) -> Vec<DeliveryId> {
    let (mut seen, mut query) = (Vec::new(), query.clone());
    loop {
        let page = world.ledger.list(&query).await.unwrap();
        assert!(page.results.len() <= query.limit);
        seen.extend(page.results.iter().map(|entry| entry.id));
        let Some(next) = page.next else { return seen };
        assert_eq!(page.results.len(), query.limit, "a page with a next one is full");
        query.before = Some(next);
    }
}

/// The deliveries of one event for each rule, transport and recipient.
fn entries_of(event: &domain::Event, rules: &[&str], transports: &[&str], recipients: &[&str]) -> Vec<Delivery> {
    let open = |rule: &str, transport: &str, recipient: &str| {
        Delivery::open(event, &Rule::named(rule), transport, Person::new(recipient, ""), event.created)
    };
    let mut entries = Vec::new();
    for rule in rules {
        for transport in transports {
            entries.extend(recipients.iter().map(|recipient| open(rule, transport, recipient)));
        }
    }
    entries
}

fn newest_first<'a>(entries: impl IntoIterator<Item = &'a Delivery>) -> Vec<DeliveryId> {
    let mut ids: Vec<_> = entries.into_iter().map(|entry| entry.id).collect();
    ids.sort_unstable_by_key(|id| std::cmp::Reverse(id.to_bytes()));
    ids
}

pub(crate) async fn go_newest_event_first(world: &World) {
    let (now, rule) = (somewhen(), unique("rule"));
    let mut entries = Vec::new();
    for n in [3, 0, 4, 1, 2] {
        let event = event("login").created(after(now, n * 7 * HOUR)).build();
        entries.extend(entries_of(&event, &[&rule], &["mail", "chat"], &["ann", "bob"]));
    }
    world.ledger.open(&entries).await.unwrap();
    for limit in [1, 3, 20, 21] {
        let query = DeliveryQuery { rule: Some(rule.clone()), limit, ..DeliveryQuery::default() };
        assert_eq!(walk(world, &query).await, newest_first(&entries), "{limit}");
    }
}

pub(crate) async fn keep_to_what_was_asked_for(world: &World) {
    let now = somewhen();
    let [ours, theirs] = [unique("rule"), unique("rule")];
    let [here, there] = [0, 1].map(|n| event("login").created(after(now, n)).build());
    let entries: Vec<_> = [&here, &there]
        .iter()
        .flat_map(|event| entries_of(event, &[&ours, &theirs], &["mail", "chat"], &["ann", "bob"]))
        .collect();
    world.ledger.open(&entries).await.unwrap();
    let query = |event: Option<EventPk>, rule: Option<&str>, transport: Option<&str>, recipient: Option<&str>| {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let (rule, transport, recipient) = (text(rule), text(transport), text(recipient));
        DeliveryQuery { event, rule, transport, recipient, limit: 3, ..DeliveryQuery::default() }
    };
    let nowhere = event("login").created(now).build().pk;
    for (query, n) in [
        (query(Some(here.pk), None, None, None), 8),
        (query(None, Some(&ours), None, None), 8),
        (query(Some(there.pk), Some(&theirs), None, None), 4),
        (query(Some(there.pk), Some(&theirs), Some("chat"), None), 2),
        (query(None, Some(&theirs), Some("chat"), Some("bob")), 2),
        (query(Some(here.pk), Some(&ours), Some("mail"), Some("ann")), 1),
        (query(Some(here.pk), Some("ours"), None, None), 0),
        (query(Some(nowhere), None, None, None), 0),
    ] {
        let expected = newest_first(entries.iter().filter(|entry| query.matches(entry)));
        assert_eq!(expected.len(), n);
        assert_eq!(walk(world, &query).await, expected, "{query:?}");
    }
}

pub(crate) async fn keep_to_the_time_of_the_event(world: &World) {
    let (now, rule) = (somewhen(), unique("rule"));
    let mut entries = Vec::new();
    for day in 0..5 {
        let event = event("login").created(after(now, day * 24 * HOUR)).build();
        entries.extend(entries_of(&event, &[&rule], &["mail"], &["ann", "bob"]));
    }
    world.ledger.open(&entries).await.unwrap();
    let dead: Vec<_> = entries.iter().map(|entry| entry.after(attempt(now), NextStep::Dead)).collect();
    assert_eq!(world.ledger.replace(&dead).await.unwrap(), [true; 10]);
    let (second, fourth) = (after(now, 24 * HOUR), after(now, 3 * 24 * HOUR));
    for (since, until, event, n) in [
        (Some(second), Some(fourth), None, 4),
        (Some(second), None, None, 8),
        (None, Some(second), None, 2),
        (Some(fourth), Some(second), None, 0),
        (Some(second), Some(fourth), Some(entries[2].event()), 2),
        (Some(second), Some(fourth), Some(entries[0].event()), 0),
    ] {
        for state in [None, Some(DeliveryState::Dead)] {
            let rule = Some(rule.clone());
            let query = DeliveryQuery { since, until, event, state, rule, limit: 3, ..DeliveryQuery::default() };
            let expected = newest_first(dead.iter().filter(|entry| query.matches(entry)));
            assert_eq!(expected.len(), n);
            assert_eq!(walk(world, &query).await, expected, "{query:?}");
        }
    }
}

pub(crate) async fn follow_an_entry_through_its_states(world: &World) {
    let (now, rule) = (somewhen(), unique("rule"));
    let event = event("login").created(now).build();
    let entry = entries_of(&event, &[&rule], &["mail"], &["ann"]).remove(0);
    world.ledger.open(std::slice::from_ref(&entry)).await.unwrap();
    let retrying = entry.after(attempt(now), NextStep::Retry { at: now });
    let dead = retrying.after(attempt(now), NextStep::Dead);
    let again = dead.redelivered(now).unwrap();
    let delivered = again.after(attempt(now), NextStep::Closed);
    let mut suppressed = delivered.clone();
    (suppressed.revision, suppressed.state) = (delivered.revision + 1, DeliveryState::Suppressed);
    for (n, entry) in [entry, retrying, dead, again, delivered, suppressed].into_iter().enumerate() {
        if n > 0 {
            assert_eq!(world.ledger.replace(std::slice::from_ref(&entry)).await.unwrap(), [true]);
        }
        for state in [
            DeliveryState::Pending,
            DeliveryState::Retrying,
            DeliveryState::Dead,
            DeliveryState::Delivered,
            DeliveryState::Suppressed,
        ] {
            for by_event in [None, Some(event.pk)] {
                let (state, rule) = (Some(state), Some(rule.clone()));
                let query = DeliveryQuery { state, rule, event: by_event, limit: 5, ..DeliveryQuery::default() };
                let expected: Vec<_> = (state == Some(entry.state)).then_some(entry.id).into_iter().collect();
                assert_eq!(walk(world, &query).await, expected, "step {n}: {state:?}");
            }
        }
    }
}
