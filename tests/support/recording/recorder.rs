//! A proxy between adapters and the emulator that counts what AWS would bill and limit, by the kind of partition.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use http::request::Parts;
use serde_json::{Map, Value};
use tokio::net::TcpListener;

use super::cost::{Amounts, Cost};
use super::units::{read_units, size, write_units};
use crate::proxy::pass_on;

/// SQS bills each started 64 KiB of a request: <https://aws.amazon.com/sqs/pricing/>.
const QUEUE_UNIT: usize = 64 * 1024;

/// How long each response is delayed, so that requests made at the same time overlap and count as one round.
const DELAY: Duration = Duration::from_millis(4);

/// The index of template.yaml. A query of it reads the index alone.
const WRITES: [&str; 5] = ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"];

/// Counts the requests of one process.
#[derive(Debug, Clone)]
pub struct Recorder {
    client: reqwest::Client,
    cost: Arc<Mutex<Cost>>,
    in_flight: Arc<AtomicUsize>,
    /// The items of batch writes, and their bytes.
    items: Arc<Mutex<(usize, usize)>>,
}

impl Recorder {
    /// Starts one, and returns the address for the adapters.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start() -> std::io::Result<(Self, String)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let recorder = Self {
            client: reqwest::Client::new(),
            cost: Arc::default(),
            in_flight: Arc::default(),
            items: Arc::default(),
        };
        let router = axum::Router::new().fallback(pass).with_state(recorder.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok((recorder, url))
    }

    /// What was counted since the last call.
    pub fn take(&self) -> Cost {
        std::mem::take(&mut *self.cost())
    }

    /// The mean size of the items that were written in batches since the last call, in bytes.
    pub fn take_item_bytes(&self) -> f64 {
        let (items, bytes) = std::mem::take(&mut *self.items.lock().expect("no count panics"));
        count(bytes) / count(items.max(1))
    }

    fn cost(&self) -> MutexGuard<'_, Cost> {
        self.cost.lock().expect("no count panics")
    }

    fn count(&self, operation: &str, asked: &Value, answer: &Value) {
        let mut cost = self.cost();
        add(&mut cost.requests, operation, 1.0);
        let is_consistent = asked["ConsistentRead"] == true;
        match operation {
            "SendMessageBatch" => {
                let entries = list(&asked["Entries"]);
                let bytes: usize = entries.iter().map(|entry| text(&entry["MessageBody"]).len()).sum();
                cost.queue_requests += billed(bytes);
                cost.messages += count(entries.len());
            }
            "SendMessage" => {
                cost.queue_requests += billed(text(&asked["MessageBody"]).len());
                cost.messages += 1.0;
            }
            "ReceiveMessage" | "DeleteMessage" | "DeleteMessageBatch" | "GetQueueAttributes" => {
                cost.queue_requests += 1.0;
            }
            "GetItem" => {
                add(&mut cost.reads, kind(&asked["Key"]["pk"]), read_units(size(&answer["Item"]), is_consistent));
            }
            "Query" => {
                let values = &asked["ExpressionAttributeValues"];
                let partition = if values[":pk"].is_null() { &values[":p"] } else { &values[":pk"] };
                add(&mut cost.reads, kind(partition), read_units(sizes(&answer["Items"]), is_consistent));
            }
            "Scan" => add(&mut cost.reads, "scan", read_units(sizes(&answer["Items"]), is_consistent)),
            "BatchGetItem" => {
                for (table, items) in answer["Responses"].as_object().into_iter().flatten() {
                    let is_consistent = asked["RequestItems"][table]["ConsistentRead"] == true;
                    for item in list(items) {
                        add(&mut cost.reads, kind(&item["pk"]), read_units(size(item), is_consistent));
                    }
                }
            }
            "BatchWriteItem" => {
                for write in asked["RequestItems"].as_object().into_iter().flatten().flat_map(|(_, all)| list(all)) {
                    let (put, delete) = (&write["PutRequest"]["Item"], &write["DeleteRequest"]["Key"]);
                    let item = if put.is_null() { delete } else { put };
                    add(&mut cost.writes, kind(&item["pk"]), write_units(size(item)));
                    let mut items = self.items.lock().expect("no count panics");
                    *items = (items.0 + 1, items.1 + size(item));
                }
            }
            _ if WRITES.contains(&operation) => {
                let item = if asked["Item"].is_null() { &asked["Key"] } else { &asked["Item"] };
                let (index, all) = units(answer);
                add(&mut cost.writes, kind(&item["pk"]), all - index);
                // A put that removes an entry from the index does not say from which partition.
                let partition = if item["due_p"].is_null() { "R" } else { kind(&item["due_p"]) };
                add(&mut cost.writes, partition, index);
            }
            _ => {}
        }
    }
}

