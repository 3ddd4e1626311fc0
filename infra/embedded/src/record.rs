//! Bodies: how a record becomes text and is read again.
//! Also finds out, from the text alone, which bodies cannot pass a filter, so that a scan reads
//! few of them as JSON. It only ever rules out: the domain's query has the last word.

use domain::message::Versioned;
use domain::person::fold;
use domain::{Event, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fault::Fault;

/// The content as versioned JSON.
pub(crate) fn write<T: Serialize>(content: &T) -> Result<String, Fault> {
    Ok(serde_json::to_string(&Versioned::new(content))?)
}

/// Appends the content as versioned JSON.
pub(crate) fn write_to<T: Serialize>(bodies: &mut Vec<u8>, content: &T) -> Result<(), Fault> {
    Ok(serde_json::to_writer(bodies, &Versioned::new(content))?)
}

/// The content, whatever its version.
pub(crate) fn read<T: DeserializeOwned>(body: &str) -> Result<T, Fault> {
    Ok(serde_json::from_str::<Versioned<T>>(body)?.into_inner())
}

/// An event from its body and its column `expires`, which may have been stamped anew.
pub(crate) fn event(body: &str, expires: i64) -> Result<Event, Fault> {
    let event: Event = read(body)?;
    Ok(Event { expires: Timestamp::from_microsecond(expires).unwrap_or(event.expires), ..event })
}

/// Texts that a body must contain to pass a filter. Sound because bodies are written here
/// alone, which leaves no spaces and escapes a text always in the same way.
#[derive(Debug, Default)]
pub(crate) struct Needles {
    texts: Vec<String>,
    /// Names, folded. What a body has in their place folds to the same.
    names: Vec<String>,
}

impl Needles {
    /// Some text value is this username or address, as [people](domain::person) are compared.
    pub(crate) fn name(mut self, name: Option<&str>) -> Self {
        let inner = |quoted: String| quoted[1..quoted.len() - 1].to_owned();
        self.names.extend(name.and_then(|name| quoted(&fold(name))).map(inner));
        self
    }

    /// The key has this text value.
    pub(crate) fn pair(mut self, key: &str, value: Option<&str>) -> Self {
        self.texts.extend(value.and_then(quoted).map(|value| format!("\"{key}\":{value}")));
        self
    }

    /// The key has a text value that starts so.
    pub(crate) fn pair_prefix(mut self, key: &str, start: Option<&str>) -> Self {
        let open = start.and_then(quoted).map(|text| format!("\"{key}\":{}", text.trim_end_matches('"')));
        // A start that itself ends in a quotation mark would lose it too; looking for less is still sound.
        self.texts.extend(open);
        self
    }

    /// The part of each that tells bodies apart: what comes before the first colon is mostly a key that all have.
    pub(crate) fn telling(&self) -> impl Iterator<Item = &str> {
        let values = self.texts.iter().map(|needle| needle.split_once(':').map_or(needle.as_str(), |(_, value)| value));
        values.chain(self.names.iter().flat_map(|name| lowercase_parts(name)))
    }

    /// Whether the body could pass.
    pub(crate) fn admit(&self, body: &str) -> bool {
        self.texts.iter().all(|needle| body.contains(needle)) && {
            self.names.is_empty() || {
                let body = fold(body);
                self.names.iter().all(|name| body.contains(name))
            }
        }
    }
}

/// The parts of a folded name that every spelling of it has in lower case. `ſ`, `ß` and the ligatures of `f` and `st`
/// fold to ASCII but are not lowered to it, and a letter beside one beyond ASCII may be half of another one.
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
    fn needles_rule_out_only_what_cannot_pass() {
        let body = write(&serde_json::json!({ "app": "a.b\"c", "user": { "username": "ann \"x\"" } })).unwrap();
        assert!(Needles::default().name(Some(" ANN \"x\"")).pair("app", Some("a.b\"c")).admit(&body));
        for start in ["", "a.", "a.b\""] {
            assert!(Needles::default().pair_prefix("app", Some(start)).admit(&body), "{start}");
        }
        assert!(!Needles::default().name(Some("anna")).admit(&body));
        assert!(!Needles::default().pair_prefix("app", Some("b")).admit(&body));
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
            let needles = Needles::default().name(Some(name));
            for spelling in spellings {
                let body = write(&serde_json::json!({ "user": { "username": spelling } })).unwrap();
                assert!(needles.admit(&body), "{name} {spelling}");
                let lower = body.to_lowercase();
                assert!(needles.telling().all(|part| lower.contains(part)), "{name} {spelling}");
            }
        }
        assert_eq!(
            Needles::default().name(Some("Stefan.Karlson")).telling().collect::<Vec<_>>(),
            ["e", "an.karl", "on"]
        );
    }
}
