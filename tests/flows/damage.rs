//! How far the files of the store can be trusted: complete after a clean stop, and never silently incomplete.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Method;
use rusqlite::Connection;
use serde_json::json;
use support::nuncio::{Nuncio, answer};

/// Posts one event each time, so that each is a transaction of its own.
async fn post_one_by_one(nuncio: &Nuncio, events: usize) {
    for n in 0..events {
        nuncio.accept(&json!({ "action": "custom_counted", "context": { "n": n, "filling": "x".repeat(500) } })).await;
    }
}

fn stored(file: &Path) -> i64 {
    let connection = Connection::open(file).unwrap();
    let integrity: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(integrity, "ok");
    let count = "SELECT count(*) FROM events WHERE body LIKE '%custom_counted%'";
    connection.query_row(count, [], |row| row.get(0)).unwrap()
}

fn start(nuncio: &Nuncio, arguments: &[&str]) -> (Option<i32>, String) {
    let all = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
    let output = nuncio.run(&all);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn flip(file: &Path, place: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[place] ^= 0x40;
    std::fs::write(file, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_leaves_one_complete_file() {
    let mut nuncio = Nuncio::built_in().await;
    post_one_by_one(&nuncio, 40).await;
    let (status, _) = nuncio.terminate();
    assert_eq!(status.code(), Some(0), "{}", nuncio.log());
    for log in ["nuncio.db-wal", "search.db-wal"] {
        let bytes = std::fs::metadata(nuncio.data().join(log)).map_or(0, |file| file.len());
        assert_eq!(bytes, 0, "{log}");
    }
    // The file alone, as a backup would take it.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    std::fs::copy(nuncio.data().join("nuncio.db"), &copy).unwrap();
    assert_eq!(stored(&copy), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_write_ahead_log_stops_the_start_until_the_loss_is_accepted() {
    let mut nuncio = Nuncio::built_in().await;
    post_one_by_one(&nuncio, 60).await;
    nuncio.kill();
    let (store, log) = (nuncio.data().join("nuncio.db"), nuncio.data().join("nuncio.db-wal"));
    let length = std::fs::metadata(&log).unwrap().len();
    assert!(length > 100_000, "the events are in the log: {length}");
    flip(&log, usize::try_from(length).unwrap() / 2);
    let (before, damaged) = (std::fs::read(&store).unwrap(), std::fs::read(&log).unwrap());

    let (code, said) = start(&nuncio, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("nuncio.db-wal is damaged at byte") && said.contains("--accept-damage"), "{said}");
    // Nor does another command quietly throw the rest away.
    let token = nuncio.run(&["token", "list"]);
    assert_eq!(token.status.code(), Some(1));
    assert_eq!((std::fs::read(&store).unwrap(), std::fs::read(&log).unwrap()), (before, damaged.clone()));

    nuncio.set_arguments(&["--accept-damage"]);
    nuncio.start().await;
    let left = nuncio.get("/v1/events?action=custom_counted&limit=100").await["results"].as_array().unwrap().len();
    assert!((1..60).contains(&left), "what precedes the damage: {left}");
    assert_eq!(std::fs::read(nuncio.data().join("nuncio.db-wal.damaged-1")).unwrap(), damaged);
    post_one_by_one(&nuncio, 1).await;
    nuncio.terminate();
    nuncio.set_arguments(&[]);
    nuncio.start().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_cut_off_while_it_was_written_is_read_to_there() {
    let mut nuncio = Nuncio::built_in().await;
    post_one_by_one(&nuncio, 20).await;
    nuncio.kill();
    let log = std::fs::File::options().write(true).open(nuncio.data().join("nuncio.db-wal")).unwrap();
    log.set_len(log.metadata().unwrap().len() - 100).unwrap();
    nuncio.start().await;
    nuncio.results("/v1/events?action=custom_counted&limit=100", 19).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_page_stops_the_start() {
    let mut nuncio = Nuncio::built_in().await;
    post_one_by_one(&nuncio, 40).await;
    nuncio.terminate();
    let file = nuncio.data().join("nuncio.db");
    damage(&file, "events_by_expiry");
    let (code, said) = start(&nuncio, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the file is damaged") && said.contains("restore a backup"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_leads_to_another_event_is_noticed() {
    let mut nuncio = Nuncio::built_in().await;
    post_one_by_one(&nuncio, 6).await;
    nuncio.terminate();
    let file = nuncio.data().join("nuncio.db");
    let key: [u8; 16] = Connection::open(&file)
        .unwrap()
        .query_row("SELECT pk FROM events WHERE rowid = 3", [], |row| row.get(0))
        .unwrap();
    let pk = domain::EventPk::from_bytes(key);
    // An entry of the index is the pk and then the number of the row.
    let mut bytes = std::fs::read(&file).unwrap();
    let mut damaged = 0;
    for place in 0..bytes.len() - 16 {
        if bytes[place..place + 16] == key[..] && bytes[place + 16] == 3 {
            bytes[place + 16] = 4;
            damaged += 1;
        }
    }
    assert!(damaged > 0, "the entry was found");
    std::fs::write(&file, bytes).unwrap();
    let (code, said) = start(&nuncio, &[]);
    assert_eq!(code, Some(1), "{said}");
    nuncio.set_arguments(&["--accept-damage"]);
    nuncio.start_unready().await;
    let (status, answered) = answer(nuncio.request(Method::GET, &format!("/v1/events/{pk}"))).await;
    assert_ne!(status, 200, "another event is not shown: {answered}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_damaged_while_it_runs_is_reported_as_not_ready() {
    let mut nuncio = Nuncio::built_in().await;
    post_one_by_one(&nuncio, 40).await;
    nuncio.terminate();
    damage(&nuncio.data().join("nuncio.db"), "events_by_expiry");
    nuncio.set_arguments(&["--accept-damage"]);
    nuncio.start_unready().await;
    let (status, problem) = answer(nuncio.request(Method::GET, "/healthz")).await;
    assert_eq!(status, 503, "{problem}");
    let (status, problem) = nuncio.post(&json!({ "action": "login" })).await;
    assert_eq!(status, 503, "{problem}");
}

/// Overwrites the first page of an index.
fn damage(file: &Path, index: &str) {
    let connection = Connection::open(file).unwrap();
    let page: i64 =
        connection.query_row("SELECT rootpage FROM sqlite_schema WHERE name = ?1", [index], |row| row.get(0)).unwrap();
    let size: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
    drop(connection);
    let mut bytes = std::fs::read(file).unwrap();
    let start = usize::try_from((page - 1) * size).unwrap();
    bytes[start..start + 64].fill(0xee);
    std::fs::write(file, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_what_is_stored_can_still_be_read() {
    let mut nuncio = Nuncio::built_in().await;
    post_one_by_one(&nuncio, 20).await;
    assert_eq!(nuncio.terminate().0.code(), Some(0), "{}", nuncio.log());
    nuncio.fill_disk();
    nuncio.start_unready().await;
    assert_eq!(nuncio.results("/v1/events?action=custom_counted", 20).await.len(), 20);
    // The space set aside for the start is enough for a few events; then no event is accepted that would be lost.
    let large = json!({ "action": "custom_large", "context": { "filling": "x".repeat(30_000) } });
    let mut accepted = 0;
    let refusal = loop {
        let (status, answer) = nuncio.post(&large).await;
        if status != 202 {
            break (status, answer);
        }
        accepted += 1;
        assert!(accepted < 20, "on a full disk");
    };
    assert_eq!(refusal.0, 503, "{}", refusal.1);
    assert_eq!(nuncio.results("/v1/events?action=custom_large", accepted).await.len(), accepted);
    assert!(nuncio.log().contains("the disk is full"), "{}", nuncio.log());
    assert_eq!(nuncio.terminate().0.code(), Some(0), "{}", nuncio.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_too_full_to_start_on_is_named() {
    let mut nuncio = Nuncio::built_in().await;
    nuncio.terminate();
    std::fs::remove_file(nuncio.data().join("nuncio.reserve")).unwrap();
    nuncio.fill_disk();
    let (code, error) = start(&nuncio, &[]);
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("the disk is full; free at least 256 KiB"), "{error}");
}

/// Posts batches until one is refused, and returns the number of accepted batches. Half of each batch expires after
/// eight seconds.
async fn post_until_full(nuncio: &Nuncio) -> usize {
    let event = |n: usize| {
        let action = if n < 25 { "tmp_filling" } else { "custom_counted" };
        json!({ "action": action, "context": { "filling": "x".repeat(700 + n) } })
    };
    let batch = json!((0..50).map(event).collect::<Vec<_>>());
    for accepted in 0..2000 {
        let (status, answered) = nuncio.post(&batch).await;
        if status != 202 {
            assert_eq!(status, 503, "{answered}");
            return accepted;
        }
    }
    panic!("the disk never became full");
}

async fn on_a_small_disk() -> Nuncio {
    let mut nuncio = Nuncio::not_started("retention_by_action: { \"tmp_*\": seconds=8 }\n");
    nuncio.use_small_disk(20);
    nuncio.start().await;
    nuncio
}

/// Waits until an event is accepted, for three sweeps at most.
async fn wait_for_room(nuncio: &Nuncio) {
    let began = Instant::now();
    while nuncio.post(&json!({ "action": "custom_later" })).await.0 != 202 {
        assert!(began.elapsed() < Duration::from_secs(90), "still full: {}", nuncio.log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn reserved(nuncio: &Nuncio) -> u64 {
    std::fs::metadata(nuncio.on_small_disk("nuncio.reserve")).map_or(0, |file| file.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_retention_makes_room_for_new_events() {
    let mut nuncio = on_a_small_disk().await;
    std::fs::write(nuncio.on_small_disk("filling"), vec![0; 1 << 20]).unwrap();
    assert!(post_until_full(&nuncio).await > 200, "most of the disk is used");
    nuncio.fill_small_disk();
    // Long enough for a sweep after the events have expired.
    tokio::time::sleep(Duration::from_secs(40)).await;
    wait_for_room(&nuncio).await;
    let page = nuncio.get("/v1/events?action=custom_counted&limit=100").await;
    assert_eq!(page["results"].as_array().unwrap().len(), 100, "what has not expired is kept");
    // The room that the expired events leave is used again, although the disk has no free byte.
    let small = json!({ "action": "custom_again", "context": { "filling": "x".repeat(500) } });
    let mut accepted = 0;
    for _ in 0..200 {
        accepted += usize::from(nuncio.post(&small).await.0 == 202);
    }
    assert!(accepted > 150, "{accepted} of 200");
    // Once there is room, the space is set aside again.
    std::fs::remove_file(nuncio.on_small_disk("filling")).unwrap();
    nuncio.accept(&small).await;
    nuncio.accept(&small).await;
    assert!(reserved(&nuncio) >= 512 * 1024, "{}", reserved(&nuncio));
    assert_eq!(nuncio.terminate().0.code(), Some(0), "{}", nuncio.log());
    assert_eq!(reserved(&nuncio), 512 * 1024);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_events_filled_does_not_stop_the_start() {
    let mut nuncio = on_a_small_disk().await;
    post_until_full(&nuncio).await;
    nuncio.fill_small_disk();
    for stop_cleanly in [true, false, true] {
        if stop_cleanly {
            assert_eq!(nuncio.terminate().0.code(), Some(0), "{}", nuncio.log());
        } else {
            nuncio.kill();
        }
        nuncio.fill_small_disk();
        nuncio.start_unready().await;
        let page = nuncio.get("/v1/events?action=custom_counted&limit=100").await;
        assert_eq!(page["results"].as_array().unwrap().len(), 100);
        post_until_full(&nuncio).await;
    }
    wait_for_room(&nuncio).await;
}
