//! Looking through the stored events, step by step.
//!
//! Owns how long one request may look, and that it never keeps others from looking meanwhile: it asks the store for a
//! step of a fraction of a second, and then for another one behind all who came in between. Whoever hangs up is looked
//! for no further than to the end of a step.

use std::sync::Arc;
use std::time::{Duration, Instant};

use api::Problem;
use domain::Event;
use domain::ports::EventPage;
use domain::query::{EventQuery, Searched};
use tokio::sync::Semaphore;

use crate::Console;

const PAGE: usize = 1000;

/// Events looked at for one answer.
const MOST_EXAMINED: usize = 100_000;

/// Events looked at for one page of a list.
const MOST_FOR_A_PAGE: usize = 200_000;

/// More than a store looks at before it asks an index.
const FIRST_STEP: usize = 2000;

/// How long a step is to take.
const STEP: Duration = Duration::from_millis(200);

/// When one request has looked for long enough; then there is the next.
const LONGEST: Duration = Duration::from_secs(5);

/// What is found in further steps is put together up to this size, so that an answer stays within its bounds.
const MOST_BYTES: usize = 1024 * 1024;

/// Searches that look at events at a time.
static SEARCHES: Semaphore = Semaphore::const_new(1);

/// A page of the query, which says how far it has looked.
pub(crate) async fn page(console: &Console, query: &EventQuery) -> Result<EventPage, Problem> {
    let began = Instant::now();
    let mut left = query.examine.unwrap_or(MOST_FOR_A_PAGE);
    let mut wanted = FIRST_STEP;
    let mut whole = EventPage { results: Vec::new(), next: query.before, searched: query.searched(0, None) };
    loop {
        let asked = wanted.min(left);
        let (before, limit) = (whole.next, query.limit - whole.results.len());
        let part = EventQuery { before, limit, examine: Some(asked), ..query.clone() };
        // Waits its turn among searches before each step, and so never before those who only list.
        let turn = if query.search.is_some() { SEARCHES.acquire().await.ok() } else { None };
        let step_began = Instant::now();
        let (log, now) = (Arc::clone(&console.log), console.clock.now());
        // A step that has begun goes on when its client leaves, and so has its turn until it ends.
        let step = tokio::spawn(async move {
            let _turn = turn;
            log.list(&part, now).await
        });
        let part = step.await.map_err(|_| Problem::internal())??;
        let took = step_began.elapsed();
        // A store that has its own reasons to end a page is not asked to go on.
        let ended = part.next.is_none() || part.searched.events < asked;
        left -= part.searched.events.min(left);
        whole.searched.events += part.searched.events;
        (whole.searched.from, whole.next) = (part.searched.from, part.next);
        whole.results.extend(part.results);
        if ended || left == 0 || whole.results.len() >= query.limit || began.elapsed() >= LONGEST {
            return Ok(whole);
        }
        if whole.results.iter().map(|event| event.to_json().len()).sum::<usize>() > MOST_BYTES {
            return Ok(whole);
        }
        wanted = next_step(wanted, took);
    }
}

/// As many events as a step's time is enough for, as far as the last step tells.
fn next_step(step: usize, took: Duration) -> usize {
    let factor = STEP.as_micros() / took.as_micros().max(1);
    let step = if factor > 0 { step.saturating_mul(usize::try_from(factor.min(4)).unwrap_or(1)) } else { step / 2 };
    step.clamp(FIRST_STEP / 4, MOST_FOR_A_PAGE)
}

/// Shows the events of the query to `each`, from the newest back, as far as one answer may look; says how far that was.
pub(crate) async fn scan(
    console: &Console,
    mut query: EventQuery,
    mut each: impl FnMut(&Event),
) -> Result<Searched, Problem> {
    let began = Instant::now();
    let mut searched = query.searched(0, None);
    query.limit = PAGE;
    loop {
        query.examine = Some(MOST_EXAMINED - searched.events);
        let page = page(console, &query).await?;
        page.results.iter().for_each(&mut each);
        searched.events += page.searched.events;
        searched.from = page.searched.from;
        query.before = page.next;
        if page.next.is_none() || searched.events >= MOST_EXAMINED || began.elapsed() >= LONGEST {
            return Ok(searched);
        }
    }
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
