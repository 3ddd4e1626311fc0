//! A proxy between the adapters and the emulator that counts what AWS would bill: units of the table, requests to the
//! queue. Item sizes are DynamoDB's: names and values in bytes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use support::proxy::pass_on;
use tokio::net::TcpListener;

/// SQS bills each started 64 KiB of a request.
const QUEUE_UNIT: usize = 64 * 1024;
/// DynamoDB bills each started 4 KiB of a consistent read.
const READ_UNIT: usize = 4096;

/// The requests to AWS, as counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Counts {
    /// Requests by operation.
    pub(crate) requests: BTreeMap<String, u64>,
    pub(crate) write_units: f64,
    pub(crate) read_units: f64,
    /// Billed requests of the queue.
    pub(crate) queue_units: u64,
    /// Messages sent.
    pub(crate) messages: u64,
    /// Bytes of all requests and answers.
    pub(crate) bytes: u64,
}

/// A proxy, its counts so far.
#[derive(Clone)]
pub(crate) struct Proxy {
    client: reqwest::Client,
    counts: Arc<Mutex<Counts>>,
}

impl Proxy {
    /// Starts one; says where it listens.
    pub(crate) async fn start() -> std::io::Result<(Self, String)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let proxy = Self { client: reqwest::Client::new(), counts: Arc::default() };
        let router = axum::Router::new().fallback(pass).with_state(proxy.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok((proxy, url))
    }

    /// What was counted since the last time.
    pub(crate) fn take(&self) -> Counts {
        std::mem::take(&mut *self.counts.lock().expect("no count panics"))
    }

    fn count(&self, operation: &str, asked: &Value, answer: &Value, bytes: usize) {
        let mut counts = self.counts.lock().expect("no count panics");
        *counts.requests.entry(operation.to_owned()).or_default() += 1;
        counts.bytes += bytes as u64;
        match operation {
            "SendMessageBatch" => {
                let entries = asked["Entries"].as_array().map_or(&[][..], Vec::as_slice);
                let size = entries.iter().map(|entry| entry["MessageBody"].as_str().map_or(0, str::len)).sum::<usize>();
                counts.queue_units += size.div_ceil(QUEUE_UNIT).max(1) as u64;
                counts.messages += entries.len() as u64;
            }
            "SendMessage" => {
                counts.queue_units +=
                    asked["MessageBody"].as_str().map_or(1, |body| body.len().div_ceil(QUEUE_UNIT)) as u64;
                counts.messages += 1;
            }
            "GetItem" => counts.read_units += read_units(asked, size(&answer["Item"])),
            "Query" | "Scan" => {
                let items = answer["Items"].as_array().map_or(&[][..], Vec::as_slice);
                counts.read_units += read_units(asked, items.iter().map(size).sum());
            }
            "BatchGetItem" => {
                let tables = answer["Responses"].as_object().into_iter().flatten();
                let items = tables.flat_map(|(_, items)| items.as_array().into_iter().flatten());
                counts.read_units += items.map(|item| read_units(asked, size(item))).sum::<f64>();
            }
            _ if is_write(operation) => counts.write_units += written(answer),
            _ => {}
        }
    }
}

async fn pass(State(proxy): State<Proxy>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a request is read");
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let mut asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let asked_bytes = body.len();
    if is_write(&operation) {
        asked["ReturnConsumedCapacity"] = "TOTAL".into();
    }
    let passed = pass_on(&proxy.client, parts, asked.to_string().into()).await;
    let said: Value = serde_json::from_slice(&passed.body).unwrap_or_default();
    proxy.count(&operation, &asked, &said, asked_bytes + passed.body.len());
    passed.into()
}

fn is_write(operation: &str) -> bool {
    ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"].contains(&operation)
}

/// The emulator counts writes as DynamoDB does, its index included. A write whose condition did not hold costs a unit
/// too.
fn written(answer: &Value) -> f64 {
    match &answer["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum(),
        table => table["CapacityUnits"].as_f64().unwrap_or(1.0),
    }
}

#[expect(clippy::cast_precision_loss, reason = "pages are small")]
fn read_units(asked: &Value, bytes: usize) -> f64 {
    let units = bytes.div_ceil(READ_UNIT).max(1) as f64;
    if asked["ConsistentRead"] == true { units } else { units / 2.0 }
}

fn size(item: &Value) -> usize {
    item.as_object().into_iter().flatten().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|one| one.iter().next()) else { return 0 };
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => text.len(),
        ("N", Value::String(digits)) => digits.len().div_ceil(2) + 1,
        ("B", Value::String(text)) => STANDARD.decode(text).map_or(0, |bytes| bytes.len()),
        ("SS" | "NS" | "BS", Value::Array(all)) => all.iter().map(|one| one.as_str().map_or(0, str::len)).sum(),
        ("L", Value::Array(all)) => 3 + all.iter().map(|one| 1 + value_size(one)).sum::<usize>(),
        ("M", Value::Object(all)) => 3 + all.iter().map(|(name, one)| 1 + name.len() + value_size(one)).sum::<usize>(),
        _ => 1,
    }
}
