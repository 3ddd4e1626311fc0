//! Bodies: how a record becomes text and is read again.
//! Also finds out, from the text alone, which bodies cannot pass a filter, so that a scan reads
//! few of them as JSON. It only ever rules out: the domain's query has the last word.

use domain::message::Record;
use domain::{Event, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fault::Fault;

/// The content as versioned JSON.
pub(crate) fn write<T: Serialize>(content: &T) -> Result<String, Fault> {
    Ok(serde_json::to_string(&Record::new(content))?)
}

/// Appends the content as versioned JSON.
pub(crate) fn write_to<T: Serialize>(bodies: &mut Vec<u8>, content: &T) -> Result<(), Fault> {
    Ok(serde_json::to_writer(bodies, &Record::new(content))?)
}

/// The content, whatever its version.
pub(crate) fn read<T: DeserializeOwned>(body: &str) -> Result<T, Fault> {
    Ok(serde_json::from_str::<Record<T>>(body)?.into_inner())
}

/// An event from its body and its column `expires`, which may have been stamped anew.
pub(crate) fn event(body: &str, expires: i64) -> Result<Event, Fault> {
    let event: Event = read(body)?;
    Ok(Event { expires: Timestamp::from_microsecond(expires).unwrap_or(event.expires), ..event })
}

/// Texts that a body must contain to pass a filter. Sound because bodies are written here
/// alone, which leaves no spaces and escapes a text always in the same way.
#[derive(Debug, Default)]
pub(crate) struct Needles(Vec<String>);

impl Needles {
    /// The text value stands somewhere.
    pub(crate) fn value(mut self, value: Option<&str>) -> Self {
        self.0.extend(value.and_then(quoted));
        self
    }

    /// The key has this text value.
    pub(crate) fn pair(mut self, key: &str, value: Option<&str>) -> Self {
        self.0.extend(value.and_then(quoted).map(|value| format!("\"{key}\":{value}")));
        self
    }

    /// The key has a text value that starts so.
    pub(crate) fn pair_prefix(mut self, key: &str, start: Option<&str>) -> Self {
        let open = start.and_then(quoted).map(|text| format!("\"{key}\":{}", text.trim_end_matches('"')));
        // A start that itself ends in a quotation mark would lose it too; looking for less is still sound.
        self.0.extend(open);
        self
    }

    /// The part of each that tells bodies apart: what comes before the first colon is mostly a key that all have.
    pub(crate) fn telling(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|needle| needle.split_once(':').map_or(needle.as_str(), |(_, value)| value))
    }

    /// Whether the body could pass.
    pub(crate) fn admit(&self, body: &str) -> bool {
        self.0.iter().all(|needle| body.contains(needle))
    }
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
        assert!(Needles::default().value(Some("ann \"x\"")).pair("app", Some("a.b\"c")).admit(&body));
        for start in ["", "a.", "a.b\""] {
            assert!(Needles::default().pair_prefix("app", Some(start)).admit(&body), "{start}");
        }
        assert!(!Needles::default().value(Some("ann")).admit(&body));
        assert!(!Needles::default().pair_prefix("app", Some("b")).admit(&body));
    }
}
