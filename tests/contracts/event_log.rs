//! The contract of every event log: which events are visible, in which order, and for how long.

use std::sync::Arc;

use domain::delivery::Delivery;
use domain::event::Action;
use domain::notification::inbox::InboxItem;
use domain::person::Person;
use domain::ports::PurgeScope;
use domain::query::EventQuery;
use domain::rules_document::{Rule, Severity};
use domain::testing::serialized;
use domain::{Event, EventPk, Timestamp};
use jiff::SignedDuration;
use support::{event, random_bits, unique};

use crate::world::{DAY, HOUR, World, after, somewhen};

/// All pages of a query. A page is full whenever another follows.
pub(crate) async fn walk(world: &World, query: &EventQuery, now: Timestamp) -> Vec<EventPk> {
    let (mut seen, mut query) = (Vec::new(), query.clone());
    loop {
        let page = world.log.list(&query, now).await.unwrap();
        assert!(page.results.len() <= query.limit);
        seen.extend(page.results.iter().map(|event| event.pk));
        let Some(next) = page.next else { return seen };
        assert_eq!(page.results.len(), query.limit, "a page with a next one is full");
        query.before = Some(next);
    }
}

/// Newest first.
pub(crate) fn newest_first(events: &[Arc<Event>]) -> Vec<EventPk> {
    let mut pks: Vec<_> = events.iter().map(|event| event.pk).collect();
    pks.sort_unstable_by(|a, b| b.cmp(a));
    pks
}

/// A query for the events of this app, from a week before `now` on.
pub(crate) fn of_app(app: &str, now: Timestamp, limit: usize) -> EventQuery {
    EventQuery { app: Some(app.to_owned()), since: Some(after(now, -7 * DAY)), limit, ..EventQuery::default() }
}

pub(crate) async fn knows_only_what_was_stored(world: &World) {
    let now = somewhen();
    assert_eq!(world.log.get(EventPk::unnamed(now, random_bits()), now).await.unwrap(), None);
    assert!(walk(world, &of_app(&unique("app"), now, 10), now).await.is_empty());
}

pub(crate) async fn hides_an_event_from_its_expiry_on(world: &World) {
    let (now, app) = (somewhen(), unique("app"));
    let brief = event("login").app(&app).created(now).kept_for(SignedDuration::from_secs(2)).shared();
    let lasting = event("login").app(&app).created(now).shared();
    world.intake.accept(&serialized(&[brief.clone(), lasting.clone()])).await.unwrap();
    for (millis, visible) in [(0, true), (1999, true), (2000, false), (2001, false)] {
        let at = after(now, millis);
        assert_eq!(world.log.get(brief.pk, at).await.unwrap().is_some(), visible, "{millis}");
        let listed = walk(world, &of_app(&app, now, 10), at).await;
        assert_eq!(listed.contains(&brief.pk), visible, "{millis}");
        assert!(listed.contains(&lasting.pk), "{millis}");
    }
}

pub(crate) async fn goes_newest_first_page_by_page(world: &World) {
    let (now, app) = (somewhen(), unique("app"));
    // Over five days, stored in no order.
    let events: Vec<_> =
        (0..23).map(|n| event("login").app(&app).created(after(now, -((n * 5) % 23) * 5 * HOUR)).shared()).collect();
    world.intake.accept(&serialized(&events)).await.unwrap();
    for limit in [1, 5, 22, 23, 24] {
        assert_eq!(walk(world, &of_app(&app, now, limit), now).await, newest_first(&events), "{limit}");
    }
    let whole = world.log.list(&of_app(&app, now, 24), now).await.unwrap();
    assert_eq!(whole.next, None, "no cursor where nothing can follow");
    for event in whole.results {
        assert!(events.iter().any(|stored| **stored == event), "as it was stored");
    }
}

pub(crate) async fn keeps_its_place_within_a_millisecond(world: &World) {
    let (now, app) = (somewhen(), unique("app"));
    let events: Vec<_> = (0..40).map(|_| event("login").app(&app).created(now).shared()).collect();
    world.intake.accept(&serialized(&events)).await.unwrap();
    assert_eq!(walk(world, &of_app(&app, now, 3), now).await, newest_first(&events));
}

