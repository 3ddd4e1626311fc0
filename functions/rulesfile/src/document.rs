//! The whole file: which sections there are, and which need to know of each other.
//!
//! Owns the order in which sections are read. What a section may hold is the section's own module's.

use std::collections::BTreeSet;

use domain::rules_document::{Retention, RulesDocument};

use crate::fault::{At, Findings};
use crate::names::Known;
use crate::sections::{
    addresses, cloudevents, email, groups, policies, redact, retention, rules, silences, transports,
};
use crate::shape::{self, Keys, Section};
use crate::tree::{Node, Value};

pub(crate) const KEYS: Keys = Keys {
    of: "the rules file",
    known: &[
        "retention",
        "retention_by_action",
        "groups",
        "transports",
        "policies",
        "rules",
        "silences",
        "email",
        "allow_networks",
        "trusted_proxies",
        "redact",
        "cloudevents",
        "public_url",
    ],
    unsupported: &[],
};

/// The document, as far as it could be read: it counts only if nothing was found wrong.
pub(crate) fn read(root: &Node, findings: &mut Findings) -> Option<RulesDocument> {
    let file = Section::open(At::START, root, "the rules file", &KEYS, findings)?;
    // An empty section is as good as none; an empty `retention` or `public_url` is not.
    let part = |key| file.get(key).filter(|node| !node.is_nothing());

    let mut document = RulesDocument::default();
    let default = file.get("retention").and_then(|node| retention::default(node, findings));
    let by_action = part("retention_by_action").map(|node| retention::by_action(node, findings)).unwrap_or_default();
    document.retention = Retention::new(default.unwrap_or(document.retention.default), by_action);
    document.groups = part("groups").map(|node| groups::read(node, findings)).unwrap_or_default();
    document.transports = transports::read(part("transports"), findings);
    document.policies = part("policies").map(|node| policies::read(node, findings)).unwrap_or_default();
    if let Some(node) = part("rules") {
        let known = rules::Names {
            groups: Known::new("group", keys(part("groups"), &[])),
            transports: Known::new("transport", keys(part("transports"), &transports::BUILT_IN)),
            policies: Known::new("policy", keys(part("policies"), &[])),
        };
        document.rules = rules::read(node, &known, findings);
    }
    if let Some(node) = part("silences") {
        let known = Known::new("rule", keys(part("rules"), &[]));
        document.silences = silences::read(node, &known, findings);
    }
    document.email = part("email").map(|node| email::read(node, findings)).unwrap_or_default();
    let mut networks = |key| part(key).map(|node| networks(node, key, findings)).unwrap_or_default();
    document.allow_networks = networks("allow_networks");
    document.trusted_proxies = networks("trusted_proxies");
    document.redact = part("redact").map(|node| redact::read(node, findings)).unwrap_or_default();
    document.cloudevents = part("cloudevents").map(|node| cloudevents::read(node, findings)).unwrap_or_default();
    document.public_url = file.get("public_url").and_then(|node| addresses::public_url(node, findings));
    Some(document)
}

/// The names that a section defines, well or badly, so that a reference to a broken definition is
/// not reported as well. None where the section is no mapping.
fn keys<'n>(section: Option<&'n Node>, built_in: &[&'n str]) -> Option<BTreeSet<&'n str>> {
    let mut names: BTreeSet<&str> = built_in.iter().copied().collect();
    if let Some(section) = section {
        let Value::Map(entries) = &section.value else { return None };
        names.extend(entries.iter().map(|(key, _)| key.text.as_str()));
    }
    Some(names)
}

fn networks(node: &Node, key: &str, findings: &mut Findings) -> Vec<ipnet::IpNet> {
    let items = shape::list(node, key, findings).unwrap_or_default();
    items.iter().filter_map(|item| addresses::network(item, key, findings)).collect()
}
