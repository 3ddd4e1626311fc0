//! What somebody looks for in the events: a query in AKQL, authentik's query language, or plain text.
//!
//! ```text
//! action = "login_failed" and (context.geo.country != "DE" or user.username in ("akadmin", "root"))
//! ```
//!
//! * A field is `action`, `app`, `client_ip`, `created`, `event_uuid` (or `pk`), or a path of names below `user`, `brand`
//!   or `context`.
//! * An operator is one of `=` `!=` `>` `>=` `<` `<=` `~` `!~` `startswith` `endswith` `in`, and `not` before the last
//!   three. `~`, `startswith` and `endswith` look at text in any case.
//! * A value is a text in `'…'` or `"…"`, a number, `True`, `False`, `None`, or, after `in`, a list in parentheses.
//! * `and` binds tighter than `or`.
//!
//! What is denied holds where the affirmed does not, so `context.a != 1` holds for events without a `context.a`. A
//! missing key and `null` are both `None`. A date (`2026-01-02`, `2026-01-02 03:04`, `2026-01-02 03:04:05`, in UTC, or
//! RFC 3339) equals all instants within it, and is compared by where it begins. `created` is compared with dates
//! only, `client_ip` with addresses.
//!
//! A text that is no query is looked for as it stands, in any case. Reading takes time in proportion to the text, and
//! refuses nesting deeper than [`MAX_DEPTH`].

mod evaluate;
mod lex;
mod parse;
mod query;

pub use parse::{MAX_DEPTH, SyntaxError};
pub use query::{Comparison, Field, Literal, Query, Test};

use crate::event::Event;

/// What is looked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Search {
    /// Events for which this holds.
    Query(Query),
    /// Events whose JSON holds this text, in any case; already in lower case.
    Text(String),
}

impl Search {
    /// What the caller's text means, and where it is looked for as it stands, why it is no query.
    pub fn read(text: &str) -> (Self, Option<SyntaxError>) {
        match Query::parse(text) {
            Ok(query) => (Self::Query(query), None),
            Err(why) => (Self::text(text), Some(why)),
        }
    }

    /// The text as it stands.
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_lowercase())
    }

    /// Whether the event is one of those looked for.
    pub fn admits(&self, event: &Event) -> bool {
        match self {
            Self::Query(query) => query.holds(event),
            Self::Text(text) => serde_json::to_string(event).is_ok_and(|json| json.to_lowercase().contains(text)),
        }
    }
}

#[cfg(test)]
mod tests;
