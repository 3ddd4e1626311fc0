//! Figures of one machine, with its rivals in the same run:
//!
//! 1. POST → durable → matched → webhook received, one match an event, batches of 25 over 8
//!    connections; beside Alertmanager (`prometheus-alertmanager`, if installed) on the same load.
//! 2. Ingest only, batches of 100, as a share of what a bare SQLite file takes of the same bytes.
//! 3. Ingest only, while as many events are purged, or exported over and over.
//!
//! `cargo bench -p nuncio`. Sizes are bounded; everything is on loopback and in a temporary folder.

#![expect(clippy::print_stdout, reason = "the figures are its output")]

mod server;

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use reqwest::Client;
use serde_json::{Value, json};

use server::{Error, Server, TOKEN, free_port, start_nuncio, until_up};

const EVENTS: usize = 10_000;
const CONNECTIONS: usize = 8;
const ROUNDS: usize = 3;
const PATIENCE: Duration = Duration::from_mins(2);

fn main() -> Result<(), Error> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(async {
        println!("{EVENTS} events a round, {CONNECTIONS} connections, {ROUNDS} rounds each, alternating\n");
        let mut nuncio = Vec::new();
        let mut rival = Vec::new();
        for _ in 0..ROUNDS {
            nuncio.push(delivered_by_nuncio().await?);
            if let Some(rate) = delivered_by_alertmanager().await? {
                rival.push(rate);
            }
        }
        report("nuncio: posted, durable, matched, webhook received", &nuncio);
        if rival.is_empty() {
            println!("prometheus-alertmanager is not installed; no comparison");
        } else {
            report("alertmanager: posted, in memory, webhook received", &rival);
            println!("  nuncio / alertmanager: {:.2}\n", median(&nuncio) / median(&rival));
        }
        let mut ingested = Vec::new();
        let mut bare = Vec::new();
        for _ in 0..ROUNDS {
            ingested.push(ingest_only().await?);
            bare.push(bare_store()?);
        }
        report("nuncio: ingest only over HTTP, batches of 100", &ingested);
        report("bare SQLite, same bytes, batches of 100", &bare);
        println!("  ingest / bare store: {:.0} %\n", 100.0 * median(&ingested) / median(&bare));
        let mut rates = [const { Vec::new() }; 3];
        for _ in 0..ROUNDS {
            for (beside, rates) in [Beside::Nothing, Beside::Purge, Beside::Export].into_iter().zip(&mut rates) {
                rates.push(ingest_beside(beside).await?);
            }
        }
        let [alone, purging, exporting] = &rates;
        report("nuncio: ingest only, as many events stored", alone);
        report("the same while those are purged", purging);
        report("the same while those are exported", exporting);
        let share = |rates| 100.0 * median(rates) / median(alone);
        println!("  purging: {:.0} %, exporting: {:.0} % of the rate alone", share(purging), share(exporting));
        Ok(())
    })
}

fn report(what: &str, rates: &[f64]) {
    let all: Vec<_> = rates.iter().map(|rate| format!("{rate:.0}")).collect();
    println!("{what}: median {:.0} events/s ({})", median(rates), all.join(", "));
}

