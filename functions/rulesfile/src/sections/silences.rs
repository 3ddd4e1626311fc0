//! `silences`: what an operator keeps back for a time, in the file or posted alone.
//!
//! Owns what must be there and what goes together. What is posted has its author from the token.

use domain::Timestamp;
use domain::rules_document::Silence;

use super::policies;
use crate::fault::Findings;
use crate::names::Known;
use crate::shape::{self, Keys, Section};
use crate::tree::{Node, Value};

const OF: &str = "a silence";
pub(crate) const KEYS: Keys =
    Keys { of: OF, known: &["rules", "event_matcher", "reason", "by", "starts", "ends"], unsupported: &[] };
const POSTED_KEYS: Keys = Keys {
    of: OF,
    known: &["rules", "event_matcher", "reason", "starts", "ends"],
    unsupported: &[("by", "remove it; it is by whoever posts it")],
};
const MAX_REASON_CHARS: usize = 1000;
const MAX_AUTHOR_CHARS: usize = 150;

pub(crate) fn read(node: &Node, rules: &Known<'_>, findings: &mut Findings) -> Vec<Silence> {
    let items = shape::list(node, "silences", findings).unwrap_or_default();
    let read = (1..).zip(items).filter_map(|(place, item)| {
        let section = Section::open(item.at, item, OF, &KEYS, findings)?;
        let by = section.require("by", "say who is asked about it", findings);
        let by = by.and_then(|node| line(node, "by", MAX_AUTHOR_CHARS, findings));
        let silence = silence(&section, rules, Timestamp::UNIX_EPOCH, findings)?;
        Some(Silence { id: format!("file-{place}"), by: by?, ..silence })
    });
    read.collect()
}

/// One that is posted at `now`, without id and author.
pub(crate) fn posted(node: &Node, rules: &Known<'_>, now: Timestamp, findings: &mut Findings) -> Option<Silence> {
    let section = Section::open(node.at, node, OF, &POSTED_KEYS, findings)?;
    silence(&section, rules, now, findings)
}

/// What one that is posted would be for, whatever its time and reason.
pub(crate) fn previewed(node: &Node, rules: &Known<'_>, findings: &mut Findings) -> Option<Silence> {
    let section = Section::open(node.at, node, OF, &POSTED_KEYS, findings)?;
    Some(meaning(&section, rules, findings))
}

fn silence(section: &Section<'_>, rules: &Known<'_>, from: Timestamp, findings: &mut Findings) -> Option<Silence> {
    let meaning = meaning(section, rules, findings);
    let reason = section.require("reason", "say why", findings);
    let reason = reason.and_then(|node| line(node, "reason", MAX_REASON_CHARS, findings));
    let starts = match section.get("starts") {
        Some(node) => instant(node, "starts", findings),
        None => Some(from),
    };
    let end = section.require("ends", "say until when, such as ends: 2026-01-31T18:00:00Z", findings);
    let ends = end.and_then(|node| instant(node, "ends", findings));
    let (starts, ends) = (starts?, ends?);
    if ends <= starts {
        findings.fault(section.at, "this silence ends before it starts", "let ends lie behind starts");
    }
    Some(Silence { reason: reason?, starts, ends, ..meaning })
}

fn meaning(section: &Section<'_>, known: &Known<'_>, findings: &mut Findings) -> Silence {
    let rules = section.get("rules").map(|node| names(node, known, findings)).unwrap_or_default();
    let event_matcher = section.get("event_matcher").and_then(|node| policies::event_matcher(node, findings));
    let says = |key| {
        section.get(key).is_some_and(|node| match &node.value {
            Value::Map(entries) => !entries.is_empty(),
            Value::List(items) => !items.is_empty(),
            Value::Scalar(_) => true,
        })
    };
    if !says("rules") && !says("event_matcher") {
        let hint = "name rules, or say in event_matcher which events it is for";
        findings.fault(section.at, "this silence would keep everything back", hint);
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

fn names(node: &Node, known: &Known<'_>, findings: &mut Findings) -> Vec<String> {
    let mut names = Vec::new();
    for item in shape::one_or_list(node) {
        let Some(name) = shape::text(item, "a rule", findings) else { continue };
        known.check(name, item.at, findings);
        names.push(name.to_owned());
    }
    names
}

fn line(node: &Node, name: &str, most: usize, findings: &mut Findings) -> Option<String> {
    let text = shape::text(node, name, findings)?.trim();
    if text.is_empty() || text.chars().count() > most || text.contains(char::is_control) {
        findings.fault(node.at, format!("{name} is not one line"), format!("write 1 to {most} characters in one line"));
        return None;
    }
    Some(text.to_owned())
}

fn instant(node: &Node, name: &str, findings: &mut Findings) -> Option<Timestamp> {
    let read = shape::text(node, name, findings)?.parse::<Timestamp>();
    if read.is_err() {
        let hint = "write date, time and offset, such as 2026-01-31T18:00:00Z or 2026-01-31T19:00:00+01:00";
        findings.fault(node.at, format!("{name} is not an instant"), hint);
    }
    read.ok().map(domain::time::to_micros)
}
