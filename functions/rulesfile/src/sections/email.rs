//! `email`: how mail leaves.
//!
//! Owns no transport; an e-mail transport's own settings are under `transports`.

use domain::document::EmailSettings;

use super::addresses;
use crate::fault::Findings;
use crate::shape::{Keys, Section};
use crate::tree::Node;

pub(crate) const KEYS: Keys = Keys { of: "email", known: &["from", "smtp"], unsupported: &[] };

pub(crate) fn read(node: &Node, findings: &mut Findings) -> EmailSettings {
    let Some(section) = Section::open(node.at, node, "email", &KEYS, findings) else {
        return EmailSettings::default();
    };
    EmailSettings {
        from: section.get("from").and_then(|node| addresses::mailbox(node, "from", findings)),
        smtp: section.get("smtp").and_then(|node| addresses::smtp_url(node, "smtp", findings)),
    }
}
