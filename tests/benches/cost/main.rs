//! The cost of a million events on AWS, by counting: 1,000 events of about 900 bytes in batches of 25, of which one in
//! twenty is reported by one webhook. The real functions run on the real adapters; a proxy counts their requests to an
//! emulator. Also counts what one page of `GET /v1/events` reads.
//!
//! `cargo bench -p support --bench cost`. Counts do not depend on the build: `--profile dev` will do. It runs itself
//! once for each log level, to count what each function logs.

#![expect(clippy::print_stdout, reason = "the figures are its output")]

mod prices;
mod proxy;

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use aws::{Adapters, Settings};
use aws_config::SdkConfig;
use channels::Channels;
use dispatch::{DispatchPorts, Dispatcher};
use domain::Timestamp;
use domain::access::token::{Scope, Token};
use domain::ports::{ActiveRules, Clock as _, Documents as _, NoExpressions, SaveOutcome, Stores, Tokens as _};
use host::log::LogFormat;
use host::{Emitter, OsEntropy, SystemClock};
use ingest::Ingest;
use serde_json::{Value, json};
use support::Sink;
use support::emulator::Emulator;

use prices::{
    DISPATCH_SECONDS, GB_SECOND, INGEST_SECONDS, INVOCATION, LOG_BYTE, MEMORY_GB, POLLS, QUEUE_REQUEST, READ_UNIT,
    RUSH, WRITE_UNIT,
};
use proxy::{Counts, Proxy};

const EVENTS: usize = 1000;
const BATCH: usize = 25;
/// One of this number of events matches.
const MATCHING: usize = 20;
/// The most that a million events may cost, in dollars, without their logs.
const BUDGET: f64 = 0.75;
const TOKEN: &str = "cost-bench";

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Runtime::new()?;
    match std::env::args().skip_while(|argument| argument != "--level").nth(1) {
        Some(level) => runtime.block_on(run(&level)),
        None => report(),
    }
}

/// The counts of one run.
struct Run {
    lines: Vec<Value>,
    log_bytes: usize,
}

impl Run {
    fn of(level: &str) -> Result<Self, Error> {
        let run = Command::new(std::env::current_exe()?).args(["--level", level]).stderr(Stdio::piped()).output()?;
        let log = String::from_utf8_lossy(&run.stderr);
        if !run.status.success() {
            return Err(format!("a run failed:\n{log}").into());
        }
        let lines = String::from_utf8(run.stdout)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        Ok(Self { lines, log_bytes: log.len() })
    }

    fn line(&self, name: &str) -> &Value {
        self.lines.iter().find(|line| line["what"] == name).expect("each is printed")
    }
}

fn report() -> Result<(), Error> {
    let (warn, info) = (Run::of("warn")?, Run::of("info")?);
    let number = |line: &Value, name: &str| line[name].as_f64().unwrap_or(0.0);
    let (ingest, dispatch) = (warn.line("ingest"), warn.line("dispatch"));
    println!("{EVENTS} events of about 900 bytes in batches of {BATCH}, one in {MATCHING} told of by one webhook");
    for line in [ingest, dispatch] {
        println!("{}: {}", line["what"].as_str().unwrap_or_default(), line["requests"]);
    }
    println!("an event has {} bytes as it is posted", ingest["event_bytes"]);
    let sum = |name: &str| number(ingest, name) + number(dispatch, name);
    let per_million = |dollars: f64| dollars * 1e6 / f64::from(u32::try_from(EVENTS).unwrap_or(u32::MAX));
    println!("assumed: {INGEST_SECONDS} s a request, {DISPATCH_SECONDS} s an invocation of dispatch, {MEMORY_GB} GB");
    println!("quiet: dispatch is invoked for each message; rush: for {RUSH} at a time\n");
    println!("{:<34} {:>12} {:>12} {:>12} {:>12}", "", "quiet, 1,000", "$ a million", "rush, 1,000", "$ a million");
    let parts = |together: f64| {
        let (requests, invocations) = (number(ingest, "http"), number(ingest, "messages") / together);
        let seconds = requests * INGEST_SECONDS + invocations * DISPATCH_SECONDS;
        [
            ("write units", sum("write_units"), WRITE_UNIT),
            ("read units", sum("read_units"), READ_UNIT),
            ("queue requests, Lambda's included", sum("queue_units") + invocations * POLLS, QUEUE_REQUEST),
            ("invocations", requests + invocations, INVOCATION),
            ("GB-seconds", seconds * MEMORY_GB, GB_SECOND),
        ]
    };
    let mut totals = [0.0, 0.0];
    for (quiet, rush) in parts(1.0).into_iter().zip(parts(RUSH)) {
        let dollars = [quiet, rush].map(|(_, count, price)| per_million(count * price));
        totals = [totals[0] + dollars[0], totals[1] + dollars[1]];
        println!("{:<34} {:>12.1} {:>12.3} {:>12.1} {:>12.3}", quiet.0, quiet.1, dollars[0], rush.1, dollars[1]);
    }
    println!("{:<34} {:>12} {:>12.3} {:>12} {:>12.3}", "all of these", "", totals[0], "", totals[1]);
    for (name, run) in [("warn", &warn), ("info", &info)] {
        let bytes = f64::from(u32::try_from(run.log_bytes)?);
        println!("{:<34} {bytes:>12.0} {:>12.3}", format!("bytes logged at {name}"), per_million(bytes * LOG_BYTE));
    }
    println!("{:<34} {:>12.0}\n", "bytes to and from AWS", sum("bytes"));
    for name in ["newest", "by action", "by text"] {
        let page = warn.line(name);
        println!(
            "GET /v1/events, 50 of {EVENTS}, {name}: {} results, {} requests, {} read units",
            page["results"], page["requests_all"], page["read_units"]
        );
    }
    for (name, total) in ["quiet", "rush"].into_iter().zip(totals) {
        let kept = if total <= BUDGET { "within" } else { "OVER" };
        println!("{name}: ${total:.3} a million without logs, {kept} the budget of ${BUDGET}");
    }
    Ok(())
}

