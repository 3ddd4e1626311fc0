//! What one receiver that hangs costs the others: fifty webhooks, each with a rule of its own, under a steady load. How
//! old an event is when it is delivered to the other 49, beside the same with all fifty well, in alternating rounds.
//!
//! `cargo bench -p nuncio --bench fairness`.

#![expect(clippy::print_stdout, reason = "the figures are its output")]
#![expect(clippy::cast_precision_loss, reason = "a figure needs no more")]

#[path = "../one_machine/server.rs"]
mod server;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use reqwest::Client;
use serde_json::{Value, json};

use server::{Error, TOKEN, start_nuncio};

const RECEIVERS: usize = 50;
/// The one that hangs.
const STUCK: usize = 0;
const ROUNDS: usize = 3;
/// Longer than an attempt's time, so that attempts time out and the transport is paused within it.
const ROUND: Duration = Duration::from_secs(25);
/// One event for every other receiver.
const BATCH: usize = RECEIVERS / 2;
const BETWEEN: Duration = Duration::from_millis(100);

fn main() -> Result<(), Error> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(async {
        let rate = BATCH as f64 / BETWEEN.as_secs_f64();
        println!("{RECEIVERS} webhooks, {rate:.0} events/s, {ROUNDS} rounds of {ROUND:?} each, alternating");
        println!("age at delivery to the {} that are well, p50 / p99 in ms\n", RECEIVERS - 1);
        let (mut well, mut stuck) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            well.push(round(false).await?);
            stuck.push(round(true).await?);
        }
        report("all are well", &well);
        report("one hangs", &stuck);
        for (what, which) in [("p50", 0), ("p99", 1)] {
            println!("{what}: {:.2} times as old", median(&stuck, which) / median(&well, which));
        }
        Ok(())
    })
}

fn report(what: &str, rounds: &[[f64; 2]]) {
    let all: Vec<_> = rounds.iter().map(|[p50, p99]| format!("{p50:.1} / {p99:.1}")).collect();
    println!("{what}: median {:.1} / {:.1} ({})", median(rounds, 0), median(rounds, 1), all.join(", "));
}

fn median(rounds: &[[f64; 2]], which: usize) -> f64 {
    let mut sorted: Vec<f64> = rounds.iter().map(|round| round[which]).collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// What the receivers saw: ages in milliseconds, of those that are not the stuck one.
#[derive(Clone)]
struct Receivers {
    began: Instant,
    hangs: bool,
    ages: Arc<Mutex<Vec<f64>>>,
}

async fn receive(State(receivers): State<Receivers>, Path(number): Path<usize>, body: String) {
    if number == STUCK {
        if receivers.hangs {
            std::future::pending::<()>().await;
        }
        return;
    }
    let now = receivers.began.elapsed();
    let sent = serde_json::from_str::<Value>(&body).ok().and_then(|body| body["body"].as_str()?.parse::<u64>().ok());
    let age = sent.map_or(f64::INFINITY, |sent| now.saturating_sub(Duration::from_micros(sent)).as_secs_f64() * 1000.0);
    receivers.ages.lock().unwrap_or_else(PoisonError::into_inner).push(age);
}

async fn serve(receivers: Receivers) -> Result<SocketAddr, Error> {
    let router = Router::new().route("/{number}", post(receive)).with_state(receivers);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

fn rules(address: SocketAddr) -> String {
    let (mut transports, mut policies, mut rules) = (String::new(), String::new(), String::new());
    for number in 0..RECEIVERS {
        let _ = writeln!(transports, "  to-{number}: {{ mode: webhook, url: \"http://{address}/{number}\" }}");
        let _ = writeln!(policies, "  of-{number}: {{ event_matcher: {{ app: \"app-{number}\" }} }}");
        let _ =
            writeln!(rules, "  rule-{number}: {{ group: ops, transports: [to-{number}], policies: [of-{number}] }}");
    }
    format!(
        "groups: {{ ops: [ops] }}\ntransports:\n{transports}policies:\n{policies}rules:\n{rules}\
         allow_networks: [127.0.0.0/8]\n"
    )
}

/// p50 and p99 of the ages.
async fn round(hangs: bool) -> Result<[f64; 2], Error> {
    let receivers = Receivers { began: Instant::now(), hangs, ages: Arc::default() };
    let address = serve(receivers.clone()).await?;
    let folder = tempfile::tempdir()?;
    let (_server, url) = start_nuncio(folder.path(), &rules(address)).await?;
    let client = Client::new();
    let mut ticks = tokio::time::interval(BETWEEN);
    let (mut number, mut expected) = (0, 0);
    let began = Instant::now();
    while began.elapsed() < ROUND {
        ticks.tick().await;
        let sent = receivers.began.elapsed().as_micros().to_string();
        let batch: Vec<Value> = (number..number + BATCH)
            .map(|number| json!({ "action": "login", "app": format!("app-{}", number % RECEIVERS), "context": { "message": sent } }))
            .collect();
        expected += (number..number + BATCH).filter(|number| number % RECEIVERS != STUCK).count();
        number += BATCH;
        let request = client.post(format!("{url}/v1/events")).bearer_auth(TOKEN).json(&batch);
        // Not waited for: a slow answer must not slow the load down.
        tokio::spawn(async move { request.send().await });
    }
    until_all(&receivers, expected).await?;
    let mut ages = receivers.ages.lock().unwrap_or_else(PoisonError::into_inner).clone();
    ages.sort_by(f64::total_cmp);
    Ok([50, 99].map(|percent| ages[(ages.len() - 1) * percent / 100]))
}

async fn until_all(receivers: &Receivers, expected: usize) -> Result<(), Error> {
    for _ in 0..1000 {
        if receivers.ages.lock().unwrap_or_else(PoisonError::into_inner).len() >= expected {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(format!("fewer than {expected} arrived within ten seconds of the last post").into())
}
