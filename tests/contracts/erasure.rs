//! The contract of every store for deletions before the expiry.

use domain::delivery::Delivery;
use domain::event::Action;
use domain::notification::inbox::InboxItem;
use domain::person::Person;
use domain::rules_document::{Rule, Severity};
use domain::testing::serialized;
use domain::{Event, Timestamp};
use support::{event, unique};

use crate::world::{World, somewhen};

pub(crate) fn entry(event: &Event, person: &str, now: Timestamp) -> Delivery {
    Delivery::open(event, &Rule::named("r"), "t", Person::new(person, ""), now)
}

pub(crate) fn item(entry: &Delivery, event: &Event) -> InboxItem {
    InboxItem {
        pk: InboxItem::pk_for_delivery(entry.created, entry.id),
        username: entry.recipient.label().to_owned(),
        severity: Severity::Notice,
        body: String::new(),
        created: event.created,
        event: event.pk,
        action: Action::parse("login").unwrap(),
        rule: "r".to_owned(),
        hyperlink: None,
        hyperlink_label: None,
        seen: false,
        expires: event.expires,
    }
}

pub(crate) async fn takes_away_what_it_is_told_and_nothing_else(world: &World) {
    let (now, ann, bob) = (somewhen(), unique("ann"), unique("bob"));
    let events: Vec<_> = (0..40).map(|_| event("login").created(now).shared()).collect();
    world.intake.accept(&serialized(&events)).await.unwrap();
    let entries: Vec<_> = events.iter().map(|event| entry(event, &ann, now)).collect();
    world.ledger.open(&entries).await.unwrap();
    let items: Vec<_> = entries.iter().zip(&events).map(|(entry, event)| item(entry, event)).collect();
    for item in &items {
        world.inbox.put(item).await.unwrap();
        world.inbox.put(&InboxItem { username: bob.clone(), ..item.clone() }).await.unwrap();
    }

    let pks: Vec<_> = events[..30].iter().map(|event| event.pk).collect();
    let ids: Vec<_> = entries[..30].iter().map(|entry| entry.id).collect();
    let names: Vec<_> = items[..30].iter().map(|item| item.pk.clone()).collect();
    for erased in [30, 0] {
        assert_eq!(world.erasure.erase_events(&pks).await.unwrap(), erased);
        assert_eq!(world.erasure.erase_deliveries(&ids).await.unwrap(), erased);
        assert_eq!(world.erasure.erase_inbox(&ann, &names).await.unwrap(), erased);
    }
    assert_eq!(world.erasure.erase_events(&[]).await.unwrap(), 0);
    for (n, (event, entry)) in events.iter().zip(&entries).enumerate() {
        assert_eq!(world.log.get(event.pk, now).await.unwrap().is_some(), n >= 30);
        assert_eq!(world.ledger.get(entry.id).await.unwrap().is_some(), n >= 30);
    }
    let inbox = async |name: &str| world.inbox.list(name, None, None, 100, now).await.unwrap().results.len();
    assert_eq!((inbox(&ann).await, inbox(&bob).await), (10, 40));
    // A dispatcher that comes too late opens nothing again by closing it.
    let closed = Delivery { revision: 1, lease: None, ..entries[0].clone() };
    assert_eq!(world.ledger.replace(&[closed]).await.unwrap(), [false]);
}
