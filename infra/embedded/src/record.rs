//! Record bodies: versioned JSON.
//! Also tells from the text alone which bodies cannot match a query, so that a scan parses few of them. It only rules
//! out: the domain's query decides.

use domain::message::Versioned;
use domain::person::fold;
use domain::ports::StoreError;
use domain::query::search::RequiredPiece;
use domain::{Event, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fault::Fault;

/// Encodes a record as versioned JSON: `{"v1": …}`.
pub(crate) fn write<T: Serialize>(content: &T) -> Result<String, Fault> {
    Ok(serde_json::to_string(&Versioned::new(content))?)
}

/// Appends a record whose content is JSON already as versioned JSON.
pub(crate) fn append_json(bodies: &mut Vec<u8>, content: &str) {
    for part in [Versioned::<()>::PREFIX, content, Versioned::<()>::SUFFIX] {
        bodies.extend_from_slice(part.as_bytes());
    }
}

/// Decodes a record of any version.
pub(crate) fn read<T: DeserializeOwned>(body: &str) -> Result<T, Fault> {
    Ok(serde_json::from_str::<Versioned<T>>(body)?.into_inner())
}

/// Decodes the record in the first column of the query's row; `None` if the query has no row.
pub(crate) fn select_one<T: DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> Result<Option<T>, Fault> {
    let body: Option<String> = connection.prepare_cached(sql)?.query_row(parameters, |row| row.get(0)).optional()?;
    body.map(|body| read(&body)).transpose()
}

/// Decodes the records in the first column of the query's rows. Fails if one of them cannot be read.
pub(crate) fn select_all<T: DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> Result<Vec<T>, Fault> {
    let mut select = connection.prepare_cached(sql)?;
    let bodies = select.query_map(parameters, |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    bodies.iter().map(|body| read(body)).collect()
}

/// Decodes those records in the first column of the query's rows that can be read. The others are logged as `kind`: one
/// such record must not hide the rest.
pub(crate) fn select_readable<T: DeserializeOwned>(
    connection: &Connection,
    kind: &str,
    sql: &str,
    parameters: impl Params,
) -> Result<Vec<T>, Fault> {
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(parameters)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        match read(row.get_ref(0)?.as_str().unwrap_or_default()) {
            Ok(record) => records.push(record),
            Err(fault) => {
                let error = StoreError::from(fault);
                tracing::error!(kind, %error, "a stored record cannot be read; it is left out");
            }
        }
    }
    Ok(records)
}

/// Decodes an event. The column `expires`, in microseconds, overrides the body's: a restamp changes only the column.
pub(crate) fn event(body: &str, expires: i64) -> Result<Event, Fault> {
    let event: Event = read(body)?;
    Ok(Event { expires: Timestamp::from_microsecond(expires).unwrap_or(event.expires), ..event })
}

/// Texts that a body must contain to match a query. Sound, as only this module writes bodies: without spaces, and with
/// the same escapes for the same text.
#[derive(Debug, Default)]
pub(crate) struct RequiredSubstrings {
    texts: Vec<String>,
    /// Keys with the colon after them.
    keys: Vec<String>,
    /// Whole values, wherever they are.
    values: Vec<String>,
    /// Folded usernames and addresses; a folded body must contain them.
    names: Vec<String>,
}

impl RequiredSubstrings {
    /// Requires this username or address as some value, compared as [people](domain::person) are.
    pub(crate) fn name(mut self, name: Option<&str>) -> Self {
        let inner = |quoted: String| quoted[1..quoted.len() - 1].to_owned();
        self.names.extend(name.and_then(|name| quoted(&fold(name))).map(inner));
        self
    }

    /// Requires the pair `"key":"value"`.
    pub(crate) fn pair(mut self, key: &str, value: Option<&str>) -> Self {
        self.texts.extend(value.and_then(quoted).map(|value| format!("\"{key}\":{value}")));
        self
    }

    /// Requires what a search query does.
    pub(crate) fn piece(mut self, piece: RequiredPiece<'_>) -> Self {
        match piece {
            RequiredPiece::Pair(key, value) => return self.pair(key, Some(value)),
            RequiredPiece::Key(key) => self.keys.extend(quoted(key).map(|key| key + ":")),
            RequiredPiece::Text(text) => self.values.extend(quoted(text)),
        }
        self
    }

    /// Requires the key with a text value that begins with `start`.
    pub(crate) fn pair_prefix(mut self, key: &str, start: Option<&str>) -> Self {
        let open = start.and_then(quoted).map(|text| format!("\"{key}\":{}", text.trim_end_matches('"')));
        // If `start` itself ends in a quotation mark, that is trimmed too: a shorter text is still required.
        self.texts.extend(open);
        self
    }

    /// The selective part of each text: the value without its key, as nearly every body has the key.
    pub(crate) fn selective_parts(&self) -> impl Iterator<Item = &str> {
        let values = self.texts.iter().map(|needle| needle.split_once(':').map_or(needle.as_str(), |(_, value)| value));
        values
            .chain(self.values.iter().map(String::as_str))
            .chain(self.names.iter().flat_map(|name| lowercase_parts(name)))
    }

    /// Whether the body contains all of them.
    pub(crate) fn may_match(&self, body: &str) -> bool {
        // Keys last: nearly every body has them.
        [&self.texts, &self.values, &self.keys].into_iter().flatten().all(|needle| body.contains(needle)) && {
            self.names.is_empty() || {
                let body = fold(body);
                self.names.iter().all(|name| body.contains(name))
            }
        }
    }
}

/// The parts of a folded name that occur in every spelling of it in lower case. `ſ`, `ß` and the ligatures of `f` and
/// `st` fold to ASCII, but lowercasing does not change them; and a letter next to a non-ASCII one may be part of it.
fn lowercase_parts(folded: &str) -> impl Iterator<Item = &str> {
    let bytes = folded.as_bytes();
    let is_certain = move |at: usize| {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let beside = [before, bytes.get(at + 1).copied()].into_iter().flatten();
        let in_ligature = matches!((before, bytes[at]), (Some(b's'), b't') | (Some(b'f'), b'i' | b'l'));
        bytes[at].is_ascii()
            && !matches!(bytes[at], b's' | b'f')
            && !in_ligature
            && beside.into_iter().all(|one| one.is_ascii())
    };
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = (at..bytes.len()).find(|at| is_certain(*at))?;
        let end = (start..bytes.len()).find(|at| !is_certain(*at)).unwrap_or(bytes.len());
        at = end;
        Some(&folded[start..end])
    })
}

