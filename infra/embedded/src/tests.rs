//! Tests of this store alone; the contracts of every store are in `tests/contracts`.

use std::sync::Arc;
use std::time::Duration;

use domain::access::token::Token;
use domain::delivery::Delivery;
use domain::event::Action;
use domain::message::{QueueMessage, QueuedWork};
use domain::person::Person;
use domain::ports::{EventLog, Intake as _, Ledger, StoreError, Tokens as _, WorkQueue as _};
use domain::query::EventQuery;
use domain::rules_document::Rule;
use domain::testing::serialized;
use domain::{Event, EventPk, Timestamp};
use jiff::SignedDuration;
use rusqlite::Connection;

use super::*;

fn now() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn event(number: u128) -> Arc<Event> {
    let expires = "2199-01-01T00:00:00Z".parse().unwrap();
    domain::testing::event("login").created(now()).random(number).expires(expires).shared()
}

fn events(numbers: std::ops::Range<u128>) -> Vec<Arc<Event>> {
    numbers.map(event).collect()
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn pks(job: &QueuedMessage) -> Vec<EventPk> {
    match job.message.clone().into_work() {
        QueuedWork::Events(events) => events.iter().map(|event| event.pk).collect(),
        other => panic!("{other:?}"),
    }
}

/// A second connection to the same file, as another program opens it.
fn beside(folder: &tempfile::TempDir) -> Connection {
    Connection::open(folder.path().join("nuncio.db")).unwrap()
}

async fn set_writer(store: &Store, pragma: &'static str, value: i64) {
    let set = move |connection: &Connection| {
        Ok(connection.pragma_update_and_check(None, pragma, value, |_| Ok(())).or_else(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => Ok(()),
            other => Err(other),
        })?)
    };
    store.writer.write(set).await.unwrap();
}

#[tokio::test]
async fn what_was_accepted_is_there_after_reopening_and_evaluated_once() {
    let (folder, store) = store();
    store.accept(&serialized(&events(0..250))).await.unwrap();
    store.accept(&serialized(&events(200..260))).await.unwrap();
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    let jobs = store.take(now(), 100).await.unwrap();
    let taken: Vec<_> = jobs.iter().flat_map(pks).collect();
    assert_eq!(taken, events(0..260).iter().map(|event| event.pk).collect::<Vec<_>>());
    assert!(jobs.iter().all(|job| job.attempts == 1 && pks(job).len() <= 100));
    for job in jobs {
        store.finish(job.receipt).await.unwrap();
    }
    assert_eq!(store.next_due().await.unwrap(), None);
}

