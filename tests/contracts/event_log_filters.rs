//! The contract of every event log's filters.

use std::sync::Arc;

use domain::event::ActionPattern;
use domain::query::search::{Search, SearchQuery};
use domain::query::{EventQuery, Searched};
use domain::testing::serialized;
use domain::{Event, Timestamp};
use jiff::SignedDuration;
use serde_json::{Value, json};
use support::{EventBuilder, event, unique};

use crate::event_log::{newest_first, of_app, walk};
use crate::world::{DAY, World, after, somewhen};

/// Stores the events a minute apart, under an app of their own, and returns the time of the last one.
async fn stored(world: &World, events: Vec<EventBuilder>) -> (EventQuery, Timestamp, Vec<Arc<Event>>) {
    let (now, app) = (somewhen(), unique("app"));
    let placed = events.into_iter().zip(0..).map(|(event, n)| event.app(&app).created(after(now, -60_000 * n)));
    let events: Vec<_> = placed.map(EventBuilder::shared).collect();
    world.intake.accept(&serialized(&events)).await.unwrap();
    (of_app(&app, now, 2), now, events)
}

/// The query finds exactly the events at these places.
async fn finds(world: &World, query: EventQuery, now: Timestamp, events: &[Arc<Event>], places: &[usize]) {
    let expected: Vec<_> = places.iter().map(|place| events[*place].clone()).collect();
    assert_eq!(walk(world, &query, now).await, newest_first(&expected), "{query:?}");
}

pub(crate) async fn keep_to_the_action(world: &World) {
    let actions = ["login", "login_failed", "logout", "model_created"];
    let (query, now, events) = stored(world, actions.map(event).to_vec()).await;
    for (pattern, places) in [("login", &[0][..]), ("log*", &[0, 1, 2]), ("*", &[0, 1, 2, 3]), ("email_sent", &[])] {
        let action = Some(ActionPattern::parse(pattern).unwrap());
        finds(world, EventQuery { action, ..query.clone() }, now, &events, places).await;
    }
}

pub(crate) async fn keep_to_the_app_and_below(world: &World) {
    let (now, app) = (somewhen(), unique("app"));
    let apps = [app.clone(), format!("{app}.core"), format!("{app}core"), format!("{app}.\"odd\"\\"), String::new()];
    let events: Vec<_> = apps.iter().map(|app| event("login").app(app).created(now).shared()).collect();
    world.intake.accept(&serialized(&events)).await.unwrap();
    for (wanted, places) in [(&apps[0], &[0, 1, 3][..]), (&apps[1], &[1]), (&apps[3], &[3])] {
        finds(world, of_app(wanted, now, 2), now, &events, places).await;
    }
}

pub(crate) async fn keep_to_the_user(world: &World) {
    let events = vec![
        event("login").user(json!({ "username": " ann" })),
        event("login_failed").context(json!({ "username": "ANN" })),
        event("login").user(json!({ "username": "anna", "email": "ann" })),
        event("login").context(json!({ "deeper": { "username": "ann" } })),
        event("login").user(json!({ "username": "o'\"neil\\é" })),
    ];
    let (query, now, events) = stored(world, events).await;
    for (name, places) in [("ann", &[0, 1][..]), ("anna", &[2]), ("O'\"NEIL\\É ", &[4]), ("Ann", &[0, 1]), ("ánn", &[])]
    {
        finds(world, EventQuery { username: Some(name.to_owned()), ..query.clone() }, now, &events, places).await;
    }
}

pub(crate) async fn keep_to_the_address(world: &World) {
    let addresses = ["192.0.2.7", "192.0.2.70", "2001:db8::7"];
    let mut events: Vec<_> = addresses.iter().map(|address| event("login").client_ip(address)).collect();
    events.push(event("login").context(json!({ "client_ip": "192.0.2.7" })));
    let (query, now, events) = stored(world, events).await;
    for (address, places) in [
        ("192.0.2.7", &[0][..]),
        ("2001:0db8:0:0:0:0:0:7", &[2]),
        ("198.51.100.1", &[]),
        ("192.0.2.0/24", &[0, 1]),
        ("192.0.2.0/28", &[0]),
        ("192.0.0.0/15", &[0, 1]),
        ("0.0.0.0/0", &[0, 1]),
        ("::ffff:192.0.2.64/122", &[1]),
        ("2001:db8::/32", &[2]),
        ("198.51.100.0/24", &[]),
    ] {
        let client_ip = Some(address.parse().unwrap());
        finds(world, EventQuery { client_ip, ..query.clone() }, now, &events, places).await;
    }
}

pub(crate) async fn keep_to_the_time(world: &World) {
    let (now, app) = (somewhen(), unique("app"));
    let micros = |micros| domain::time::later(now, SignedDuration::from_micros(micros));
    // Three within one millisecond, and one on another day.
    let times = [micros(100), micros(101), micros(999), after(now, -2 * DAY)];
    let events: Vec<_> = times.iter().map(|time| event("login").app(&app).created(*time).shared()).collect();
    world.intake.accept(&serialized(&events)).await.unwrap();
    let query = of_app(&app, now, 2);
    let later = after(now, 1);
    for (since, until, places) in [
        (now, later, &[0, 1, 2][..]),
        (micros(101), later, &[1, 2]),
        (now, micros(101), &[0]),
        (micros(101), micros(999), &[1]),
        (micros(1000), after(now, DAY), &[]),
        (after(now, -3 * DAY), now, &[3]),
        (times[3], times[3], &[]),
    ] {
        let query = EventQuery { since: Some(since), until: Some(until), ..query.clone() };
        finds(world, query, after(now, DAY), &events, places).await;
    }
}

