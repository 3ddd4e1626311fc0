//! Searches: a query in AKQL, authentik's query language, or plain text.
//!
//! ```text
//! action = "login_failed" and (context.geo.country != "DE" or user.username in ("akadmin", "root"))
//! ```
//!
//! * A field is `action`, `app`, `client_ip`, `created`, `event_uuid` (or `pk`), `expires`, `id`, `source`, or a path of
//!   keys below `user`, `brand` or `context`. A key is a name (letters, digits, `_` and `-`, not beginning with a digit or
//!   `-`), or any text in quotes: `context."my key".n`.
//! * An operator is one of `=` `!=` `>` `>=` `<` `<=` `~` `!~` `startswith` `endswith` `in`, and `not` before the last
//!   three. `~`, `startswith` and `endswith` look at text in any case.
//! * A value is a text in `'…'` or `"…"`, a number, `True`, `False`, `None`, or, after `in`, a list in parentheses.
//! * `and` binds tighter than `or`. Operators that are words, `and`, `or` and `not` may be written in capitals.
//!
//! A test of a list passes if it passes for one of its items, or for the list as JSON. A path leads into each item of a
//! list of objects. authentik compares a list as a whole; a query for one of its items finds nothing there.
//!
//! A negated test passes where the plain one fails, so `context.a != 1` matches events without a `context.a`. A missing
//! key and `null` are both `None`. A date is a period: an instant equals it if it lies within it, is less if it lies
//! before, and greater if it lies after. Dates are `2026-01-02`, `2026-01-02 03:04` and `2026-01-02 03:04:05`, in UTC,
//! or RFC 3339. `created` is compared with dates only, `client_ip` with addresses and networks: an
//! address equals a network that it lies in.
//!
//! Any other text is searched for literally, ignoring case. Parsing takes time in proportion to the text, and rejects
//! nesting deeper than [`MAX_DEPTH`].

mod evaluate;
mod hints;
mod lex;
mod parse;
mod query;

pub use parse::{MAX_DEPTH, SyntaxError};
pub use query::{Comparison, FieldTest, Literal, RequiredPiece, SearchField, SearchQuery};

use crate::event::Event;

/// A search for events.
#[derive(Debug, Clone, PartialEq)]
pub enum Search {
    /// Matches events that satisfy this query.
    Query(SearchQuery),
    /// Matches events whose JSON contains this text.
    Text(TextSearch),
}

/// A text that is searched for in the JSON of events, ignoring case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextSearch {
    /// The text as typed, but in lower case.
    typed: String,
    /// The text as it is written in a JSON string, in lower case, without the quotes around it.
    escaped: String,
}

impl TextSearch {
    /// The text that a caller typed.
    pub fn new(text: &str) -> Self {
        let typed = text.to_lowercase();
        let string = serde_json::Value::String(typed.clone()).to_string();
        Self { escaped: string[1..string.len() - 1].to_owned(), typed }
    }

    /// Whether an event's JSON contains the text: within one of its strings, or, if the text has quotes, as a piece of
    /// JSON such as `"country":"DE"`.
    pub fn occurs_in(&self, json: &str) -> bool {
        let json = json.to_lowercase();
        json.contains(&self.escaped) || (self.typed.contains('"') && json.contains(&self.typed))
    }

    /// Pieces of the text, in lower case, each of which is in the JSON of every event in which the text occurs.
    pub fn pieces(&self) -> impl Iterator<Item = &str> {
        let differs = |letter: char| matches!(letter, '"' | '\\') || letter.is_ascii_control();
        self.typed.split(differs).filter(|piece| !piece.is_empty())
    }
}

impl Search {
    /// The search that a caller's text means. If it is not a query, a search for the text itself, with the reason.
    pub fn read(text: &str) -> (Self, Option<SyntaxError>) {
        match SearchQuery::parse(text) {
            Ok(query) => (Self::Query(query), None),
            Err(why) => (Self::text(text), Some(why)),
        }
    }

    /// A search for the text itself, even if it could be read as a query.
    pub fn text(text: &str) -> Self {
        Self::Text(TextSearch::new(text))
    }

    /// Whether the search finds this event.
    pub fn matches(&self, event: &Event) -> bool {
        match self {
            Self::Query(query) => query.holds(event),
            Self::Text(text) => serde_json::to_string(event).is_ok_and(|json| text.occurs_in(&json)),
        }
    }
}

#[cfg(test)]
mod tests;