#[tokio::test]
async fn an_expired_event_that_awaits_its_deletion_makes_room_for_itself() {
    let (_folder, store) = store();
    let expired = Event { expires: now(), ..Event::clone(&event(0)) };
    for kept in [Arc::new(expired), event(0)] {
        store.accept(&serialized(&[kept])).await.unwrap();
        assert_eq!(store.take(now(), 10).await.unwrap().len(), 1);
    }
    assert!(EventLog::get(&store, event(0).pk, now()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_taken_job_stays_away_until_it_is_released_or_its_lease_ends() {
    let (_folder, store) = store();
    store.accept(&serialized(&events(0..1))).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(Timestamp::UNIX_EPOCH));
    let first = store.take(now(), 10).await.unwrap().remove(0);
    assert!(store.take(now(), 10).await.unwrap().is_empty());
    let lease_ends = domain::time::later(now(), LEASE);
    assert_eq!(store.next_due().await.unwrap(), Some(lease_ends));

    let soon = domain::time::later(now(), SignedDuration::from_secs(5));
    store.release(first.receipt, soon).await.unwrap();
    assert!(store.take(now(), 10).await.unwrap().is_empty());
    let again = store.take(soon, 10).await.unwrap().remove(0);
    assert_eq!((again.attempts, &again.message), (2, &first.message));

    let late = domain::time::later(soon, LEASE);
    assert_eq!(store.take(late, 10).await.unwrap().remove(0).attempts, 3);
}

#[tokio::test]
async fn what_waited_comes_before_what_is_new() {
    let (_folder, store) = store();
    store.accept(&serialized(&events(0..1))).await.unwrap();
    let waited = store.take(now(), 1).await.unwrap().remove(0);
    store.release(waited.receipt, now()).await.unwrap();
    store.accept(&serialized(&events(1..2))).await.unwrap();
    let order: Vec<_> = store.take(now(), 2).await.unwrap().iter().flat_map(pks).collect();
    assert_eq!(order, [event(0).pk, event(1).pk]);
}

#[tokio::test]
async fn a_new_process_frees_what_a_dead_one_held() {
    let (folder, store) = store();
    store.accept(&serialized(&events(0..1))).await.unwrap();
    store.take(now(), 10).await.unwrap();
    let open = |recipient| Delivery::open(&event(0), &Rule::named("r"), "t", Person::new(recipient, ""), now());
    let (held, delivered) = (open("ann"), open("bob"));
    store.open(&[held.clone(), delivered.clone()]).await.unwrap();
    let attempt = domain::delivery::Attempt { at: now(), status: None, error: None, ms: 1 };
    let delivered = delivered.after(attempt, domain::delivery::retry::NextStep::Closed);
    assert_eq!(store.replace(std::slice::from_ref(&delivered)).await.unwrap(), [true]);
    drop(store);

    let store = Store::open(folder.path()).unwrap();
    assert!(held.claim(now()).is_err());
    assert_eq!(store.release_leases().await.unwrap(), ReleasedLeases { messages: 1, deliveries: 1, operator_jobs: 0 });
    assert_eq!(store.take(now(), 10).await.unwrap().len(), 1);
    let freed = Ledger::get(&store, held.id).await.unwrap().unwrap();
    assert_eq!(freed.revision, 1);
    let claimed = freed.claim(now()).unwrap();
    assert_eq!(store.replace(&[claimed]).await.unwrap(), [true]);
    assert_eq!(Ledger::get(&store, delivered.id).await.unwrap(), Some(delivered));
}

#[tokio::test]
async fn a_waiting_poller_is_woken_by_work() {
    let (_folder, store) = store();
    let long = Duration::from_secs(30);
    let poller = tokio::spawn({
        let store = store.clone();
        async move {
            store.work_arrived(long).await;
            store.take(now(), 10).await.unwrap().len()
        }
    });
    store.accept(&serialized(&events(0..1))).await.unwrap();
    assert_eq!(tokio::time::timeout(long / 2, poller).await.unwrap().unwrap(), 1);
    // Nothing new: the wait ends by itself.
    store.accept(&serialized(&events(0..1))).await.unwrap();
    store.work_arrived(Duration::from_millis(5)).await;
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_and_stops_nothing() {
    let (folder, store) = store();
    let other = beside(&folder);
    other.execute("INSERT INTO jobs (due, body) VALUES (0, '{\"v99\":1}')", []).unwrap();
    store.accept(&serialized(&events(0..2))).await.unwrap();
    other.execute("UPDATE events SET body = '?' WHERE pk = ?1", [event(0).pk.as_bytes()]).unwrap();

    let jobs = store.take(now(), 10).await.unwrap();
    assert_eq!(jobs.iter().map(pks).collect::<Vec<_>>(), [[event(1).pk]]);
    store.finish(jobs[0].receipt).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), None);
    let kept: i64 = other.query_row("SELECT count(*) FROM jobs WHERE due IS NULL", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 1);

    let query = EventQuery { limit: 10, ..EventQuery::default() };
    let page = EventLog::list(&store, &query, now()).await.unwrap();
    assert_eq!(page.results.iter().map(|event| event.pk).collect::<Vec<_>>(), [event(1).pk]);
    let unreadable = EventLog::get(&store, event(0).pk, now()).await;
    assert!(matches!(unreadable, Err(StoreError::Corrupt(_))), "{unreadable:?}");
}

#[tokio::test]
async fn a_full_disk_is_reported_and_nothing_is_half_written() {
    let (folder, store) = store();
    let pages: i64 = beside(&folder).query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    set_writer(&store, "max_page_count", pages + 5).await;
    let answer = store.accept(&serialized(&events(0..1000))).await;
    assert_eq!(answer, Err(StoreError::store("the disk is full; free some space")));
    let count = |table: &str| -> i64 {
        beside(&folder).query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!((count("events"), count("jobs")), (0, 0));

    set_writer(&store, "max_page_count", 1_000_000).await;
    store.accept(&serialized(&events(0..1000))).await.unwrap();
    assert_eq!((count("events"), count("jobs")), (1000, 10));
}

#[tokio::test]
async fn a_store_that_takes_no_writes_is_not_ready() {
    let (folder, store) = store();
    store.ready().await.unwrap();
    set_writer(&store, "query_only", 1).await;
    let read_only = Err(StoreError::store("the file is read-only; let this user write to it"));
    assert_eq!(store.ready().await, read_only);
    assert_eq!(store.accept(&serialized(&events(0..1))).await, read_only);
    drop(store);
    Store::open(folder.path()).unwrap().ready().await.unwrap();
}

#[tokio::test]
async fn a_delayed_message_waits_by_the_files_clock() {
    let (folder, store) = store();
    let retry = QueueMessage::new(QueuedWork::Deliveries(Vec::new()));
    store.send(&[retry], SignedDuration::from_mins(15)).await.unwrap();
    let seconds: i64 = beside(&folder).query_row("SELECT unixepoch()", [], |row| row.get(0)).unwrap();
    let due = store.next_due().await.unwrap().unwrap().as_second() - seconds;
    assert!((899..=901).contains(&due), "{due}");
}

#[tokio::test]
async fn two_processes_see_each_others_writes() {
    let (folder, server) = store();
    let tool = Store::open(folder.path()).unwrap();
    let token = Token::new("text", Vec::new(), None, "a note".to_owned(), now(), None);
    tool.put(&token).await.unwrap();
    assert_eq!(server.find(&token.hash).await.unwrap().as_ref(), Some(&token));
    assert!(server.revoke(&token.id, now()).await.unwrap());
    assert_eq!(tool.find(&token.hash).await.unwrap().unwrap().revoked, Some(now()));
}

#[test]
fn a_file_of_a_newer_nuncio_is_refused_and_left_alone() {
    let (folder, store) = store();
    drop(store);
    beside(&folder).pragma_update(None, "user_version", 99).unwrap();
    let refused = Store::open(folder.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 99, .. }), "{refused}");
}

