//! Refuses requests to a table as DynamoDB does when a partition's throughput is used up, and counts what CloudWatch
//! would count.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::Call;

/// The requests that were refused for a table, by the dimensions of `CloudWatch`'s metric `WriteThrottleEvents`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteThrottles {
    /// Writes that the table refused.
    pub table: u64,
    /// Writes that the table refused because its index `due` could not take them.
    pub index: u64,
}

/// The tables that are refused now.
#[derive(Debug, Default)]
pub(super) struct Throttles(Mutex<BTreeMap<String, WriteThrottles>>);

/// While it lives, all requests to the table are refused.
#[derive(Debug)]
pub struct ThrottledTable<'g> {
    table: String,
    throttles: &'g Throttles,
}

impl ThrottledTable<'_> {
    /// The writes that were refused until now.
    pub fn writes(&self) -> WriteThrottles {
        self.throttles.lock().get(&self.table).copied().unwrap_or_default()
    }
}

impl Drop for ThrottledTable<'_> {
    fn drop(&mut self) {
        self.throttles.lock().remove(&self.table);
    }
}

impl Throttles {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, WriteThrottles>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, table: &str) -> ThrottledTable<'_> {
        self.lock().insert(table.to_owned(), WriteThrottles::default());
        ThrottledTable { table: table.to_owned(), throttles: self }
    }

    /// The refusal of a request to a table that is throttled now.
    pub(super) fn refuse(&self, call: &Call, body: &Bytes) -> Option<Response> {
        let mut tables = self.lock();
        let table = call.tables().find(|table| tables.contains_key(*table))?;
        let refused = tables.get_mut(table)?;
        let reads = ["GetItem", "Query", "Scan"];
        let is_write = call.actions.iter().any(|action| !reads.iter().any(|read| action.ends_with(read)));
        if is_write {
            refused.table += 1;
            let request: Value = serde_json::from_slice(body).unwrap_or_default();
            refused.index += u64::from(request.to_string().contains("due_p"));
        }
        Some(throttled())
    }
}

/// DynamoDB's answer.
pub(super) fn throttled() -> Response {
    let answer = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException",
        "message": "Throughput exceeds the current capacity of your table or index.",
    });
    Response::builder()
        .status(StatusCode::BAD_REQUEST)
        .header(CONTENT_TYPE, "application/x-amz-json-1.0")
        .body(Body::from(answer.to_string()))
        .expect("the response is complete")
}
