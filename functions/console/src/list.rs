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

impl<T> List<T> {
    /// The first `limit` of what is in order; the next page goes on behind the last one's id.
    pub(crate) fn first(mut all: Vec<T>, limit: usize, id: impl Fn(&T) -> &str) -> Self {
        let next = (all.len() > limit).then(|| id(&all[limit - 1]).to_owned());
        all.truncate(limit);
        Self { results: all, next }
    }

    /// The same for the newest first: their ids sort by time, and `cursor` is the last one of the page before.
    pub(crate) fn newest(mut all: Vec<T>, cursor: Option<&str>, limit: usize, id: impl Fn(&T) -> &str) -> Self {
        all.retain(|one| cursor.is_none_or(|cursor| id(one) < cursor));
        all.sort_by(|one, other| id(other).cmp(id(one)));
        Self::first(all, limit, id)
    }
}

/// The `limit` parameter, 50 unless given.
pub(crate) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    match asked.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        _ => Err(Problem::bad_request("limit must lie between 1 and 1000")),
    }
}