#[test]
fn what_is_no_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nuncio.db");
    std::fs::write(&file, [b'x'; 4096]).unwrap();
    assert!(matches!(Store::open(folder.path()).unwrap_err(), OpenError::Unusable { .. }));
    assert!(matches!(Store::open(&file).unwrap_err(), OpenError::Folder { .. }));
}

#[test]
fn a_second_server_is_told_who_has_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let lock = FolderLock::take(folder.path()).unwrap();
    let refused = FolderLock::take(folder.path()).unwrap_err().to_string();
    assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
    assert!(refused.contains("--data"), "{refused}");
    drop(lock);
    FolderLock::take(folder.path()).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_look() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a/b");
    let store = Store::open(&folder).unwrap();
    store.accept(&serialized(&events(0..1))).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn a_name_of_a_lease_that_ended_means_nothing() {
    let (_folder, store) = store();
    store.accept(&serialized(&events(0..1))).await.unwrap();
    let lapsed = store.take(now(), 1).await.unwrap().remove(0);
    let late = domain::time::later(now(), LEASE);
    let again = store.take(late, 1).await.unwrap().remove(0);
    store.finish(lapsed.receipt).await.unwrap();
    store.release(lapsed.receipt, now()).await.unwrap();
    assert!(store.take(late, 1).await.unwrap().is_empty(), "it is still with whoever took it over");
    store.finish(again.receipt).await.unwrap();
    // The next job may get the same row.
    store.accept(&serialized(&events(1..2))).await.unwrap();
    store.finish(again.receipt).await.unwrap();
    assert_eq!(store.take(late, 1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn inboxes_of_an_older_file_open_by_every_spelling() {
    let (folder, store) = store();
    drop(store);
    let old = beside(&folder);
    let item = |pk: &str, username: &str| {
        let item = domain::notification::inbox::InboxItem {
            pk: pk.to_owned(),
            username: username.to_owned(),
            severity: domain::rules_document::Severity::Notice,
            body: String::new(),
            created: now(),
            event: event(1).pk,
            action: Action::parse("login").unwrap(),
            rule: "r".to_owned(),
            hyperlink: None,
            hyperlink_label: None,
            seen: false,
            expires: event(1).expires,
        };
        crate::record::write(&item).unwrap()
    };
    for (pk, username) in [("1", "Ann"), ("2", "ann"), ("3", "ANN"), ("4", "Jos\u{c9}"), ("5", "stra\u{df}e")] {
        let put = "INSERT INTO inbox (username, pk, seen, expires, body) VALUES (?1, ?2, 1, 9000000000000000, ?3)";
        old.execute(put, rusqlite::params![username, pk, item(pk, username)]).unwrap();
    }
    // Makes this a file of schema version 7, which stored inbox items under the name as it was spelt.
    old.execute_batch("DROP TABLE sessions; DROP TABLE detection_groups; ALTER TABLE jobs DROP COLUMN queued;")
        .unwrap();
    old.pragma_update(None, "user_version", 7).unwrap();
    drop(old);
    let store = Store::open(folder.path()).unwrap();
    for (username, expected) in [("ann", 3), ("JOS\u{e9}", 1), ("STRASSE", 1)] {
        let page = domain::ports::Inbox::list(&store, username, Some(true), None, 9, now()).await.unwrap();
        assert_eq!(page.results.len(), expected, "{username}");
    }
}

#[tokio::test]
async fn what_is_queued_is_evaluated_though_it_was_purged() {
    let (_folder, store) = store();
    let expires = domain::time::later(now(), SignedDuration::from_millis(1));
    let brief = |number| Arc::new(Event { expires, ..(*event(number)).clone() });
    store.accept(&serialized(&[event(1), brief(2)])).await.unwrap();
    store.accept(&serialized(&events(3..4))).await.unwrap();
    store.accept(&serialized(&[brief(4)])).await.unwrap();
    let later = domain::time::later(now(), SignedDuration::from_hours(1));
    let purge = async || EventLog::purge(&store, domain::ports::PurgeScope::All, later, 100).await.unwrap();
    assert_eq!((purge().await, purge().await), (2, 0));
    let mut found: Vec<EventPk> = store.take(now(), 9).await.unwrap().iter().flat_map(pks).collect();
    found.sort_unstable();
    assert_eq!(found, [1, 2, 3, 4].map(|number| event(number).pk));
    assert_eq!(EventLog::get(&store, brief(2).pk, Timestamp::MIN).await.unwrap(), None, "it is gone all the same");
}
