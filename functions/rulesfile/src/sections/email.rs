//! `email`: how mail leaves.
//!
//! Owns no transport; an e-mail transport's own settings are under `transports`.

use domain::rules_document::{EmailSettings, Period};

use super::{addresses, retention};
use crate::fault::Findings;
use crate::shape::{Keys, Section};
use crate::tree::Node;

pub(crate) const KEYS: Keys = Keys { of: "email", known: &["from", "smtp", "keep"], unsupported: &[] };

pub(crate) fn read(node: &Node, findings: &mut Findings) -> EmailSettings {
    let Some(section) = Section::open(node.at, node, "email", &KEYS, findings) else {
        return EmailSettings::default();
    };
    EmailSettings {
        from: section.get("from").and_then(|node| addresses::mailbox(node, "from", findings)),
        smtp: section.get("smtp").and_then(|node| addresses::smtp_url(node, "smtp", findings)),
        keep: section.get("keep").and_then(|node| keep(node, findings)),
    }
}

fn keep(node: &Node, findings: &mut Findings) -> Option<Period> {
    let period = retention::period(node, "keep", findings)?;
    if period.duration() > EmailSettings::LONGEST_KEPT.duration() {
        let hint =
            "write at most days=31: an erasure finds a person's mails through the ledger, which remembers for as long";
        findings.fault(node.at, "keep is longer than 31 days", hint);
        return None;
    }
    Some(period)
}