fn print(what: &str, counts: &Counts, more: Value) {
    let mut line = json!({
        "what": what, "requests": counts.requests, "requests_all": counts.requests.values().sum::<u64>(),
        "write_units": counts.write_units, "read_units": counts.read_units, "queue_units": counts.queue_units,
        "messages": counts.messages, "bytes": counts.bytes,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        line[name] = value.clone();
    }
    println!("{line}");
}

/// One function's way to AWS: a proxy, and adapters of its own, as a process has.
async fn function(sdk: &SdkConfig, settings: &Settings) -> Result<(Proxy, Adapters), Error> {
    let (proxy, url) = Proxy::start().await?;
    Ok((proxy, Adapters::new(sdk.clone().into_builder().endpoint_url(url).build(), settings.clone())))
}

async fn served(router: axum::Router) -> Result<String, Error> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, api::with_middleware(router)).await });
    Ok(url)
}

async fn run(level: &str) -> Result<(), Error> {
    let (sdk, sink) = (Emulator::shared().sdk().await, Sink::start().await);
    let settings = place(&sdk).await?;
    let direct = Adapters::new(sdk.clone(), settings.clone());
    prepare(&direct, &sink).await?;
    host::log::init(level, LogFormat::Metered(Emitter { function: "ingest", namespace: "Nuncio/nuncio".to_owned() }))?;

    let client = reqwest::Client::new();
    let (counted, adapters) = function(&sdk, &settings).await?;
    let url = served(ingest::router(Ingest {
        intake: Arc::new(adapters.intake()),
        configuration: Arc::new(adapters.configuration()),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        origins: Arc::new(()),
        authenticator: api::Authenticator::new(Arc::new(adapters.tokens()), Arc::new(SystemClock)),
        memory: api::MemoryBudget::new(256 << 20),
    }))
    .await?;
    let events: Vec<Value> = (0..EVENTS).map(event).collect();
    let bytes = events.iter().map(|event| event.to_string().len()).sum::<usize>() / EVENTS;
    let mut http = 0;
    for batch in events.chunks(BATCH) {
        let request = client.post(format!("{url}/v1/events")).bearer_auth(TOKEN).json(batch);
        let answer = request.send().await?;
        if answer.status() != 202 {
            return Err(answer.text().await?.into());
        }
        http += 1;
    }
    print("ingest", &counted.take(), json!({ "http": http, "event_bytes": bytes }));

    let (counted, adapters) = function(&sdk, &settings).await?;
    dispatched(&dispatcher(&adapters)?, &sdk, &settings.queue_url).await?;
    let told = sink.received().len();
    if told != EVENTS / MATCHING {
        return Err(format!("{told} webhooks were received").into());
    }
    print("dispatch", &counted.take(), json!({ "webhooks": told }));
    pages(&sdk, &settings).await
}

