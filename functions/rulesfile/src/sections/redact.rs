//! Reads `redact`: which keys of an event are masked in addition to the built-in ones, and which are not.
//!
//! Owns the form of the words. The domain applies them.

use domain::rules_document::Redact;

use crate::diagnostics::Diagnostics;
use crate::shape::{self, KeySet, Section};
use crate::tree::Node;

pub(crate) const KEYS: KeySet = KeySet { of: "redact", known: &["keys", "except"], unsupported: &[] };

pub(crate) fn read(node: &Node, diagnostics: &mut Diagnostics) -> Redact {
    let Some(section) = Section::open(node.at, node, "redact", &KEYS, diagnostics) else { return Redact::default() };
    let mut words = |key| section.get(key).map(|node| words(node, key, diagnostics)).unwrap_or_default();
    Redact { keys: words("keys"), except: words("except") }
}

fn words(node: &Node, name: &str, diagnostics: &mut Diagnostics) -> Vec<String> {
    let mut words = Vec::new();
    for item in shape::list(node, name, diagnostics).unwrap_or_default() {
        match shape::text(item, "a key", diagnostics).map(str::trim) {
            // Every key contains the empty word, so that it would mask everything.
            Some("") => diagnostics.fault(item.at, "a key is blank", "remove it"),
            Some(word) => words.push(word.to_owned()),
            None => {}
        }
    }
    words
}
