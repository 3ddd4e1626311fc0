//! `transports`: how notifications leave.
//!
//! Owns which settings each mode has. The two built-in transports are always there and may be
//! written anew.

use std::collections::BTreeMap;

use domain::document::{Limit, Mappings, SecretRef, Transport, TransportKind};

use super::{addresses, expressions, secrets};
use crate::diagnostics::Diagnostics;
use crate::names::{self, nearest, shown};
use crate::shape::{self, KeySet, Section};
use crate::tree::{Key, Node};

/// The names that exist without being written.
pub(crate) const BUILT_IN: [&str; 2] = [Transport::DEFAULT_EMAIL, Transport::DEFAULT_LOCAL];

const MODES: [&str; 4] = [BY_MODE[0].0, BY_MODE[1].0, BY_MODE[2].0, BY_MODE[3].0];
const LOCAL: KeySet =
    KeySet { of: "a local transport", known: &["mode", "send_once", "limit", "body"], unsupported: &[] };
const EMAIL: KeySet =
    KeySet { of: "an email transport", known: &["mode", "send_once", "limit", "subject_prefix"], unsupported: &[] };
const WEBHOOK: KeySet = KeySet {
    of: "a webhook transport",
    known: &["mode", "send_once", "limit", "url", "ca", "secret", "content_type", "body", "headers"],
    unsupported: &[],
};
const SLACK: KeySet = KeySet {
    of: "a webhook_slack transport",
    known: &["mode", "send_once", "limit", "url", "ca", "body", "headers"],
    unsupported: &[],
};
/// For a transport whose mode cannot be told.
pub(crate) const ANY: KeySet = KeySet {
    of: "a transport",
    known: &["mode", "send_once", "limit", "subject_prefix", "url", "ca", "secret", "content_type", "body", "headers"],
    unsupported: &[],
};
/// What each mode's transports may have.
pub(crate) const BY_MODE: [(&str, KeySet); 4] =
    [("local", LOCAL), ("email", EMAIL), ("webhook", WEBHOOK), ("webhook_slack", SLACK)];
pub(crate) const LIMIT: KeySet = KeySet { of: "a limit", known: &["concurrency", "per_second"], unsupported: &[] };

/// More attempts at a time, or a second, than one process makes.
const MOST: i64 = 1000;

pub(crate) fn read(node: Option<&Node>, diagnostics: &mut Diagnostics) -> BTreeMap<String, Transport> {
    let mut transports: BTreeMap<_, _> =
        Transport::built_in().into_iter().map(|transport| (transport.name.clone(), transport)).collect();
    let entries = node.and_then(|node| shape::named(node, "transports", "transports", diagnostics));
    for (key, value) in entries.unwrap_or_default() {
        names::check(&key.text, "transport", key.at, diagnostics);
        if let Some(transport) = transport(key, value, diagnostics) {
            transports.insert(key.text.clone(), transport);
        }
    }
    transports
}

fn transport(key: &Key, node: &Node, diagnostics: &mut Diagnostics) -> Option<Transport> {
    let mode = shape::find(node, "mode").map(|node| mode(node, diagnostics));
    let keys = BY_MODE.into_iter().find(|(own, _)| mode.flatten() == Some(*own)).map_or(ANY, |(_, keys)| keys);
    let section = Section::open(key.at, node, "a transport", &keys, diagnostics)?;
    section.require("mode", &format!("the modes are {}", MODES.join(", ")), diagnostics);
    let send_once = section.get("send_once").and_then(|node| shape::boolean(node, "send_once", diagnostics));
    let ca = section.get("ca").and_then(|node| secrets::reference(node, "ca", diagnostics));
    let limit = section.get("limit").and_then(|node| limit(node, diagnostics)).unwrap_or_default();
    let mut mapping = |key| section.get(key).and_then(|node| expressions::mapping(node, key, diagnostics));
    let mappings = Mappings { body: mapping("body"), headers: mapping("headers") };
    let kind = kind(mode.flatten(), &section, diagnostics)?;
    Some(Transport { name: key.text.clone(), send_once: send_once.unwrap_or(false), kind, ca, limit, mappings })
}