/// The write units of the index, and all: the emulator counts them as DynamoDB does. A write whose condition did not
/// hold costs one.
fn units(answer: &Value) -> (f64, f64) {
    let consumed = match &answer["ConsumedCapacity"] {
        Value::Array(tables) => &tables[0],
        table => table,
    };
    let index = &consumed["GlobalSecondaryIndexes"]["due"]["CapacityUnits"];
    (index.as_f64().unwrap_or(0.0), consumed["CapacityUnits"].as_f64().unwrap_or(1.0))
}

async fn pass(State(recorder): State<Recorder>, request: Request) -> Response {
    if recorder.in_flight.fetch_add(1, Ordering::SeqCst) == 0 {
        recorder.cost().rounds += 1.0;
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a request can be read");
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    // S3 has no such header.
    let operation = match target.rsplit('.').next() {
        Some(operation) if !operation.is_empty() => operation.to_owned(),
        _ => format!("S3 {}", parts.method),
    };
    let mut body = body;
    let mut asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    if WRITES.contains(&operation.as_str()) {
        asked["ReturnConsumedCapacity"] = "INDEXES".into();
        body = asked.to_string().into();
    }
    let examined = unfiltered(&operation, &asked).map(|query| (parts_of(&parts), query));
    let passed = pass_on(&recorder.client, parts, body).await;
    let answer: Value = serde_json::from_slice(&passed.body).unwrap_or_default();
    match examined {
        Some((parts, query)) => {
            let all = pass_on(&recorder.client, parts, query.to_string().into()).await;
            recorder.count(&operation, &asked, &serde_json::from_slice(&all.body).unwrap_or_default());
        }
        None => recorder.count(&operation, &asked, &answer),
    }
    tokio::time::sleep(DELAY).await;
    recorder.in_flight.fetch_sub(1, Ordering::SeqCst);
    passed.into()
}

/// The same query without its filter and projection, if it has any: DynamoDB bills what a query examines.
fn unfiltered(operation: &str, asked: &Value) -> Option<Value> {
    if !["Query", "Scan"].contains(&operation) {
        return None;
    }
    let mut query = asked.as_object()?.clone();
    let filters = ["FilterExpression", "ProjectionExpression"].map(|name| query.remove(name));
    if filters.iter().all(Option::is_none) {
        return None;
    }
    // DynamoDB rejects names and values that no expression uses.
    let condition = query.get("KeyConditionExpression").map_or("", text).to_owned();
    let is_used = |name: &str| {
        condition.split(|one: char| !one.is_alphanumeric() && !":#".contains(one)).any(|word| word == name)
    };
    for name in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        let used: Map<String, Value> = query
            .remove(name)
            .as_ref()
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter(|(name, _)| is_used(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if !used.is_empty() {
            query.insert(name.to_owned(), used.into());
        }
    }
    Some(query.into())
}

fn parts_of(parts: &Parts) -> Parts {
    let mut request = http::Request::new(());
    (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) =
        (parts.method.clone(), parts.uri.clone(), parts.headers.clone());
    request.into_parts().0
}

/// The kind of a partition: the first part of its key.
fn kind(partition: &Value) -> &str {
    text(&partition["S"]).split('#').next().unwrap_or_default()
}

fn add(amounts: &mut Amounts, name: &str, amount: f64) {
    if amount > 0.0 {
        *amounts.entry(name.to_owned()).or_default() += amount;
    }
}

fn sizes(items: &Value) -> usize {
    list(items).iter().map(size).sum()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn billed(bytes: usize) -> f64 {
    count(bytes.div_ceil(QUEUE_UNIT).max(1))
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn count(count: usize) -> f64 {
    count as f64
}
