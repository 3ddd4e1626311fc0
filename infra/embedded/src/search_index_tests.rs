use std::sync::Arc;

use domain::ports::{EventLog as _, EventPage, Intake as _};
use domain::query::EventQuery;
use domain::query::dimension::Dimension;
use domain::query::search::Search;
use domain::testing::serialized;
use domain::{Event, Timestamp};
use jiff::SignedDuration;
use serde_json::json;

use crate::Store;

/// More events than are scanned before the index is used.
const MANY: u32 = 1500;

fn now() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn event(number: u32, username: &str, message: &str) -> Arc<Event> {
    domain::testing::event("login")
        .created(domain::time::later(now(), SignedDuration::from_secs(number.into())))
        .random(number.into())
        .expires("2199-01-01T00:00:00Z".parse().unwrap())
        .user(json!({ "username": username }))
        .context(json!({ "message": message }))
        .shared()
}

/// Three rare events, the oldest ones, before many others.
async fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut events = vec![event(1, "zoe", "Größe \"X\""), event(2, "zoe", "a NEEDLE"), event(3, "yan", "haystack")];
    events.extend((10..10 + MANY).map(|number| event(number, "ann", &format!("hay {number}"))));
    for batch in events.chunks(500) {
        store.accept(&serialized(batch)).await.unwrap();
    }
    (folder, store)
}

async fn fill(store: &Store) {
    while store.fill_search_index().await.unwrap() > 0 {}
}

fn text(text: &str) -> EventQuery {
    EventQuery { search: Some(Search::read(text).0), limit: 50, ..EventQuery::default() }
}

async fn list(store: &Store, query: &EventQuery) -> EventPage {
    store.list(query, now()).await.unwrap()
}

fn messages(page: &EventPage) -> Vec<&str> {
    page.results.iter().filter_map(|event| event.context_str("message")).collect()
}

#[tokio::test]
async fn finds_what_reading_everything_finds() {
    let (_folder, store) = store().await;
    let by = |username: &str| EventQuery { username: Some(username.to_owned()), limit: 50, ..EventQuery::default() };
    let mut queries: Vec<_> =
        ["needle", "größe \\\"x", "ha", "stack", "hay 15", "nowhere", "\"", "zoe"].map(text).into();
    queries.extend([text("user.username = \"zoe\" and context.message ~ \"needle\""), by("zoe"), by("yan"), by("ann")]);
    queries.push(EventQuery { limit: 1, ..by("zoe") });
    queries.push(EventQuery { since: Some(domain::time::later(now(), SignedDuration::from_secs(2))), ..by("zoe") });
    let mut read = Vec::new();
    for query in &queries {
        read.push(list(&store, query).await);
    }
    fill(&store).await;
    for (query, read) in queries.iter().zip(read) {
        let found = list(&store, query).await;
        assert_eq!((messages(&found), found.next), (messages(&read), read.next), "{query:?}");
    }
}

#[tokio::test]
async fn what_nearly_every_event_has_is_not_looked_up() {
    let (folder, _store) = store().await;
    let events = rusqlite::Connection::open(folder.path().join("nuncio.db")).unwrap();
    let selective_trigrams =
        |text: &str| super::selective_trigrams(&events, super::trigrams(&[text.to_owned()])).unwrap();
    assert_eq!(selective_trigrams("\"username\":\"zoe\""), ["\"zo", ":\"z", "oe\"", "zoe"]);
    // Where nothing tells, everything is asked for.
    assert_eq!(selective_trigrams("user"), ["ser", "use"]);
}

#[tokio::test]
async fn what_is_rare_is_found_without_reading_the_rest() {
    let (_folder, store) = store().await;
    fill(&store).await;
    let page = list(&store, &text("needle")).await;
    assert_eq!(messages(&page), ["a NEEDLE"]);
    assert!(page.searched.events < 1100, "{:?}", page.searched);
    assert_eq!((page.searched.from, page.next), (None, None));
}

#[tokio::test]
async fn what_came_since_is_found_too() {
    let (_folder, store) = store().await;
    fill(&store).await;
    // Late: older than everything that is looked at first.
    store.accept(&serialized(&[event(5, "zoe", "another needle")])).await.unwrap();
    assert_eq!(messages(&list(&store, &text("needle")).await), ["another needle", "a NEEDLE"]);
}

#[tokio::test]
async fn begins_anew_where_rows_belong_to_other_events() {
    let (folder, store) = store().await;
    fill(&store).await;
    let beside = rusqlite::Connection::open(folder.path().join("nuncio.db")).unwrap();
    beside.execute("DELETE FROM events WHERE rowid > 5", []).unwrap();
    let others: Vec<_> = (0..MANY).map(|number| event(20_000 + number, "ann", "hay")).collect();
    store.accept(&serialized(&[event(4, "zoe", "the needle of another day")])).await.unwrap();
    store.accept(&serialized(&others)).await.unwrap();
    fill(&store).await;
    assert_eq!(messages(&list(&store, &text("needle")).await), ["the needle of another day", "a NEEDLE"]);
}

#[tokio::test]
async fn counts_by_the_hour_what_it_has_read_and_what_it_has_not() {
    let (_folder, store) = store().await;
    let hour = domain::query::volume::hour_of(event(1, "", "").pk);
    let until = domain::time::later(hour, SignedDuration::from_hours(1));
    let counted = async |by| {
        let mut counted = store.counted(by, hour, until).await.unwrap().unwrap();
        counted.sort();
        counted
    };
    let wanted = |zoe| vec![("ann".to_owned(), u64::from(MANY)), ("yan".to_owned(), 1), ("zoe".to_owned(), zoe)];
    assert_eq!(store.counted(Dimension::Username, hour, until).await.unwrap(), None);
    fill(&store).await;
    assert_eq!(counted(Dimension::Username).await, wanted(2));
    store.accept(&serialized(&[event(5, "zoe", "late"), event(7200, "ann", "of another hour")])).await.unwrap();
    assert_eq!(counted(Dimension::Username).await, wanted(3));
    fill(&store).await;
    assert_eq!(counted(Dimension::Username).await, wanted(3));
    assert_eq!(counted(Dimension::ClientIp).await, []);
}

#[tokio::test]
async fn forgets_what_is_gone() {
    let (folder, store) = store().await;
    fill(&store).await;
    let rows = || -> i64 {
        let index = rusqlite::Connection::open(folder.path().join("search.db")).unwrap();
        index.query_row("SELECT count(*) FROM bodies", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(rows(), i64::from(MANY) + 3);
    let beside = rusqlite::Connection::open(folder.path().join("nuncio.db")).unwrap();
    beside.execute("DELETE FROM events WHERE rowid < 1000", []).unwrap();
    // One part of the index at a time, from its beginning.
    for _ in 0..2 {
        fill(&store).await;
    }
    assert_eq!(rows(), i64::from(MANY) + 3 - 999);
    assert_eq!(messages(&list(&store, &text("needle")).await), Vec::<&str>::new());
}

#[tokio::test]
async fn a_damaged_index_is_made_anew_and_keeps_nothing_from_being_found() {
    let (folder, store) = store().await;
    std::fs::write(folder.path().join("search.db"), "no database").unwrap();
    assert_eq!(messages(&list(&store, &text("needle")).await), ["a NEEDLE"]);
    fill(&store).await;
    let page = list(&store, &text("needle")).await;
    assert_eq!(messages(&page), ["a NEEDLE"]);
    assert!(page.searched.events < 1100, "{:?}", page.searched);
}
