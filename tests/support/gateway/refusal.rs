//! Refuses requests to a table as DynamoDB does when throughput is used up or a role lacks a permission, and counts what
//! CloudWatch would count.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::json;

use super::Call;

/// Which requests to a table are refused, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// All: the throughput of every partition is used up.
    Throttled,
    /// Writes of items that belong into the index `due`: it is out of throughput, and the table waits for it.
    IndexThrottled,
    /// All: the roles do not allow them any more. The SDK does not repeat such requests.
    Denied,
}

/// The writes that were refused for a table, by the dimensions of `CloudWatch`'s metric `WriteThrottleEvents`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteThrottles {
    /// Writes that the table refused.
    pub table: u64,
    /// Writes that the index `due` could not take.
    pub index: u64,
}

/// The tables of which requests are refused now.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<BTreeMap<String, (Refusal, WriteThrottles)>>);

/// While it lives, requests to the table are refused.
#[derive(Debug)]
pub struct RefusingTable<'g> {
    table: String,
    refusals: &'g Refusals,
}

impl RefusingTable<'_> {
    /// The writes that were throttled until now.
    pub fn throttled(&self) -> WriteThrottles {
        self.refusals.lock().get(&self.table).map(|(_, throttles)| *throttles).unwrap_or_default()
    }
}

impl Drop for RefusingTable<'_> {
    fn drop(&mut self) {
        self.refusals.lock().remove(&self.table);
    }
}

impl Refusals {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (Refusal, WriteThrottles)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, table: &str, refusal: Refusal) -> RefusingTable<'_> {
        self.lock().insert(table.to_owned(), (refusal, WriteThrottles::default()));
        RefusingTable { table: table.to_owned(), refusals: self }
    }

    /// The response to a request that is refused now.
    pub(super) fn refuse(&self, call: &Call, body: &Bytes) -> Option<Response> {
        let mut tables = self.lock();
        let table = call.tables().find(|table| tables.contains_key(*table))?;
        let (refusal, throttles) = tables.get_mut(table)?;
        let reads = ["GetItem", "Query", "Scan"];
        let is_write = call.actions.iter().any(|action| !reads.iter().any(|read| action.ends_with(read)));
        match refusal {
            Refusal::Denied => return Some(error("AccessDeniedException", "no policy allows this action")),
            Refusal::Throttled => throttles.table += u64::from(is_write),
            Refusal::IndexThrottled => {
                let is_listed = String::from_utf8_lossy(body).contains("\"due_p\":");
                if !(is_write && is_listed) {
                    return None;
                }
                throttles.index += 1;
            }
        }
        Some(error("ThrottlingException", "Throughput exceeds the current capacity of your table or index."))
    }
}

/// DynamoDB's response with an error.
pub(crate) fn error(code: &str, message: &str) -> Response {
    let answer = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": message });
    Response::builder()
        .status(StatusCode::BAD_REQUEST)
        .header(CONTENT_TYPE, "application/x-amz-json-1.0")
        .body(Body::from(answer.to_string()))
        .expect("the response is complete")
}
