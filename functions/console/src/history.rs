//! Reads the stored events page by page, newest first, for requests that process a part of the log.
//!
//! Owns when such a request stops: at the end of the log, after a maximal duration, or after it has examined enough
//! events. The caller stops earlier by no longer asking for pages, and names [`History::cursor`] in its response, so
//! that the next request continues there.

use std::time::{Duration, Instant};

use api::Problem;
use domain::Event;
use domain::event::EventPk;
use domain::query::{EventQuery, Searched};

use crate::{Console, search};

/// The page size of [`scan`].
const PAGE_SIZE: usize = 1000;

/// The most events that [`scan`] examines for one response.
const MAX_SCANNED: usize = 100_000;

/// How long a request may process events before it leaves the rest to the next one.
const MAX_DURATION: Duration = Duration::from_secs(10);

/// Where the pages come from.
#[derive(Clone, Copy, PartialEq)]
enum Source {
    /// Straight from the store, which has to match a few filters only.
    Log,
    /// From [`search::page`], which takes turns with other requests.
    Search,
}

/// A traversal of the events of a query.
pub(crate) struct History<'c> {
    console: &'c Console,
    query: EventQuery,
    source: Source,
    max_duration: Duration,
    max_examined: Option<usize>,
    began: Instant,
    searched: Searched,
    is_started: bool,
}

impl<'c> History<'c> {
    /// A traversal that reads straight from the store, for [`MAX_DURATION`].
    pub(crate) fn new(console: &'c Console, query: EventQuery) -> Self {
        let searched = query.searched(0, None);
        Self {
            console,
            query,
            source: Source::Log,
            max_duration: MAX_DURATION,
            max_examined: None,
            began: Instant::now(),
            searched,
            is_started: false,
        }
    }

    /// A traversal of a search, for `max_duration` and about `max_examined` events, whether they match or not.
    pub(crate) fn of_search(
        console: &'c Console,
        query: EventQuery,
        max_duration: Duration,
        max_examined: Option<usize>,
    ) -> Self {
        Self { source: Source::Search, max_duration, max_examined, ..Self::new(console, query) }
    }

    /// The next page, of at most `limit` events. `None` at the end of the log, or when the request must stop; the first
    /// page always comes.
    pub(crate) async fn next_page(&mut self, limit: usize) -> Result<Option<Vec<Event>>, Problem> {
        if self.is_started && (self.query.before.is_none() || self.has_exceeded()) {
            return Ok(None);
        }
        self.is_started = true;
        self.query.limit = limit;
        if let Some(most) = self.max_examined {
            self.query.examine = Some(most - self.searched.events);
        }
        let page = match self.source {
            Source::Log => self.console.stores.log.list(&self.query, self.console.clock.now()).await?,
            Source::Search => search::page(self.console, &self.query).await?,
        };
        self.searched.events += page.searched.events;
        self.searched.from = page.searched.from;
        self.query.before = page.next;
        Ok(Some(page.results))
    }

    /// Where the next request continues: `None` at the end of the log.
    pub(crate) fn cursor(&self) -> Option<EventPk> {
        self.query.before
    }

    /// How much of the log the traversal has examined so far.
    pub(crate) fn searched(self) -> Searched {
        self.searched
    }

    fn has_exceeded(&self) -> bool {
        let examined = self.max_examined.is_some_and(|most| self.searched.events >= most);
        examined || self.began.elapsed() >= self.max_duration
    }
}

/// Calls `each` for the events of the query, newest first, as far as one response may search. Returns how far that was.
pub(crate) async fn scan(
    console: &Console,
    query: EventQuery,
    mut each: impl FnMut(&Event),
) -> Result<Searched, Problem> {
    let mut history = History::of_search(console, query, search::MAX_DURATION, Some(MAX_SCANNED));
    while let Some(events) = history.next_page(PAGE_SIZE).await? {
        events.iter().for_each(&mut each);
    }
    Ok(history.searched())
}
