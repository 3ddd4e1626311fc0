//! Reads `email`: the sender, the mail server and how long mails are kept.
//!
//! Applies to all e-mail transports; the settings of a single one are under `transports`.

use domain::rules_document::{EmailSettings, Period};

use super::{addresses, retention};
use crate::diagnostics::Diagnostics;
use crate::shape::{KeySet, Section};
use crate::tree::Node;

pub(crate) const KEYS: KeySet = KeySet { of: "email", known: &["from", "smtp", "keep"], unsupported: &[] };

pub(crate) fn read(node: &Node, diagnostics: &mut Diagnostics) -> EmailSettings {
    let Some(section) = Section::open(node.at, node, "email", &KEYS, diagnostics) else {
        return EmailSettings::default();
    };
    EmailSettings {
        from: section.get("from").and_then(|node| addresses::mailbox(node, "from", diagnostics)),
        smtp: section.get("smtp").and_then(|node| addresses::smtp_url(node, "smtp", diagnostics)),
        keep: section.get("keep").and_then(|node| keep(node, diagnostics)),
    }
}

fn keep(node: &Node, diagnostics: &mut Diagnostics) -> Option<Period> {
    let period = retention::period(node, "keep", diagnostics)?;
    if period.duration() > EmailSettings::LONGEST_KEPT.duration() {
        let hint = "write at most days=31: an erasure finds a person's mails through the ledger, which keeps its entries for 31 days";
        diagnostics.fault(node.at, "keep is longer than 31 days", hint);
        return None;
    }
    Some(period)
}
