//! `redact`: changes to what counts as a secret key.
//!
//! Owns the form of the words; what they do to an event is the domain's.

use domain::rules_document::Redact;

use crate::fault::Findings;
use crate::shape::{self, Keys, Section};
use crate::tree::Node;

pub(crate) const KEYS: Keys = Keys { of: "redact", known: &["keys", "except"], unsupported: &[] };

pub(crate) fn read(node: &Node, findings: &mut Findings) -> Redact {
    let Some(section) = Section::open(node.at, node, "redact", &KEYS, findings) else { return Redact::default() };
    let mut words = |key| section.get(key).map(|node| words(node, key, findings)).unwrap_or_default();
    Redact { keys: words("keys"), except: words("except") }
}

fn words(node: &Node, name: &str, findings: &mut Findings) -> Vec<String> {
    let mut words = Vec::new();
    for item in shape::list(node, name, findings).unwrap_or_default() {
        match shape::text(item, "a key", findings).map(str::trim) {
            // Every key contains the empty word.
            Some("") => findings.fault(item.at, "a key is blank", "remove it"),
            Some(word) => words.push(word.to_owned()),
            None => {}
        }
    }
    words
}
