//! Reads `transports`: how notifications are sent.
//!
//! Owns which settings each mode has. The two built-in transports always exist; the file may redefine them.

use std::collections::BTreeMap;

use domain::rules_document::{Mappings, SecretRef, Transport, TransportKind, TransportLimit};

use super::{addresses, expressions, secrets};
use crate::diagnostics::Diagnostics;
use crate::names;
use crate::shape::{self, KeySet, Section};
use crate::tree::{Key, Node};

/// The names of the built-in transports.
pub(crate) const BUILT_IN: [&str; 2] = [Transport::DEFAULT_EMAIL, Transport::DEFAULT_LOCAL];

/// The mode of a transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransportMode {
    Local,
    Email,
    Webhook,
    WebhookSlack,
}

impl TransportMode {
    pub(crate) const ALL: [Self; 4] = [Self::Local, Self::Email, Self::Webhook, Self::WebhookSlack];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Email => "email",
            Self::Webhook => "webhook",
            Self::WebhookSlack => "webhook_slack",
        }
    }

    /// The keys of a transport with this mode.
    pub(crate) fn keys(self) -> KeySet {
        match self {
            Self::Local => LOCAL,
            Self::Email => EMAIL,
            Self::Webhook => WEBHOOK,
            Self::WebhookSlack => SLACK,
        }
    }

    fn choices() -> [(&'static str, Self); 4] {
        Self::ALL.map(|mode| (mode.as_str(), mode))
    }
}

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
/// The keys of a transport whose mode is missing or unknown.
pub(crate) const ANY: KeySet = KeySet {
    of: "a transport",
    known: &["mode", "send_once", "limit", "subject_prefix", "url", "ca", "secret", "content_type", "body", "headers"],
    unsupported: &[],
};
pub(crate) const LIMIT: KeySet = KeySet { of: "a limit", known: &["concurrency", "per_second"], unsupported: &[] };

/// The largest limit; one process makes fewer attempts at a time or per second.
const MAX_LIMIT: i64 = 1000;

pub(crate) fn read(node: Option<&Node>, diagnostics: &mut Diagnostics) -> BTreeMap<String, Transport> {
    let mut transports: BTreeMap<_, _> =
        Transport::built_in().into_iter().map(|transport| (transport.name.clone(), transport)).collect();
    let entries = node.and_then(|node| shape::named(node, "transports", "transports", diagnostics));
    for (key, value) in entries.unwrap_or_default() {
        names::check_name(&key.text, "transport", key.at, diagnostics);
        if let Some(transport) = transport(key, value, diagnostics) {
            transports.insert(key.text.clone(), transport);
        }
    }
    transports
}

fn transport(key: &Key, node: &Node, diagnostics: &mut Diagnostics) -> Option<Transport> {
    // The mode is read first: it decides which keys are allowed.
    let mode =
        shape::peek(node, "mode").and_then(|node| shape::choice(node, "mode", &TransportMode::choices(), diagnostics));
    let keys = mode.map_or(ANY, TransportMode::keys);
    let section = Section::open(key.at, node, "a transport", &keys, diagnostics)?;
    let modes = TransportMode::ALL.map(TransportMode::as_str).join(", ");
    section.require("mode", &format!("the modes are {modes}"), diagnostics);
    let send_once = section.get("send_once").and_then(|node| shape::boolean(node, "send_once", diagnostics));
    let ca = section.get("ca").and_then(|node| secrets::reference(node, "ca", diagnostics));
    let limit = section.get("limit").and_then(|node| limit(node, diagnostics)).unwrap_or_default();
    let mut mapping = |key| section.get(key).and_then(|node| expressions::mapping(node, key, diagnostics));
    let mappings = Mappings { body: mapping("body"), headers: mapping("headers") };
    let kind = kind(mode, &section, diagnostics)?;
    Some(Transport { name: key.text.clone(), send_once: send_once.unwrap_or(false), kind, ca, limit, mappings })
}

fn limit(node: &Node, diagnostics: &mut Diagnostics) -> Option<TransportLimit> {
    let section = Section::open(node.at, node, "limit", &LIMIT, diagnostics)?;
    let mut number = |name| {
        let number = section.get(name).and_then(|node| shape::integer(node, name, 1..=MAX_LIMIT, diagnostics));
        number.and_then(|number| u16::try_from(number).ok())
    };
    Some(TransportLimit { concurrency: number("concurrency"), per_second: number("per_second") })
}

/// Reads the settings that depend on the mode. Without a valid mode, all settings are checked, but the result is
/// `None`.
fn kind(mode: Option<TransportMode>, section: &Section<'_>, diagnostics: &mut Diagnostics) -> Option<TransportKind> {
    let prefix = section.get("subject_prefix").and_then(|node| subject_prefix(node, diagnostics));
    let secrets = section.get("secret").map(|node| secret(node, diagnostics)).unwrap_or_default();
    let content_type = section.get("content_type").and_then(|node| content_type(node, diagnostics));
    let url = match mode {
        Some(TransportMode::Webhook | TransportMode::WebhookSlack) => {
            section.require("url", "write url: https://…", diagnostics)
        }
        Some(TransportMode::Local | TransportMode::Email) | None => section.get("url"),
    }
    .and_then(|node| addresses::web_url(node, "url", diagnostics));
    match mode? {
        TransportMode::Local => Some(TransportKind::Local),
        TransportMode::Email => Some(TransportKind::Email {
            subject_prefix: prefix.unwrap_or_else(|| Transport::DEFAULT_SUBJECT_PREFIX.to_owned()),
        }),
        TransportMode::Webhook => Some(TransportKind::Webhook {
            url: url?,
            secrets,
            content_type: content_type.unwrap_or_else(|| Transport::DEFAULT_CONTENT_TYPE.to_owned()),
        }),
        TransportMode::WebhookSlack => Some(TransportKind::WebhookSlack { url: url? }),
    }
}

fn secret(node: &Node, diagnostics: &mut Diagnostics) -> Vec<SecretRef> {
    let items = shape::one_or_list(node);
    if items.is_empty() {
        diagnostics.fault(node.at, "secret is an empty list", "remove it to send without a signature");
    }
    items.into_iter().filter_map(|item| secrets::reference(item, "secret", diagnostics)).collect()
}

fn subject_prefix(node: &Node, diagnostics: &mut Diagnostics) -> Option<String> {
    let text = shape::text(node, "subject_prefix", diagnostics)?;
    if text.contains(char::is_control) {
        diagnostics.fault(node.at, "subject_prefix contains a line break", "write it in one line");
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
