//! Reads `rules`: which recipients are notified by which transports when which policies pass.
//!
//! Owns the references to groups, transports and policies: each must be defined.

use std::collections::HashSet;

use domain::admission::mask::Masker;
use domain::rules_document::{BindingMode, Rule, Severity};

use super::{bindings, storm_control};
use crate::diagnostics::Diagnostics;
use crate::names::{self, DefinedNames, shown};
use crate::shape::{self, KeySet, Section};
use crate::tree::{Key, Node};

/// The names that the other sections define.
pub(crate) struct Definitions<'n> {
    pub(crate) groups: DefinedNames<'n>,
    pub(crate) transports: DefinedNames<'n>,
    pub(crate) policies: DefinedNames<'n>,
}

pub(crate) const KEYS: KeySet = KeySet {
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
const MODES: [(&str, BindingMode); 2] = [("any", BindingMode::Any), ("all", BindingMode::All)];

/// Reads the rules. `masker` masks as the file says, for the warnings about fields.
pub(crate) fn read(node: &Node, known: &Definitions<'_>, masker: &Masker, diagnostics: &mut Diagnostics) -> Vec<Rule> {
    let entries = shape::named(node, "rules", "rules", diagnostics).unwrap_or_default();
    entries.into_iter().filter_map(|(key, value)| rule(key, value, known, masker, diagnostics)).collect()
}

fn rule(
    key: &Key,
    node: &Node,
    known: &Definitions<'_>,
    masker: &Masker,
    diagnostics: &mut Diagnostics,
) -> Option<Rule> {
    names::check_name(&key.text, "rule", key.at, diagnostics);
    let section = Section::open(key.at, node, "a rule", &KEYS, diagnostics)?;
    let default = Rule::named(&key.text);
    let mut flag =
        |name, default| section.get(name).and_then(|node| shape::boolean(node, name, diagnostics)).unwrap_or(default);
    let rule = Rule {
        enabled: flag("enabled", default.enabled),
        event_user: flag("event_user", default.event_user),
        event_subject: flag("event_subject", default.event_subject),
        severity: section.get("severity").and_then(|node| severity(node, diagnostics)).unwrap_or(default.severity),
        group: section.get("group").and_then(|node| group(node, known, diagnostics)),
        transports: section.get("transports").map(|node| transports(node, known, diagnostics)).unwrap_or_default(),
        bindings: section.get("policies").map(|node| bindings::read(node, known, diagnostics)).unwrap_or_default(),
        mode: section.get("mode").and_then(|node| mode(node, diagnostics)).unwrap_or(default.mode),
        throttle: section.get("throttle").and_then(|node| storm_control::throttle(node, masker, diagnostics)),
        digest: section.get("digest").and_then(|node| storm_control::digest(node, masker, diagnostics)),
        mute: section.get("mute").map(|node| storm_control::mute(node, diagnostics)).unwrap_or_default(),
        name: default.name,
    };
    if rule.enabled {
        warn_of_ineffective_rule(&rule, key, diagnostics);
    }
    Some(rule)
}

/// Warns of a rule that can never notify anyone. It is allowed, but probably a mistake.
fn warn_of_ineffective_rule(rule: &Rule, key: &Key, diagnostics: &mut Diagnostics) {
    let name = shown(&rule.name);
    if rule.group.is_none() && !rule.event_user && !rule.event_subject {
        let what = format!("the rule {name} has no recipients");
        diagnostics.warning(key.at, what, "add a group, event_user: true or event_subject: true");
    }
    if rule.transports.is_empty() {
        let hint = "add transports, such as [default-local-transport]";
        diagnostics.warning(key.at, format!("the rule {name} has no transports"), hint);
    }
    if !rule.bindings.iter().any(|binding| binding.enabled) {
        let what = format!("the rule {name} has no enabled policy, so it never fires");
        diagnostics.warning(key.at, what, "add policies");
    }
}

fn severity(node: &Node, diagnostics: &mut Diagnostics) -> Option<Severity> {
    let choices = SEVERITIES.map(|severity| (severity.as_str(), severity));
    shape::choice(node, "severity", &choices, diagnostics)
}

fn mode(node: &Node, diagnostics: &mut Diagnostics) -> Option<BindingMode> {
    shape::choice(node, "mode", &MODES, diagnostics)
}

fn group(node: &Node, known: &Definitions<'_>, diagnostics: &mut Diagnostics) -> Option<String> {
    let name = shape::text(node, "group", diagnostics)?;
    known.groups.check_reference(name, node.at, diagnostics);
    Some(name.to_owned())
}

fn transports(node: &Node, known: &Definitions<'_>, diagnostics: &mut Diagnostics) -> Vec<String> {
    let mut transports = Vec::new();
    let mut listed = HashSet::new();
    for item in shape::list(node, "transports", diagnostics).unwrap_or_default() {
        let Some(name) = shape::text(item, "a transport", diagnostics) else { continue };
        known.transports.check_reference(name, item.at, diagnostics);
        if listed.insert(name) {
            transports.push(name.to_owned());
        } else {
            diagnostics.fault(item.at, format!("the transport {} is listed twice", shown(name)), "keep one of them");
        }
    }
    transports
}