pub(crate) async fn find_text_in_any_case(world: &World) {
    let events = vec![
        event("login").context(json!({ "message": "The Disk is FULL" })),
        event("login").user(json!({ "username": "Ärger" })),
        event("login_failed").context(json!({ "quote": "say \"disk\"" })),
    ];
    let (query, now, events) = stored(world, events).await;
    for (text, places) in
        [("disk", &[0, 2][..]), ("dISK IS", &[0]), ("ÄRGER", &[1]), ("login_FAILED", &[2]), ("nowhere", &[])]
    {
        finds(world, EventQuery { search: Some(Search::text(text)), ..query.clone() }, now, &events, places).await;
    }
}

pub(crate) async fn keep_to_the_object(world: &World) {
    let model = |app: &str, name: &str, pk: Value| {
        event("model_updated").context(json!({ "model": { "app": app, "model_name": name, "pk": pk } }))
    };
    let events = vec![
        model("core", "user", json!("7")),
        model("core", "user", json!(8)),
        model("core", "group", json!(7)),
        event("login"),
    ];
    let (query, now, events) = stored(world, events).await;
    for (model, pk, places) in [
        (Some("core.user"), None, &[0, 1][..]),
        (Some("core.user"), Some("8"), &[1]),
        (None, Some("7"), &[0, 2]),
        (Some("core.use"), None, &[]),
    ] {
        let query = EventQuery { model: model.map(str::to_owned), model_pk: pk.map(str::to_owned), ..query.clone() };
        finds(world, query, now, &events, places).await;
    }
}

pub(crate) async fn answer_queries(world: &World) {
    let events = vec![
        event("login")
            .context(json!({ "geo": { "country": "DE", "city": "say \"é\"" }, "n": 5 }))
            .client_ip("2001:db8::7"),
        event("login_failed").user(json!({ "username": "Ann", "pk": 5 })),
        event("logout")
            .context(json!({ "geo": { "country": null }, "tags": ["a:b", ["deep"]], "list": [{ "n": "x" }] })),
    ];
    let (query, now, events) = stored(world, events).await;
    for (text, places) in [
        ("action = \"login\"", &[0][..]),
        ("action startswith \"LOGIN\" and (context.n > 4 or user.pk in (5))", &[0, 1]),
        ("action = \"logout\" or action = \"login\" and context.n < 5", &[2]),
        ("context.geo.city = 'say \"é\"'", &[0]),
        ("client_ip = \"2001:0db8::0007\"", &[0]),
        ("client_ip = \"2001:db8::/32\"", &[0]),
        ("context.geo.country = None", &[1, 2]),
        ("context.geo.country != \"DE\"", &[1, 2]),
        ("context.tags = \"deep\" and context.tags = \"a:b\" and context.list.n = \"x\"", &[2]),
        ("context.tags = \"b\"", &[]),
        ("user.username ~ \"ann\" and action = \"login\"", &[]),
    ] {
        let search = Some(Search::Query(SearchQuery::parse(text).unwrap()));
        finds(world, EventQuery { search, ..query.clone() }, now, &events, places).await;
    }
}

pub(crate) async fn say_how_far_they_looked(world: &World) {
    let (now, app) = (somewhen(), unique("app"));
    let action = |n: i64| if n == 7 { "logout" } else { "login" };
    let events: Vec<_> =
        (0..10).map(|n| event(action(n)).app(&app).created(after(now, -n * 60_000)).shared()).collect();
    world.intake.accept(&serialized(&events)).await.unwrap();
    let logout = Some(ActionPattern::parse("logout").unwrap());
    let mut query = EventQuery { action: logout, examine: Some(4), ..of_app(&app, now, 5) };
    let mut found = Vec::new();
    for (from, until, looked) in [(Some(3), None, 4), (Some(7), Some(3), 4), (None, Some(7), 2)] {
        let page = world.log.list(&query, now).await.unwrap();
        let at = |place: usize| events[place].pk.instant();
        let expected =
            Searched { from: from.map_or(query.since, |place| Some(at(place))), until: until.map(at), events: looked };
        assert_eq!(page.searched, expected);
        found.extend(page.results.iter().map(|event| event.pk));
        query.before = page.next;
    }
    assert_eq!((found, query.before), (vec![events[7].pk], None));
}

pub(crate) async fn hold_together(world: &World) {
    let ann = |action| event(action).user(json!({ "username": "ann" }));
    let events = vec![
        ann("login").client_ip("192.0.2.7"),
        ann("logout").client_ip("192.0.2.7"),
        ann("login").client_ip("192.0.2.8"),
        event("login").client_ip("192.0.2.7"),
    ];
    let (query, now, events) = stored(world, events).await;
    let query = EventQuery {
        action: Some(ActionPattern::parse("login").unwrap()),
        username: Some("ann".to_owned()),
        client_ip: Some("192.0.2.7".parse().unwrap()),
        until: Some(after(now, 1)),
        search: Some(Search::text("ANN")),
        ..query
    };
    finds(world, query, now, &events, &[0]).await;
}

pub(crate) async fn fill_a_page_past_what_they_leave_out(world: &World) {
    let (now, app) = (somewhen(), unique("app"));
    let action = |n: i64| if n % 40 == 0 { "login_failed" } else { "login" };
    let events: Vec<_> =
        (0..200).map(|n| event(action(n)).app(&app).created(after(now, -n * 60_000)).shared()).collect();
    world.intake.accept(&serialized(&events)).await.unwrap();
    let failed = Some(ActionPattern::parse("login_failed").unwrap());
    let query = EventQuery { action: failed, ..of_app(&app, now, 2) };
    finds(world, query, now, &events, &[0, 40, 80, 120, 160]).await;
}
