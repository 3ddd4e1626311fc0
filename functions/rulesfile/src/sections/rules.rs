//! `rules`: who is told, and how, when their policies say so.
//!
//! Owns the references to groups, transports and policies: each must exist.

use std::collections::HashSet;

use domain::rules_document::{Mode, Rule, Severity};

use super::{bindings, storm};
use crate::fault::Findings;
use crate::names::{self, Known, nearest, shown};
use crate::shape::{self, Keys, Section};
use crate::tree::{Key, Node};

/// What the rest of the file defines.
pub(crate) struct Names<'n> {
    pub(crate) groups: Known<'n>,
    pub(crate) transports: Known<'n>,
    pub(crate) policies: Known<'n>,
}

pub(crate) const KEYS: Keys = Keys {
    of: "a rule",
    known: &[
        "enabled",
        "severity",
        "group",
        "event_user",
        "event_subject",
        "transports",
        "policies",
        "mode",
        "throttle",
        "digest",
        "mute",
    ],
    unsupported: &[],
};
const SEVERITIES: [Severity; 3] = [Severity::Notice, Severity::Warning, Severity::Alert];

pub(crate) fn read(node: &Node, known: &Names<'_>, findings: &mut Findings) -> Vec<Rule> {
    let entries = shape::named(node, "rules", "rules", findings).unwrap_or_default();
    entries.into_iter().filter_map(|(key, value)| rule(key, value, known, findings)).collect()
}

fn rule(key: &Key, node: &Node, known: &Names<'_>, findings: &mut Findings) -> Option<Rule> {
    names::check(&key.text, "rule", key.at, findings);
    let section = Section::open(key.at, node, "a rule", &KEYS, findings)?;
    let default = Rule::named(&key.text);
    let mut flag =
        |name, default| section.get(name).and_then(|node| shape::boolean(node, name, findings)).unwrap_or(default);
    let rule = Rule {
        enabled: flag("enabled", default.enabled),
        event_user: flag("event_user", default.event_user),
        event_subject: flag("event_subject", default.event_subject),
        severity: section.get("severity").and_then(|node| severity(node, findings)).unwrap_or(default.severity),
        group: section.get("group").and_then(|node| group(node, known, findings)),
        transports: section.get("transports").map(|node| transports(node, known, findings)).unwrap_or_default(),
        bindings: section.get("policies").map(|node| bindings::read(node, known, findings)).unwrap_or_default(),
        mode: section.get("mode").and_then(|node| mode(node, findings)).unwrap_or(default.mode),
        throttle: section.get("throttle").and_then(|node| storm::throttle(node, findings)),
        digest: section.get("digest").and_then(|node| storm::digest(node, findings)),
        mute: section.get("mute").map(|node| storm::mute(node, findings)).unwrap_or_default(),
        name: default.name,
    };
    if rule.enabled {
        warn_of_silence(&rule, key, findings);
    }
    Some(rule)
}

/// A rule that can never tell anybody is legal, but hardly meant.
fn warn_of_silence(rule: &Rule, key: &Key, findings: &mut Findings) {
    let name = shown(&rule.name);
    if rule.group.is_none() && !rule.event_user && !rule.event_subject {
        let what = format!("the rule {name} reaches nobody");
        findings.warning(key.at, what, "give it a group, event_user: true or event_subject: true");
    }
    if rule.transports.is_empty() {
        let hint = "give it transports, such as [default-local-transport]";
        findings.warning(key.at, format!("the rule {name} has no transports"), hint);
    }
    if !rule.bindings.iter().any(|binding| binding.enabled) {
        let what = format!("the rule {name} has no enabled policy, so it never fires");
        findings.warning(key.at, what, "give it policies");
    }
}

fn severity(node: &Node, findings: &mut Findings) -> Option<Severity> {
    let words = SEVERITIES.map(Severity::as_str);
    let word = one_of(node, "severity", &words, findings)?;
    SEVERITIES.into_iter().find(|severity| severity.as_str() == word)
}

fn mode(node: &Node, findings: &mut Findings) -> Option<Mode> {
    match one_of(node, "mode", &["any", "all"], findings)? {
        "all" => Some(Mode::All),
        _ => Some(Mode::Any),
    }
}

fn one_of<'w>(node: &Node, name: &str, words: &[&'w str], findings: &mut Findings) -> Option<&'w str> {
    let text = shape::text(node, name, findings)?;
    if let Some(word) = words.iter().find(|word| **word == text) {
        return Some(word);
    }
    let hint = match nearest(text, words.iter().copied(), findings) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("write one of {}", words.join(", ")),
    };
    findings.fault(node.at, format!("{} is not a {name}", shown(text)), hint);
    None
}

fn group(node: &Node, known: &Names<'_>, findings: &mut Findings) -> Option<String> {
    let name = shape::text(node, "group", findings)?;
    known.groups.check(name, node.at, findings);
    Some(name.to_owned())
}

fn transports(node: &Node, known: &Names<'_>, findings: &mut Findings) -> Vec<String> {
    let mut transports = Vec::new();
    let mut listed = HashSet::new();
    for item in shape::list(node, "transports", findings).unwrap_or_default() {
        let Some(name) = shape::text(item, "a transport", findings) else { continue };
        known.transports.check(name, item.at, findings);
        if listed.insert(name) {
            transports.push(name.to_owned());
        } else {
            findings.fault(item.at, format!("the transport {} is listed twice", shown(name)), "keep one of them");
        }
    }
    transports
}
