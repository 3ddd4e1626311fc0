//! Searches the stored events, step by step.
//!
//! Owns how long one request may search, and that searches do not block other requests: it asks the store for a step of
//! a fraction of a second, and queues up again for the next one. When a client disconnects, its search ends with the
//! current step.

use std::sync::Arc;
use std::time::{Duration, Instant};

use api::Problem;
use domain::ports::EventPage;
use domain::query::EventQuery;
use tokio::sync::Semaphore;

use crate::Console;

/// The most events examined for one page of a list.
const MAX_EXAMINED_PER_PAGE: usize = 200_000;

/// The events examined in the first step. More than a store examines before it uses an index.
const FIRST_STEP: usize = 2000;

/// How long a step should take.
const STEP_DURATION: Duration = Duration::from_millis(200);

/// How long a request may search before it leaves the rest to the next one.
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(5);

/// No further step is added to a page of this size, so that a response stays within its limit.
const MAX_PAGE_BYTES: usize = 1024 * 1024;

/// One permit: only one search examines events at a time.
static SEARCHES: Semaphore = Semaphore::const_new(1);

/// One page of the query. It may have fewer results than the limit and still have a next page; `searched` says how far
/// it has looked.
pub(crate) async fn page(console: &Console, query: &EventQuery) -> Result<EventPage, Problem> {
    let began = Instant::now();
    let mut left = query.examine.unwrap_or(MAX_EXAMINED_PER_PAGE);
    let mut step_size = FIRST_STEP;
    let mut whole = EventPage { results: Vec::new(), next: query.before, searched: query.searched(0, None) };
    loop {
        let examine = step_size.min(left);
        let (before, limit) = (whole.next, query.limit - whole.results.len());
        let part = EventQuery { before, limit, examine: Some(examine), ..query.clone() };
        // Searches queue up before each step. Requests that only list never wait for them.
        let permit = if query.search.is_some() { SEARCHES.acquire().await.ok() } else { None };
        let step_began = Instant::now();
        let (log, now) = (Arc::clone(&console.stores.log), console.clock.now());
        // A separate task: if the client disconnects, the step still ends before its permit is released.
        let step = tokio::spawn(async move {
            let _permit = permit;
            log.list(&part, now).await
        });
        let part = step.await.map_err(|_| Problem::internal())??;
        let took = step_began.elapsed();
        // A store may end a page early for its own reasons. Then this page ends, too.
        let ended = part.next.is_none() || part.searched.events < examine;
        left -= part.searched.events.min(left);
        whole.searched.events += part.searched.events;
        (whole.searched.from, whole.next) = (part.searched.from, part.next);
        whole.results.extend(part.results);
        if ended || left == 0 || whole.results.len() >= query.limit || began.elapsed() >= MAX_DURATION {
            return Ok(whole);
        }
        if whole.results.iter().map(|event| event.to_json().len()).sum::<usize>() > MAX_PAGE_BYTES {
            return Ok(whole);
        }
        step_size = next_step(step_size, took);
    }
}

/// Adapts the size of the next step to [`STEP_DURATION`], given how long the last one took.
fn next_step(step: usize, took: Duration) -> usize {
    let factor = STEP_DURATION.as_micros() / took.as_micros().max(1);
    let step = if factor > 0 { step.saturating_mul(usize::try_from(factor.min(4)).unwrap_or(1)) } else { step / 2 };
    step.clamp(FIRST_STEP / 4, MAX_EXAMINED_PER_PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_take_about_the_same_time() {
        assert_eq!(next_step(2000, Duration::from_millis(1)), 8000);
        assert_eq!(next_step(2000, Duration::from_millis(90)), 4000);
        assert_eq!(next_step(2000, Duration::from_millis(150)), 2000);
        assert_eq!(next_step(2000, Duration::from_secs(2)), 1000);
        assert_eq!(next_step(500, Duration::from_secs(2)), 500);
        assert_eq!(next_step(150_000, Duration::ZERO), 200_000);
    }
}
