//! Reads `silences`, in the file or in the body of a request: which notifications are suppressed for a time.
//!
//! Owns which keys are required and which values fit together. A silence from a request has no author; the caller takes
//! it from the token.

use domain::Timestamp;
use domain::rules_document::Silence;

use super::policies;
use crate::diagnostics::Diagnostics;
use crate::names::DefinedNames;
use crate::shape::{self, KeySet, Section};
use crate::tree::{Node, NodeValue};

const OF: &str = "a silence";
pub(crate) const KEYS: KeySet =
    KeySet { of: OF, known: &["rules", "event_matcher", "reason", "by", "starts", "ends"], unsupported: &[] };
const POSTED_KEYS: KeySet = KeySet {
    of: OF,
    known: &["rules", "event_matcher", "reason", "starts", "ends"],
    unsupported: &[("by", "remove it; the author is the owner of the token")],
};
const MAX_REASON_CHARS: usize = 1000;
const MAX_AUTHOR_CHARS: usize = 150;

pub(crate) fn read(node: &Node, rules: &DefinedNames<'_>, diagnostics: &mut Diagnostics) -> Vec<Silence> {
    let items = shape::list(node, "silences", diagnostics).unwrap_or_default();
    let read = (1..).zip(items).filter_map(|(place, item)| {
        let section = Section::open(item.at, item, OF, &KEYS, diagnostics)?;
        let by = section.require("by", "name a contact person", diagnostics);
        let by = by.and_then(|node| line(node, "by", MAX_AUTHOR_CHARS, diagnostics));
        let silence = silence(&section, rules, Timestamp::UNIX_EPOCH, diagnostics)?;
        Some(Silence { id: format!("file-{place}"), by: by?, ..silence })
    });
    read.collect()
}

/// Reads a silence from a request. `now` is the default of `starts`; id and author are empty.
pub(crate) fn read_posted(
    node: &Node,
    rules: &DefinedNames<'_>,
    now: Timestamp,
    diagnostics: &mut Diagnostics,
) -> Option<Silence> {
    let section = Section::open(node.at, node, OF, &POSTED_KEYS, diagnostics)?;
    silence(&section, rules, now, diagnostics)
}

/// Reads only the rules and the event matcher of a silence, for a preview.
pub(crate) fn read_preview(node: &Node, rules: &DefinedNames<'_>, diagnostics: &mut Diagnostics) -> Option<Silence> {
    let section = Section::open(node.at, node, OF, &POSTED_KEYS, diagnostics)?;
    Some(scope(&section, rules, diagnostics))
}

fn silence(
    section: &Section<'_>,
    rules: &DefinedNames<'_>,
    from: Timestamp,
    diagnostics: &mut Diagnostics,
) -> Option<Silence> {
    let scope = scope(section, rules, diagnostics);
    let reason = section.require("reason", "give the reason", diagnostics);
    let reason = reason.and_then(|node| line(node, "reason", MAX_REASON_CHARS, diagnostics));
    let starts = match section.get("starts") {
        Some(node) => instant(node, "starts", diagnostics),
        None => Some(from),
    };
    let end = section.require("ends", "give the end, such as ends: 2026-01-31T18:00:00Z", diagnostics);
    let ends = end.and_then(|node| instant(node, "ends", diagnostics));
    let (starts, ends) = (starts?, ends?);
    if ends <= starts {
        diagnostics.fault(section.at, "this silence ends before it starts", "set ends to a time after starts");
    }
    Some(Silence { reason: reason?, starts, ends, ..scope })
}

fn scope(section: &Section<'_>, known: &DefinedNames<'_>, diagnostics: &mut Diagnostics) -> Silence {
    let rules = section.get("rules").map(|node| names(node, known, diagnostics)).unwrap_or_default();
    let event_matcher = section.get("event_matcher").and_then(|node| policies::event_matcher(node, diagnostics));
    let has_content = |key| {
        section.get(key).is_some_and(|node| match &node.value {
            NodeValue::Map(entries) => !entries.is_empty(),
            NodeValue::List(items) => !items.is_empty(),
            NodeValue::Scalar(_) => true,
        })
    };
    if !has_content("rules") && !has_content("event_matcher") {
        let hint = "list rules, or describe the events in event_matcher";
        diagnostics.fault(section.at, "this silence would suppress all notifications", hint);
    }
    Silence {
        id: String::new(),
        rules,
        event_matcher,
        reason: String::new(),
        by: String::new(),
        starts: Timestamp::UNIX_EPOCH,
        ends: Timestamp::MAX,
    }
}

fn names(node: &Node, known: &DefinedNames<'_>, diagnostics: &mut Diagnostics) -> Vec<String> {
    let mut names = Vec::new();
    for item in shape::one_or_list(node) {
        let Some(name) = shape::text(item, "a rule", diagnostics) else { continue };
        known.check_reference(name, item.at, diagnostics);
        names.push(name.to_owned());
    }
    names
}

fn line(node: &Node, name: &str, max_chars: usize, diagnostics: &mut Diagnostics) -> Option<String> {
    let text = shape::text(node, name, diagnostics)?.trim();
    if text.is_empty() || text.chars().count() > max_chars || text.contains(char::is_control) {
        diagnostics.fault(
            node.at,
            format!("{name} is not one line"),
            format!("write 1 to {max_chars} characters in one line"),
        );
        return None;
    }
    Some(text.to_owned())
}

fn instant(node: &Node, name: &str, diagnostics: &mut Diagnostics) -> Option<Timestamp> {
    let read = shape::text(node, name, diagnostics)?.parse::<Timestamp>();
    if read.is_err() {
        let hint = "write the date, time and offset, such as 2026-01-31T18:00:00Z or 2026-01-31T19:00:00+01:00";
        diagnostics.fault(node.at, format!("{name} is not a date and time"), hint);
    }
    read.ok().map(domain::time::to_micros)
}