fn median(rates: &[f64]) -> f64 {
    let mut sorted = rates.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// A receiver that only counts.
async fn sink() -> Result<(SocketAddr, Arc<AtomicUsize>), Error> {
    let received = Arc::new(AtomicUsize::new(0));
    let count = |State(received): State<Arc<AtomicUsize>>, _: axum::body::Bytes| async move {
        received.fetch_add(1, Ordering::Relaxed);
        ""
    };
    let router = Router::new().route("/", post(count)).with_state(Arc::clone(&received));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((address, received))
}

async fn until(received: &AtomicUsize, wanted: usize) -> Result<(), Error> {
    let began = Instant::now();
    while received.load(Ordering::Relaxed) < wanted {
        if began.elapsed() > PATIENCE {
            return Err(format!("only {} of {wanted} arrived", received.load(Ordering::Relaxed)).into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Posts all bodies over the connections; each is taken by whichever is free.
async fn post_all(url: &str, bodies: Vec<String>) -> Result<(), Error> {
    let bodies = Arc::new(bodies);
    let next = Arc::new(AtomicUsize::new(0));
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let (bodies, next, url) = (Arc::clone(&bodies), Arc::clone(&next), url.to_owned());
        connections.push(tokio::spawn(async move {
            let client = Client::new();
            while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let request = client.post(&url).bearer_auth(TOKEN).header("Content-Type", "application/json");
                let status = request.body(body.clone()).send().await.map_err(|error| error.to_string())?.status();
                if !status.is_success() {
                    return Err(format!("answered {status}"));
                }
            }
            Ok(())
        }));
    }
    for connection in connections {
        connection.await??;
    }
    Ok(())
}

/// About 900 bytes, like the documented `authorize_application` event.
fn event(number: usize) -> Value {
    json!({
        "user": { "pk": number % 1000, "email": format!("user{number}@example.org"), "username": format!("user{number}") },
        "action": "login_failed",
        "app": "authentik.events.signals",
        "client_ip": format!("192.0.2.{}", number % 256),
        "context": {
            "geo": { "lat": 42.0, "city": "placeholder", "long": 42.0, "country": "placeholder", "continent": "placeholder" },
            "asn": { "asn": 6805, "as_org": "Telefonica Germany", "network": "5.4.0.0/14" },
            "flow": "53287faa8a644b6cb124cb602a84282f",
            "scopes": "ak_proxy profile openid email",
            "http_request": { "args": { "query": "[...]" }, "path": "/api/v3/flows/executor/default-authentication-flow/", "method": "GET" },
            "authorized_application": { "pk": "bed6a2495fdc4b2e8c3f93cb2ed7e021", "app": "authentik_core", "name": "Alertmanager", "model_name": "application" }
        },
        "brand": { "pk": "10800be643d44842ab9d97cb5f898ce9", "app": "authentik_brands", "name": "Default brand", "model_name": "brand" }
    })
}

fn batches(count: usize, size: usize, item: impl Fn(usize) -> Value) -> Vec<String> {
    let items: Vec<Value> = (0..count).map(item).collect();
    items.chunks(size).map(|batch| Value::from(batch.to_vec()).to_string()).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn rate(events: usize, took: Duration) -> f64 {
    events as f64 / took.as_secs_f64()
}

async fn delivered_by_nuncio() -> Result<f64, Error> {
    let (address, received) = sink().await?;
    let folder = tempfile::tempdir()?;
    let rules = format!(
        "groups: {{ ops: [{{ username: ops, email: ops@example.org }}] }}\n\
         transports: {{ sink: {{ mode: webhook, url: \"http://{address}/\" }} }}\n\
         policies: {{ failed: {{ event_matcher: {{ action: login_failed }} }} }}\n\
         rules: {{ told: {{ group: ops, transports: [sink], policies: [failed] }} }}\n\
         allow_networks: [127.0.0.0/8]\n"
    );
    let (_server, url) = start_nuncio(folder.path(), &rules).await?;
    let bodies = batches(EVENTS, 25, event);
    let began = Instant::now();
    post_all(&format!("{url}/v1/events"), bodies).await?;
    until(&received, EVENTS).await?;
    Ok(rate(EVENTS, began.elapsed()))
}

async fn delivered_by_alertmanager() -> Result<Option<f64>, Error> {
    if Command::new("prometheus-alertmanager")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_err()
    {
        return Ok(None);
    }
    let (address, received) = sink().await?;
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("alertmanager.yml");
    std::fs::write(
        &config,
        format!(
            "route: {{ receiver: sink, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 24h }}\n\
             receivers: [{{ name: sink, webhook_configs: [{{ url: 'http://{address}/', send_resolved: false }}] }}]\n"
        ),
    )?;
    let url = format!("http://127.0.0.1:{}", free_port()?);
    let child = Command::new("prometheus-alertmanager")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.path={}", folder.path().join("data").display()))
        .arg(format!("--web.listen-address={}", url.trim_start_matches("http://")))
        .args(["--cluster.listen-address=", "--log.level=error"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let _server = Server(child);
    until_up(&format!("{url}/-/ready")).await?;
    let alert = |number: usize| {
        json!({
            "labels": { "alertname": "login_failed", "user": format!("user{number}"), "app": "authentik.events.signals" },
            "annotations": { "summary": "x".repeat(400), "client_ip": format!("192.0.2.{}", number % 256) }
        })
    };
    let bodies = batches(EVENTS, 25, alert);
    let began = Instant::now();
    post_all(&format!("{url}/api/v2/alerts"), bodies).await?;
    until(&received, EVENTS).await?;
    Ok(Some(rate(EVENTS, began.elapsed())))
}

const INGESTED: usize = 50_000;

async fn ingest_only() -> Result<f64, Error> {
    let folder = tempfile::tempdir()?;
    let (_server, url) = start_nuncio(folder.path(), "retention: days=365\n").await?;
    let bodies = batches(INGESTED, 100, event);
    let began = Instant::now();
    post_all(&format!("{url}/v1/events"), bodies).await?;
    Ok(rate(INGESTED, began.elapsed()))
}

/// What goes on beside ingestion.
#[derive(Clone, Copy, PartialEq)]
enum Beside {
    Nothing,
    Purge,
    Export,
}

async fn ingest_beside(beside: Beside) -> Result<f64, Error> {
    let folder = tempfile::tempdir()?;
    let rules = "retention_by_action: { stale: seconds=1 }\n";
    let action = if beside == Beside::Purge { "stale" } else { "kept" };
    let stored = |number| {
        let mut event = event(number);
        event["action"] = action.into();
        event
    };
    let (server, url) = start_nuncio(folder.path(), rules).await?;
    post_all(&format!("{url}/v1/events"), batches(INGESTED, 100, stored)).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(server);
    let bodies = batches(INGESTED, 100, event);
    // It purges at its start.
    let (_server, url) = start_nuncio(folder.path(), rules).await?;
    let export = (beside == Beside::Export).then(|| tokio::spawn(export_forever(url.clone())));
    let began = Instant::now();
    post_all(&format!("{url}/v1/events"), bodies).await?;
    let took = began.elapsed();
    if let Some(export) = export {
        export.abort();
    }
    Ok(rate(INGESTED, took))
}

async fn export_forever(url: String) {
    let client = Client::new();
    loop {
        let part = client.get(format!("{url}/v1/events/export?format=ndjson")).bearer_auth(TOKEN).send().await;
        if let Ok(part) = part {
            let _ = part.bytes().await;
        }
    }
}

/// One durable transaction a batch into a table of keys and bytes: the least a store could do.
fn bare_store() -> Result<f64, Error> {
    let folder = tempfile::tempdir()?;
    let mut connection = rusqlite::Connection::open(folder.path().join("bare.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute("CREATE TABLE events (pk INTEGER PRIMARY KEY, body BLOB NOT NULL)", [])?;
    let bodies: Vec<String> = (0..INGESTED).map(|number| event(number).to_string()).collect();
    let began = Instant::now();
    for batch in bodies.chunks(100) {
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO events (body) VALUES (?1)")?;
            for body in batch {
                insert.execute([body.as_bytes()])?;
            }
        }
        transaction.commit()?;
    }
    Ok(rate(INGESTED, began.elapsed()))
}
