//! The time that the console waits for each request of its first pages, with 1,000, 100,000 and 1,000,000 stored events
//! of about 600 bytes over the last 30 days.
//!
//! `cargo bench -p nuncio --bench console [-- EVENTS… | DIR]` measures with these numbers of events, or on a data
//! folder that contains such events. Everything runs on loopback and in a temporary folder, which takes 11 GB for ten
//! million events. The search index is complete before the measurement; the time that this took is printed.

#![expect(clippy::print_stdout, reason = "the figures are its output")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};

const TOKEN: &str = "bench";
const SIZES: [u64; 3] = [1_000, 100_000, 1_000_000];
const BATCH: u64 = 1000;
const ROUNDS: usize = 100;
const DAYS: u64 = 30;

const CALLS: [(&str, &str); 10] = [
    ("the page itself", "/events"),
    ("the newest 50", "/v1/events?limit=50"),
    ("of one of 1,000 users", "/v1/events?limit=50&username=user7"),
    ("text: one event has it", "/v1/events?limit=50&search=order-000000017"),
    ("query: no event has it", "/v1/events?limit=50&search=context.order+%3D+%22none%22"),
    ("volume of 30 days", "/v1/events/volume?bucket=1d"),
    ("top users of 7 days", "/v1/events/top?by=username"),
    ("places of 7 days", "/v1/events/top?by=place&limit=1000"),
    ("volume of a user's 7 days", "/v1/events/volume?bucket=6h&username=user7"),
    ("dead deliveries", "/v1/deliveries?state=dead&limit=100"),
];

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let folder = std::env::args().skip(1).map(PathBuf::from).find(|argument| argument.is_dir());
    let asked: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if asked.is_empty() { SIZES.to_vec() } else { asked };
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(async {
        if let Some(folder) = folder {
            let (_server, url) = start(&folder).await?;
            return ask_all(&Client::new(), &url).await;
        }
        for events in sizes {
            measure(events).await?;
        }
        Ok(())
    })
}

/// Ends the server, whatever happens.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn measure(events: u64) -> Result<(), Error> {
    let folder = tempfile::tempdir()?;
    let (_server, url) = start(folder.path()).await?;
    let client = Client::new();
    let began = Instant::now();
    seed(&client, &url, events).await?;
    let (stored, began) = (began.elapsed(), Instant::now());
    // Asking too often would keep the server from it.
    indexed(&client, &url, Duration::from_micros(events.clamp(100_000, 10_000_000))).await?;
    println!("{events} events: stored in {stored:.1?}, the index whole {:.1?} later", began.elapsed());
    for file in ["nuncio.db", "search.db"] {
        println!("  {file}: {} MB", std::fs::metadata(folder.path().join(file))?.len() / 1_000_000);
    }
    ask_all(&client, &url).await
}

async fn ask_all(client: &Client, url: &str) -> Result<(), Error> {
    println!("  {:26} {:>9} {:>9}", "", "p50 ms", "p99 ms");
    for (what, path) in CALLS {
        let mut took = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let began = Instant::now();
            ask(client, &format!("{url}{path}")).await?;
            took.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        took.sort_by(f64::total_cmp);
        println!("  {what:26} {:9.1} {:9.1}", took[ROUNDS / 2], took[ROUNDS * 99 / 100]);
    }
    Ok(())
}

async fn start(folder: &Path) -> Result<(Server, String), Error> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let url = format!("http://127.0.0.1:{port}");
    let child = Command::new(env!("CARGO_BIN_EXE_nuncio"))
        .args(["serve", "--log", "warn", "--listen", url.trim_start_matches("http://"), "--data"])
        .arg(folder)
        .current_dir(folder)
        .env("NUNCIO_TOKEN", TOKEN)
        .stdout(Stdio::null())
        .spawn()?;
    let server = Server(child);
    let began = Instant::now();
    while !reqwest::get(format!("{url}/healthz")).await.is_ok_and(|answer| answer.status().is_success()) {
        if began.elapsed() > Duration::from_secs(20) {
            return Err(format!("{url} does not come up").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok((server, url))
}

async fn ask(client: &Client, url: &str) -> Result<Vec<u8>, Error> {
    let answer = client.get(url).bearer_auth(TOKEN).send().await?.error_for_status()?;
    Ok(answer.bytes().await?.to_vec())
}

/// Events in the order of their times, the last one a minute ago.
async fn seed(client: &Client, url: &str, events: u64) -> Result<(), Error> {
    #[expect(clippy::disallowed_methods, reason = "what is measured is how the recent past is shown")]
    let now = domain::Timestamp::now();
    for first in (0..events).step_by(usize::try_from(BATCH)?) {
        let batch: Vec<Value> = (first..events.min(first + BATCH)).map(|number| event(now, number, events)).collect();
        let request = client.post(format!("{url}/v1/events")).bearer_auth(TOKEN).json(&batch);
        request.send().await?.error_for_status()?;
    }
    Ok(())
}

fn event(now: domain::Timestamp, number: u64, events: u64) -> Value {
    let back = Duration::from_mins(1) + Duration::from_millis(DAYS * 86_400_000 / events * (events - number));
    let action =
        ["login", "login_failed", "logout", "model_updated", "order_paid"][usize::try_from(number % 5).unwrap_or(0)];
    // Scattered, and the same in each run.
    let scattered = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let city = scattered % 40;
    json!({
        "user": { "pk": scattered % 1000, "username": format!("user{}", scattered % 1000), "email": "user@example.org" },
        "action": action,
        "app": "authentik.events.signals",
        "client_ip": format!("198.51.{}.{}", 100 + scattered % 4, scattered % 250),
        "created": (now - back).to_string(),
        "context": {
            "order": format!("order-{number:09}"),
            "geo": { "lat": 40 + city / 4, "long": city * 3, "city": format!("City {city}"), "country": "DE", "continent": "EU" },
            "http_request": { "args": { "next": "/" }, "path": "/api/v3/flows/executor/default-authentication-flow/", "method": "GET" },
        }
    })
}

/// Waits until the search index covers all events.
async fn indexed(client: &Client, url: &str, every: Duration) -> Result<(), Error> {
    loop {
        let answer = ask(client, &format!("{url}/v1/events?search=nowhere-to-be-found")).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        if answer["next"].is_null() && answer["searched"]["events"].as_u64().is_some_and(|events| events <= 1000) {
            return Ok(());
        }
        tokio::time::sleep(every).await;
    }
}
