//! A DynamoDB with little throughput, in front of the emulator's, which has no limit.
//!
//! As Amazon's developer guide describes it: a batch may leave items or keys unprocessed, a page of a query may end
//! early, and any request may be throttled. Every response is one that DynamoDB may give, and a repeated request
//! succeeds.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use serde_json::{Value, json};

use crate::emulator::Emulator;
use crate::gateway::{error, serve_apart};
use crate::proxy::{Passed, pass_on};

/// One request in so many is throttled.
const THROTTLED: usize = 10;

/// A part of a batch of at least so many is left unprocessed.
const PARTIAL: usize = 4;

/// The configuration for clients of this DynamoDB. They wait for milliseconds before they repeat a request, not for
/// seconds.
pub async fn sdk() -> SdkConfig {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    let address = ADDRESS.get_or_init(|| serve_apart(Router::new().fallback(pass)));
    let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(5));
    Emulator::shared().sdk().await.into_builder().endpoint_url(address).retry_config(retries).build()
}

async fn pass(request: Request) -> Response {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    let client = CLIENT.get_or_init(reqwest::Client::new);
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("the request can be read");
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let Some(operation) = target.strip_prefix("DynamoDB_20120810.").map(str::to_owned) else {
        return pass_on(client, parts, body).await.into();
    };
    if let Some(throttled) = throttle(&parts) {
        return throttled;
    }
    let mut asked: Value = serde_json::from_slice(&body).expect("a request to DynamoDB is JSON");
    let left = match operation.as_str() {
        "BatchWriteItem" => take(&mut asked, |items| items),
        "BatchGetItem" => take(&mut asked, |items| &mut items["Keys"]),
        "Query" | "Scan" => {
            end_early(&mut asked);
            None
        }
        _ => None,
    };
    let passed = pass_on(client, parts, Bytes::from(asked.to_string())).await;
    match left {
        Some(left) => with_unprocessed(passed, &operation, left).into(),
        None => passed.into(),
    }
}

/// Throttles the first attempt of some requests, with both errors in turn.
fn throttle(parts: &Parts) -> Option<Response> {
    static REQUESTS: AtomicUsize = AtomicUsize::new(0);
    let attempt = parts.headers.get("amz-sdk-request").and_then(|attempt| attempt.to_str().ok())?;
    let number = REQUESTS.fetch_add(1, Ordering::Relaxed);
    if !attempt.starts_with("attempt=1") || !number.is_multiple_of(THROTTLED) {
        return None;
    }
    let codes = ["ThrottlingException", "ProvisionedThroughputExceededException"];
    Some(error(codes[number / THROTTLED % codes.len()], "the throughput of a partition is exceeded"))
}

/// Takes the last quarter of a batch out of the request; returns the rest as a request of its own.
fn take(asked: &mut Value, batch: impl Fn(&mut Value) -> &mut Value) -> Option<Value> {
    let (table, items) = asked["RequestItems"].as_object_mut()?.iter_mut().next()?;
    let mut rest = items.clone();
    let whole = batch(items).as_array_mut()?;
    if whole.len() < PARTIAL {
        return None;
    }
    let left = whole.split_off(whole.len() - whole.len() / PARTIAL);
    *batch(&mut rest) = left.into();
    Some(json!({ table.clone(): rest }))
}

fn with_unprocessed(passed: Passed, operation: &str, left: Value) -> Passed {
    let Ok(mut answer) = serde_json::from_slice::<Value>(&passed.body) else { return passed };
    if !passed.status.is_success() {
        return passed;
    }
    answer[if operation == "BatchGetItem" { "UnprocessedKeys" } else { "UnprocessedItems" }] = left;
    let mut headers = passed.headers;
    // They are of the body as it was.
    for name in ["content-length", "x-amz-crc32"] {
        headers.remove(name);
    }
    Passed { status: passed.status, headers, body: Bytes::from(answer.to_string()) }
}

/// A page may end before its limit, and goes on where it ended. A page of one item stays.
fn end_early(asked: &mut Value) {
    if let Some(limit) = asked["Limit"].as_u64().filter(|limit| *limit > 1) {
        asked["Limit"] = (limit / 2).into();
    }
}
