//! The contract of every inbox.

use domain::event::Action;
use domain::notification::inbox::InboxItem;
use domain::rules_document::Severity;
use domain::{EventPk, Timestamp};
use support::{random_bits, unique};

use crate::world::{HOUR, World, after, somewhen};

pub(crate) fn item(username: &str, created: Timestamp) -> InboxItem {
    InboxItem {
        pk: format!("{:012x}.{:x}", created.as_millisecond(), random_bits()),
        username: username.to_owned(),
        severity: Severity::Warning,
        body: "something happened, \"é\"".to_owned(),
        created,
        event: EventPk::unnamed(created, random_bits()),
        action: Action::parse("login_failed").unwrap(),
        rule: "brute-force".to_owned(),
        hyperlink: Some("https://example.org/".to_owned()),
        hyperlink_label: None,
        seen: false,
        expires: after(created, HOUR),
    }
}

pub(crate) async fn walk(
    world: &World,
    username: &str,
    seen: Option<bool>,
    limit: usize,
    now: Timestamp,
) -> Vec<InboxItem> {
    let (mut items, mut before) = (Vec::new(), None);
    loop {
        let page = world.inbox.list(username, seen, before.as_deref(), limit, now).await.unwrap();
        assert!(page.results.len() <= limit);
        let full = page.results.len() == limit;
        items.extend(page.results);
        before = page.next;
        if before.is_none() {
            return items;
        }
        assert!(full, "a page with a next one is full");
    }
}

pub(crate) async fn holds_an_item_once(world: &World) {
    let (now, ann) = (somewhen(), unique("ann"));
    let first = item(&ann, now);
    world.inbox.put(&first).await.unwrap();
    world.inbox.mark(&ann, &first.pk, true).await.unwrap();
    // A repeated delivery does not make it new again.
    world.inbox.put(&InboxItem { body: "again".to_owned(), ..first.clone() }).await.unwrap();
    assert_eq!(walk(world, &ann, None, 10, now).await, [InboxItem { seen: true, ..first }]);
}

pub(crate) async fn opens_whatever_the_length_of_the_username(world: &World) {
    let now = somewhen();
    let long = unique("ann").repeat(400);
    let stored = item(&long, now);
    world.inbox.put(&stored).await.unwrap();
    assert_eq!(walk(world, &long, None, 10, now).await, std::slice::from_ref(&stored));
    assert_eq!(walk(world, &long.to_uppercase(), None, 10, now).await, [stored]);
    assert_eq!(walk(world, &format!("{long}x"), None, 10, now).await, []);
    assert_eq!(world.inbox.mark(&long, &long, true).await.unwrap(), None);
    assert_eq!(world.inbox.mark_all_seen(&long).await.unwrap(), 1);
}

pub(crate) async fn goes_newest_first_page_by_page(world: &World) {
    let (now, ann) = (somewhen(), unique("ann"));
    let mut items: Vec<_> = (0..11).map(|n| item(&ann, after(now, (n * 4) % 11 * 1000))).collect();
    for item in &items {
        world.inbox.put(item).await.unwrap();
    }
    items.sort_unstable_by(|a, b| b.pk.cmp(&a.pk));
    for limit in [1, 3, 11, 12] {
        assert_eq!(walk(world, &ann, None, limit, now).await, items, "{limit}");
    }
}

pub(crate) async fn tells_seen_from_unseen(world: &World) {
    let (now, ann) = (somewhen(), unique("ann"));
    let items: Vec<_> = (0..30).map(|n| item(&ann, after(now, -n))).collect();
    for item in &items {
        world.inbox.put(item).await.unwrap();
    }
    assert_eq!(walk(world, &ann, Some(true), 4, now).await, []);

    let third = &items[3];
    let marked = world.inbox.mark(&ann, &third.pk, true).await.unwrap();
    assert_eq!(marked, Some(InboxItem { seen: true, ..third.clone() }));
    assert_eq!(walk(world, &ann, Some(true), 4, now).await, [InboxItem { seen: true, ..third.clone() }]);
    assert_eq!(walk(world, &ann, Some(false), 4, now).await.len(), 29);

    let unmarked = world.inbox.mark(&ann, &third.pk, false).await.unwrap();
    assert_eq!(unmarked.as_ref(), Some(third));
    assert_eq!(walk(world, &ann, Some(false), 4, now).await, items);

    world.inbox.mark(&ann, &third.pk, true).await.unwrap();
    assert_eq!(world.inbox.mark_all_seen(&ann).await.unwrap(), 29);
    assert_eq!(world.inbox.mark_all_seen(&ann).await.unwrap(), 0);
    assert_eq!(walk(world, &ann, Some(false), 4, now).await, []);
    assert_eq!(walk(world, &ann, Some(true), 4, now).await.len(), 30);
}

pub(crate) async fn belongs_to_one_person(world: &World) {
    let (now, ann, bob) = (somewhen(), unique("ann"), unique("bob"));
    let (hers, his) = (item(&ann, now), item(&bob, now));
    world.inbox.put(&hers).await.unwrap();
    world.inbox.put(&his).await.unwrap();
    assert_eq!(world.inbox.mark(&bob, &hers.pk, true).await.unwrap(), None);
    assert_eq!(world.inbox.mark(&ann, "no such item", true).await.unwrap(), None);
    assert_eq!(world.inbox.mark_all_seen(&bob).await.unwrap(), 1);
    assert_eq!(walk(world, &ann, None, 10, now).await, [hers]);
    assert_eq!(walk(world, &bob, None, 10, now).await, [InboxItem { seen: true, ..his }]);
}

pub(crate) async fn opens_by_every_spelling_of_the_username(world: &World) {
    let (now, name) = (somewhen(), unique("stra\u{df}e"));
    let spellings = [name.clone(), name.to_uppercase(), format!(" {name} "), name.replace('\u{df}', "SS")];
    let items: Vec<_> = spellings.iter().zip(0..).map(|(name, n)| item(name, after(now, -n))).collect();
    for item in &items {
        world.inbox.put(item).await.unwrap();
    }
    for name in &spellings {
        let pks = |items: &[InboxItem]| items.iter().map(|item| item.pk.clone()).collect::<Vec<_>>();
        assert_eq!(pks(&walk(world, name, None, 3, now).await), pks(&items), "{name}");
        assert!(world.inbox.mark(name, &items[0].pk, true).await.unwrap().is_some(), "{name}");
    }
    assert_eq!(world.inbox.mark_all_seen(&spellings[3]).await.unwrap(), 3);
    let pks: Vec<_> = items.iter().map(|item| item.pk.clone()).collect();
    assert_eq!(world.erasure.erase_inbox(&spellings[1], &pks).await.unwrap(), 4);
    assert_eq!(walk(world, &name, None, 3, now).await, []);
}

pub(crate) async fn hides_an_item_from_its_expiry_on(world: &World) {
    let (now, ann) = (somewhen(), unique("ann"));
    let (brief, lasting) = (item(&ann, now), item(&ann, after(now, 1)));
    world.inbox.put(&brief).await.unwrap();
    world.inbox.put(&lasting).await.unwrap();
    let at = |now| walk(world, &ann, None, 10, now);
    assert_eq!(at(after(now, HOUR - 1)).await, [lasting.clone(), brief]);
    assert_eq!(at(after(now, HOUR)).await, [lasting]);
    assert_eq!(at(after(now, HOUR + 1)).await, []);
}
