//! Reads the whole file, section by section.
//!
//! Owns the list of sections and which section needs the names that another one defines. The content of a section
//! belongs to the section's own module.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::admission::mask::Masker;
use domain::rules_document::{Policy, Retention, RulesDocument};

use crate::diagnostics::Diagnostics;
use crate::names::DefinedNames;
use crate::sections::{
    addresses, cloudevents, detections, email, groups, policies, redact, retention, rules, silences, sources,
    transports,
};
use crate::shape::{self, KeySet, Section};
use crate::source_map::Position;
use crate::tree::{Node, NodeValue};

pub(crate) const KEYS: KeySet = KeySet {
    of: "the rules file",
    known: &[
        "retention",
        "retention_by_action",
        "groups",
        "transports",
        "policies",
        "detections",
        "rules",
        "silences",
        "sources",
        "email",
        "allow_networks",
        "trusted_proxies",
        "redact",
        "cloudevents",
        "public_url",
    ],
    unsupported: &[],
};

/// Reads as much of the document as possible. The result is valid only if `diagnostics` has no fault afterwards.
pub(crate) fn read(root: &Node, diagnostics: &mut Diagnostics) -> Option<RulesDocument> {
    let file = Section::open(Position::START, root, "the rules file", &KEYS, diagnostics)?;
    // An empty section counts as missing. `retention` and `public_url` do not use this: empty, they are faults.
    let part = |key| file.get(key).filter(|node| !node.is_null());

    let mut document = RulesDocument::default();
    let default = file.get("retention").and_then(|node| retention::default(node, diagnostics));
    let by_action = part("retention_by_action").map(|node| retention::by_action(node, diagnostics)).unwrap_or_default();
    document.retention = Retention::new(default.unwrap_or(document.retention.default), by_action);
    document.groups = part("groups").map(|node| groups::read(node, diagnostics)).unwrap_or_default();
    document.transports = transports::read(part("transports"), diagnostics);
    document.redact = part("redact").map(|node| redact::read(node, diagnostics)).unwrap_or_default();
    let masker = Masker::new(&document.redact);
    document.policies = part("policies").map(|node| policies::read(node, &masker, diagnostics)).unwrap_or_default();
    // Policies and detections share their names: a rule binds both, and a detection counts the events of both.
    let conditions = keys(part("policies"), &[]).zip(keys(part("detections"), &[]));
    let conditions = conditions.map(|(policies, detections)| &policies | &detections);
    if let Some(node) = part("detections") {
        let known = DefinedNames::new("policy or detection", conditions.clone());
        for detection in detections::read(node, part("policies"), &known, &masker, diagnostics) {
            document.policies.insert(detection.name.clone(), Arc::new(Policy::Detection(detection)));
        }
    }
    if let Some(node) = part("rules") {
        let known = rules::Definitions {
            groups: DefinedNames::new("group", keys(part("groups"), &[])),
            transports: DefinedNames::new("transport", keys(part("transports"), &transports::BUILT_IN)),
            policies: DefinedNames::new("policy", conditions),
        };
        document.rules = rules::read(node, &known, &masker, diagnostics);
    }
    if let Some(node) = part("silences") {
        let known = DefinedNames::new("rule", keys(part("rules"), &[]));
        document.silences = silences::read(node, &known, diagnostics);
    }
    document.email = part("email").map(|node| email::read(node, diagnostics)).unwrap_or_default();
    let mut networks = |key| part(key).map(|node| networks(node, key, diagnostics)).unwrap_or_default();
    document.allow_networks = networks("allow_networks");
    document.trusted_proxies = networks("trusted_proxies");
    document.cloudevents = part("cloudevents").map(|node| cloudevents::read(node, diagnostics)).unwrap_or_default();
    document.sources = part("sources")
        .map(|node| sources::read(node, file.get("public_url").is_some(), diagnostics))
        .unwrap_or_default();
    document.public_url = file.get("public_url").and_then(|node| addresses::public_url(node, diagnostics));
    Some(document)
}

/// The names that a section defines, faulty definitions included, so that a reference to a faulty definition is not a
/// second fault. `None` if the section is not a mapping.
fn keys<'n>(section: Option<&'n Node>, built_in: &[&'n str]) -> Option<BTreeSet<&'n str>> {
    let mut names: BTreeSet<&str> = built_in.iter().copied().collect();
    if let Some(section) = section {
        let NodeValue::Map(entries) = &section.value else { return None };
        names.extend(entries.iter().map(|(key, _)| key.text.as_str()));
    }
    Some(names)
}

fn networks(node: &Node, key: &str, diagnostics: &mut Diagnostics) -> Vec<ipnet::IpNet> {
    let items = shape::list(node, key, diagnostics).unwrap_or_default();
    items.iter().filter_map(|item| addresses::network(item, key, diagnostics)).collect()
}