fn quoted(text: &str) -> Option<String> {
    serde_json::to_string(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn required_substrings_rule_out_only_bodies_that_cannot_match() {
        let body = write(&serde_json::json!({ "app": "a.b\"c", "user": { "username": "ann \"x\"" } })).unwrap();
        assert!(RequiredSubstrings::default().name(Some(" ANN \"x\"")).pair("app", Some("a.b\"c")).may_match(&body));
        for start in ["", "a.", "a.b\""] {
            assert!(RequiredSubstrings::default().pair_prefix("app", Some(start)).may_match(&body), "{start}");
        }
        assert!(!RequiredSubstrings::default().name(Some("anna")).may_match(&body));
        assert!(!RequiredSubstrings::default().pair_prefix("app", Some("b")).may_match(&body));
    }

    #[test]
    fn every_spelling_of_a_name_is_found() {
        for (name, spellings) in [
            ("ann", ["Ann", "ANN", " ann "]),
            ("STRASSE 1", ["straße 1", "STRAẞE 1", "ſtraſse 1"]),
            ("first", ["ﬁrst", "firﬆ", "FIRST"]),
            ("k\u{e9}lvin", ["K\u{e9}lvin", "K\u{c9}LVIN", "k\u{e9}lvin"]),
            ("ǰan", ["J\u{30c}AN", "j\u{30c}an", "ǰan"]),
        ] {
            let required = RequiredSubstrings::default().name(Some(name));
            for spelling in spellings {
                let body = write(&serde_json::json!({ "user": { "username": spelling } })).unwrap();
                assert!(required.may_match(&body), "{name} {spelling}");
                let lower = body.to_lowercase();
                assert!(required.selective_parts().all(|part| lower.contains(part)), "{name} {spelling}");
            }
        }
        assert_eq!(
            RequiredSubstrings::default().name(Some("Stefan.Karlson")).selective_parts().collect::<Vec<_>>(),
            ["e", "an.karl", "on"]
        );
    }
}
