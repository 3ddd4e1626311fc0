//! How every list answers: `{"results": […], "next": cursor|null}`.

use api::Problem;
use serde::Serialize;

const DEFAULT_LIMIT: usize = 50;
/// The most that one request may ask for.
pub(crate) const MAX_LIMIT: usize = 1000;

/// One page of a list.
#[derive(Serialize)]
pub(crate) struct List<T> {
    results: Vec<T>,
    next: Option<String>,
}

impl<T> List<T> {
    pub(crate) fn new(results: Vec<T>, next: Option<impl ToString>) -> Self {
        Self { results, next: next.map(|cursor| cursor.to_string()) }
    }
}

/// The `limit` parameter, 50 unless given.
pub(crate) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    match asked.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        _ => Err(Problem::bad_request("limit must lie between 1 and 1000")),
    }
}