pub(crate) async fn shows_each_event_once_while_others_arrive(world: &World) {
    let (now, app) = (somewhen(), unique("app"));
    let at = |millis| event("login").app(&app).created(after(now, millis)).shared();
    let there: Vec<_> = (0..30).map(|n| at(-n * HOUR)).collect();
    world.intake.accept(&serialized(&there)).await.unwrap();
    let (mut query, mut seen) = (of_app(&app, now, 4), Vec::new());
    for page in 0.. {
        let results = world.log.list(&query, after(now, DAY)).await.unwrap();
        seen.extend(results.results.iter().map(|event| event.pk));
        let Some(next) = results.next else { break };
        query.before = Some(next);
        // One newer than all, one between what was seen and what comes.
        world.intake.accept(&serialized(&[at(HOUR + page), at(-15 * HOUR - 1 - page)])).await.unwrap();
    }
    for event in &there {
        assert_eq!(seen.iter().filter(|pk| **pk == event.pk).count(), 1);
    }
    let mut ordered = seen.clone();
    ordered.sort_unstable_by(|a, b| b.cmp(a));
    ordered.dedup();
    assert_eq!(seen, ordered);
}

pub(crate) async fn needs_no_bounds(world: &World) {
    let (now, app) = (somewhen(), unique("app"));
    let events: Vec<_> = (0..3).map(|n| event("login").app(&app).created(after(now, -n * DAY)).shared()).collect();
    world.intake.accept(&serialized(&events)).await.unwrap();
    let query = EventQuery { app: Some(app), limit: 3, ..EventQuery::default() };
    let page = world.log.list(&query, now).await.unwrap();
    assert_eq!(page.results.iter().map(|event| event.pk).collect::<Vec<_>>(), newest_first(&events));
}

/// A time long before those of all other contracts, so that the purge deletes none of their events. Whole seconds,
/// because some stores keep the expiry in seconds.
fn long_ago() -> Timestamp {
    let start: Timestamp = "2090-01-01T00:00:00Z".parse().unwrap();
    after(start, i64::try_from(random_bits() % 1_000_000).unwrap() * 1000)
}

fn item(username: &str, event: &Event) -> InboxItem {
    InboxItem {
        pk: unique("0"),
        username: username.to_owned(),
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

pub(crate) async fn purges_what_has_expired_and_nothing_else(world: &World) {
    let (now, ann) = (long_ago(), unique("ann"));
    let end = after(now, 1000);
    let stored = |seconds| event("login").created(now).kept_for(SignedDuration::from_secs(seconds)).shared();
    let expiring: Vec<_> = (0..7).map(|_| stored(1)).collect();
    let staying = stored(2);
    world.intake.accept(&serialized(&expiring)).await.unwrap();
    world.intake.accept(&serialized(std::slice::from_ref(&staying))).await.unwrap();
    let open = |event: &Event| {
        let entry = Delivery::open(event, &Rule::named("r"), "t", Person::new(&ann, ""), now);
        Delivery { expires: event.expires, ..entry }
    };
    let (old_entry, entry) = (open(&expiring[0]), open(&staying));
    world.ledger.open(&[old_entry.clone(), entry.clone()]).await.unwrap();
    world.inbox.put(&item(&ann, &expiring[0])).await.unwrap();
    world.inbox.put(&item(&ann, &staying)).await.unwrap();

    let mut deleted = 0;
    for _ in 0..1000 {
        let some = world.log.purge(PurgeScope::All, end, 3).await.unwrap();
        assert!(some <= 3, "{some}");
        deleted += some;
        if some == 0 {
            break;
        }
    }
    assert!(deleted >= 9, "{deleted}");
    // Asked as of before their expiry: they are not hidden, they are gone.
    for event in &expiring {
        assert_eq!(world.log.get(event.pk, now).await.unwrap(), None);
    }
    assert_eq!(world.ledger.get(old_entry.id).await.unwrap(), None);
    assert_eq!(world.log.get(staying.pk, end).await.unwrap().as_ref(), Some(&*staying));
    assert_eq!(world.ledger.get(entry.id).await.unwrap(), Some(entry));
    assert_eq!(world.inbox.list(&ann, None, None, 10, now).await.unwrap().results.len(), 1);
}