/// A table and queues as `template.yaml` has them.
async fn place(sdk: &SdkConfig) -> Result<Settings, Error> {
    let name = support::unique("cost");
    support::table::create(sdk, &name).await;
    let queue = aws_sdk_sqs::Client::new(sdk).create_queue().queue_name(&name).send().await?;
    let variables: BTreeMap<String, String> = [
        (aws::settings::TABLE, name),
        (aws::settings::QUEUE_URL, queue.queue_url.ok_or("a queue has a URL")?),
        (aws::settings::SHARDS, "4".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    Ok(Settings::read(&variables)?)
}

async fn prepare(adapters: &Adapters, sink: &Sink) -> Result<(), Error> {
    let rules = format!(
        "groups: {{ ops: [{{ username: ann, email: ann@example.org }}] }}\n\
         transports: {{ hook: {{ mode: webhook, url: \"{}\" }} }}\n\
         policies: {{ failed: {{ event_matcher: {{ action: login_failed }} }} }}\n\
         rules: {{ told: {{ group: ops, transports: [hook], policies: [failed] }} }}\n\
         allow_networks: [127.0.0.0/8]\n",
        sink.url("/hook")
    );
    let document = rulesfile::read(&rules).map_err(|faults| format!("{faults:?}"))?;
    let now = SystemClock.now();
    let active = ActiveRules { version: 1, document, source: rules, at: now, by: "bench".to_owned() };
    if adapters.documents().save(&active).await? != SaveOutcome::Saved {
        return Err("the rules are not in force".into());
    }
    let scopes = vec![Scope::Ingest, Scope::Read];
    adapters.tokens().put(&Token::new(TOKEN, scopes, Some("ann".to_owned()), String::new(), now, None)).await?;
    Ok(())
}

fn channels(adapters: &Adapters) -> Result<Channels, Error> {
    Ok(Channels::new(channels::ChannelPorts {
        mailer: Arc::new(adapters.mailer()),
        inbox: Arc::new(adapters.inbox()),
        secrets: Arc::new(adapters.secrets(BTreeMap::new())),
        clock: Arc::new(SystemClock),
        expressions: Arc::new(NoExpressions),
    })?)
}

fn dispatcher(adapters: &Adapters) -> Result<Dispatcher, Error> {
    let stores = Stores { silences: Arc::new(adapters.cached_silences()), ..adapters.stores() };
    let (configuration, channel) = (Arc::new(adapters.configuration()), Arc::new(channels(adapters)?));
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(OsEntropy));
    Ok(Dispatcher::new(DispatchPorts::new(&stores, Arc::new(NoExpressions), configuration, channel, clock, entropy)))
}

/// Plays Lambda's part: takes messages, has them handled, and deletes them.
async fn dispatched(dispatcher: &Dispatcher, sdk: &SdkConfig, queue_url: &str) -> Result<(), Error> {
    let client = aws_sdk_sqs::Client::new(sdk);
    loop {
        let request = client.receive_message().queue_url(queue_url).max_number_of_messages(1);
        let came = request.send().await?.messages.unwrap_or_default();
        if came.is_empty() {
            return Ok(());
        }
        for message in came {
            let work = aws::from_queued(message.body().unwrap_or_default())?;
            dispatcher.handle(work, Timestamp::MAX).await.map_err(|error| error.to_string())?;
            let handle = message.receipt_handle().unwrap_or_default();
            client.delete_message().queue_url(queue_url).receipt_handle(handle).send().await?;
        }
    }
}

async fn pages(sdk: &SdkConfig, settings: &Settings) -> Result<(), Error> {
    for (name, query) in [("newest", ""), ("by action", "&action=login_failed"), ("by text", "&search=user977%40")] {
        let (counted, adapters) = function(sdk, settings).await?;
        let url = served(console::router(reading(&adapters)?)).await?;
        let get = |path: String| reqwest::Client::new().get(path).bearer_auth(TOKEN).timeout(Duration::from_mins(1));
        // Values that a process reads once, such as the token, are not part of a page's cost.
        get(format!("{url}/v1/events?limit=1&action=none")).send().await?.error_for_status()?;
        counted.take();
        let page: Value = get(format!("{url}/v1/events?limit=50{query}")).send().await?.json().await?;
        let results = page["results"].as_array().map_or(0, Vec::len);
        print(name, &counted.take(), json!({ "results": results }));
    }
    Ok(())
}

fn reading(adapters: &Adapters) -> Result<console::Console, Error> {
    let stores = adapters.stores();
    Ok(console::Console {
        stores: stores.clone(),
        inbox_updates: Arc::new(()),
        configuration: Arc::new(adapters.uncached_configuration()),
        rules: console::RulesSource::Stored(Arc::clone(&stores.documents)),
        channel: Arc::new(channels(adapters)?),
        expressions: Arc::new(NoExpressions),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        authenticator: api::Authenticator::new(Arc::clone(&stores.tokens), Arc::new(SystemClock)),
        token_command: String::new(),
    })
}

/// About 900 bytes; what differs from one to another differs as it does in life.
fn event(number: usize) -> Value {
    let action = if number.is_multiple_of(MATCHING) { "login_failed" } else { "authorize_application" };
    let noise = |salt: usize| format!("{:016x}{number:016x}", (number + 1).wrapping_mul(salt));
    json!({
        "user": { "pk": number, "email": format!("user{number}@example.org"), "username": format!("user{number}") },
        "action": action,
        "app": "authentik.events.signals",
        "client_ip": format!("192.0.2.{}", number % 256),
        "context": {
            "geo": { "lat": 42.0, "city": "placeholder", "long": 42.0, "country": "DE", "continent": "EU" },
            "asn": { "asn": 6805, "as_org": "Telefonica Germany", "network": "5.4.0.0/14" },
            "flow": noise(0x9e37_79b9_7f4a_7c15),
            "scopes": "ak_proxy profile openid email",
            "http_request": { "args": { "query": noise(0x2545_f491_4f6c_dd1d) }, "path": "/api/v3/flows/executor/default-authentication-flow/", "method": "GET" },
            "authorized_application": { "pk": noise(0xd6e8_feb8_6659_fd93), "app": "authentik_core", "name": "Alertmanager", "model_name": "application" }
        },
        "brand": { "pk": "10800be643d44842ab9d97cb5f898ce9", "app": "authentik_brands", "name": "Default brand", "model_name": "brand" }
    })
}