fn limit(node: &Node, diagnostics: &mut Diagnostics) -> Option<Limit> {
    let section = Section::open(node.at, node, "limit", &LIMIT, diagnostics)?;
    let mut number = |name| {
        let number = section.get(name).and_then(|node| shape::integer(node, name, 1..=MOST, diagnostics));
        number.and_then(|number| u16::try_from(number).ok())
    };
    Some(Limit { concurrency: number("concurrency"), per_second: number("per_second") })
}

fn mode<'n>(node: &'n Node, diagnostics: &mut Diagnostics) -> Option<&'n str> {
    let text = shape::text(node, "mode", diagnostics)?;
    if MODES.contains(&text) {
        return Some(text);
    }
    let hint = match nearest(text, MODES, diagnostics) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("the modes are {}", MODES.join(", ")),
    };
    diagnostics.fault(node.at, format!("{} is not a mode", shown(text)), hint);
    None
}

/// What is specific to the mode; without one, whatever is written is still checked.
fn kind(mode: Option<&str>, section: &Section<'_>, diagnostics: &mut Diagnostics) -> Option<TransportKind> {
    let prefix = section.get("subject_prefix").and_then(|node| subject_prefix(node, diagnostics));
    let secrets = section.get("secret").map(|node| secret(node, diagnostics)).unwrap_or_default();
    let content_type = section.get("content_type").and_then(|node| content_type(node, diagnostics));
    let url = match mode {
        Some("webhook" | "webhook_slack") => section.require("url", "write url: https://…", diagnostics),
        _ => section.get("url"),
    }
    .and_then(|node| addresses::web_url(node, "url", diagnostics));
    match mode? {
        "local" => Some(TransportKind::Local),
        "email" => Some(TransportKind::Email {
            subject_prefix: prefix.unwrap_or_else(|| Transport::DEFAULT_SUBJECT_PREFIX.to_owned()),
        }),
        "webhook" => Some(TransportKind::Webhook {
            url: url?,
            secrets,
            content_type: content_type.unwrap_or_else(|| Transport::DEFAULT_CONTENT_TYPE.to_owned()),
        }),
        _ => Some(TransportKind::WebhookSlack { url: url? }),
    }
}

fn secret(node: &Node, diagnostics: &mut Diagnostics) -> Vec<SecretRef> {
    let items = shape::one_or_list(node);
    if items.is_empty() {
        diagnostics.fault(node.at, "secret lists nothing", "leave it out to send unsigned");
    }
    items.into_iter().filter_map(|item| secrets::reference(item, "secret", diagnostics)).collect()
}

fn subject_prefix(node: &Node, diagnostics: &mut Diagnostics) -> Option<String> {
    let text = shape::text(node, "subject_prefix", diagnostics)?;
    if text.contains(char::is_control) {
        diagnostics.fault(node.at, "subject_prefix holds a line break", "write it in one line");
        return None;
    }
    Some(text.to_owned())
}

fn content_type(node: &Node, diagnostics: &mut Diagnostics) -> Option<String> {
    let text = shape::text(node, "content_type", diagnostics)?;
    let printable = text.chars().all(|one| one == ' ' || one.is_ascii_graphic());
    let halves = text.split(';').next().unwrap_or_default().split_once('/');
    let is_token = |half: &str| !half.is_empty() && !half.contains([' ', '/', ',']);
    if printable && halves.is_some_and(|(kind, subkind)| is_token(kind) && is_token(subkind.trim_end())) {
        return Some(text.to_owned());
    }
    diagnostics.fault(node.at, "content_type is not a media type", "write one such as application/json or text/json");
    None
}
