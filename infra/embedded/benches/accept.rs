//! Compares the throughput of `accept` with that of a bare store.
//!
//! Both store the same events of about 900 bytes, in batches of 100, with the same settings. The bare store is one
//! SQLite table on one connection: it gets encoded events, has no expiry and no queue, and fsyncs once per batch.
//! Rounds alternate, so that other load on the machine affects both.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use domain::ports::Intake as _;
use domain::testing::serialized;
use domain::{Event, Timestamp};
use embedded::Store;
use rusqlite::Connection;
use serde_json::json;

const BATCH: usize = 100;
const BATCHES: usize = 400;
const ROUNDS: usize = 9;

type BenchError = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), BenchError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let start: Timestamp = "2026-01-02T03:04:05Z".parse()?;
    let bytes = serde_json::to_string(&event(start, 0)?)?.len();
    println!("{BATCHES} batches of {BATCH} events of {bytes} bytes, {ROUNDS} rounds; events/s, medians");
    for callers in [1, 8] {
        let (mut bare_rates, mut accept_rates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let batches = batches(start, round)?;
            let mut both = [0.0; 2];
            // The second of a round finds the disk busier, so the order alternates.
            for turn in 0..2 {
                let folder = tempfile::tempdir()?;
                if (turn + round) % 2 == 0 {
                    both[0] = bare(folder.path(), &batches)?;
                } else {
                    both[1] = runtime.block_on(accept(folder.path(), &batches, callers))?;
                }
            }
            bare_rates.push(both[0]);
            accept_rates.push(both[1]);
            ratios.push(both[1] / both[0]);
        }
        let [bare, accept, ratio] = [bare_rates, accept_rates, ratios].map(median);
        println!("{callers} callers: bare {bare:.0}, accept {accept:.0}, ratio {ratio:.2}");
    }
    Ok(())
}

async fn accept(folder: &Path, batches: &[Vec<Arc<Event>>], callers: usize) -> Result<f64, BenchError> {
    let store = Store::open(folder)?;
    let shares: Vec<Vec<_>> =
        (0..callers).map(|caller| batches.iter().skip(caller).step_by(callers).cloned().collect()).collect();
    let began = Instant::now();
    let tasks: Vec<_> = shares
        .into_iter()
        .map(|share| {
            let store = store.clone();
            tokio::spawn(async move {
                for batch in share {
                    store.accept(&serialized(&batch)).await?;
                }
                Ok::<_, BenchError>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(rate(began))
}

fn bare(folder: &Path, batches: &[Vec<Arc<Event>>]) -> Result<f64, BenchError> {
    let rows: Vec<Vec<([u8; 16], String)>> = batches
        .iter()
        .map(|batch| batch.iter().map(|event| Ok((*event.pk.as_bytes(), serde_json::to_string(event)?))).collect())
        .collect::<Result<_, BenchError>>()?;
    let mut connection = Connection::open(folder.join("bare.db"))?;
    connection.execute_batch(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000;
         PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY;
         CREATE TABLE events (pk BLOB NOT NULL PRIMARY KEY, body TEXT NOT NULL);",
    )?;
    let began = Instant::now();
    for batch in &rows {
        let transaction = connection.transaction()?;
        let mut insert = transaction.prepare_cached("INSERT INTO events VALUES (?1, ?2)")?;
        for (pk, body) in batch {
            insert.execute((pk, body))?;
        }
        drop(insert);
        transaction.commit()?;
    }
    Ok(rate(began))
}

#[expect(clippy::cast_precision_loss, reason = "a rate of a few ten thousand events")]
fn rate(began: Instant) -> f64 {
    (BATCH * BATCHES) as f64 / began.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn batches(start: Timestamp, round: usize) -> Result<Vec<Vec<Arc<Event>>>, BenchError> {
    let batch = |batch| {
        let numbers = batch * BATCH..(batch + 1) * BATCH;
        numbers.map(|number| Ok(Arc::new(event(start, round * BATCH * BATCHES + number)?))).collect()
    };
    (0..BATCHES).map(batch).collect()
}

/// An event of about 900 bytes. There are three per millisecond, whose pks are not in order.
fn event(start: Timestamp, number: usize) -> Result<Event, BenchError> {
    let created = domain::time::later(start, jiff::SignedDuration::from_millis(i64::try_from(number / 3)?));
    let scattered = u128::from((number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let event = domain::testing::event("login_failed")
        .created(created)
        .random(scattered << 64 | scattered)
        .user(json!({ "pk": 5, "email": "ann@example.org", "username": "ann" }))
        .app("authentik.events.signals")
        .context(json!({
            "stage": { "pk": "4fe3dd8ad59d4ebd8ba5e5aa9d8e0cf4", "app": "authentik_stages_password", "name": "default-authentication-password", "model_name": "passwordstage" },
            "username": "ann",
            "asn": { "asn": 64496, "as_org": "Example Networks", "network": "192.0.2.0/24" },
            "geo": { "lat": 52.52, "long": 13.405, "city": "Berlin", "country": "DE", "continent": "EU" },
            "http_request": { "args": { "next": "/" }, "path": "/api/v3/flows/executor/default-authentication-flow/", "method": "POST", "request_id": format!("{number:032x}"), "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" },
        }))
        .client_ip("192.0.2.7")
        .brand(json!({ "pk": "9da3f9f0b5a34d4c8e6a7b1f7c1f0d11", "app": "authentik_brands", "name": "Default brand", "model_name": "brand" }));
    Ok(event.build())
}
