//! Counting by looking at the stored events, where nothing has counted them before.

use api::Problem;
use domain::Event;
use domain::ports::{EventQuery, Searched};

use crate::Console;

const PAGE: usize = 1000;

/// Events looked at for one answer.
const MOST_EXAMINED: usize = 100_000;

/// Shows the events of the query to `each`, from the newest back, as far as one answer may look; says how far that was.
pub(crate) async fn scan(
    console: &Console,
    mut query: EventQuery,
    mut each: impl FnMut(&Event),
) -> Result<Searched, Problem> {
    let mut searched = query.searched(0, None);
    query.limit = PAGE;
    loop {
        query.examine = Some(MOST_EXAMINED - searched.events);
        let page = console.log.list(&query, console.clock.now()).await?;
        page.results.iter().for_each(&mut each);
        searched.events += page.searched.events;
        searched.from = page.searched.from;
        query.before = page.next;
        if page.next.is_none() || searched.events >= MOST_EXAMINED {
            return Ok(searched);
        }
    }
}
