//! The form of every list: `{"results": […], "next": cursor|null}`.

use api::Problem;
use serde::Serialize;

const DEFAULT_LIMIT: usize = 50;
/// The largest `limit` of a request.
pub(crate) const MAX_LIMIT: usize = 1000;

/// One page of a list. `next` is the cursor of the next page, or `None` on the last one.
#[derive(Serialize)]
pub(crate) struct List<T> {
    results: Vec<T>,
    next: Option<String>,
}

impl<T> List<T> {
    pub(crate) fn new(results: Vec<T>, next: Option<impl ToString>) -> Self {
        Self { results, next: next.map(|cursor| cursor.to_string()) }
    }

    /// The first `limit` items of a sorted list. The id of the last one is the cursor of the next page.
    pub(crate) fn first(mut all: Vec<T>, limit: usize, id: impl Fn(&T) -> &str) -> Self {
        let next = (all.len() > limit).then(|| id(&all[limit - 1]).to_owned());
        all.truncate(limit);
        Self { results: all, next }
    }

    /// Like [`Self::first`], newest first. The ids must sort by time; `cursor` is the last id of the previous page.
    pub(crate) fn newest(mut all: Vec<T>, cursor: Option<&str>, limit: usize, id: impl Fn(&T) -> &str) -> Self {
        all.retain(|one| cursor.is_none_or(|cursor| id(one) < cursor));
        all.sort_by(|one, other| id(other).cmp(id(one)));
        Self::first(all, limit, id)
    }
}

/// Checks the `limit` parameter. The default is 50.
pub(crate) fn limit(requested: Option<usize>) -> Result<usize, Problem> {
    match requested.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        _ => Err(Problem::bad_request("limit must be a whole number from 1 to 1000")),
    }
}
