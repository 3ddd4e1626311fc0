//! Reads `sources`: the senders that post without a token of Nuncio, and how their requests are verified.
//!
//! | file | owns |
//! |---|---|
//! | `verify` | the schemes of `verify`, for senders without a preset |
//! | `signed` | the template of the signed bytes |

mod signed;
mod verify;

use std::collections::BTreeMap;

use domain::rules_document::{EventSource, IdLocation, SecretRef, SignedPart, SourcePreset, Verification};

use super::secrets;
use crate::diagnostics::Diagnostics;
use crate::names::shown;
use crate::shape::{self, KeySet, Section};
use crate::source_map::Position;
use crate::tree::{Key, Node};

#[cfg(test)]
pub(crate) use verify::SCHEME_KEYS;

pub(crate) const KEYS: KeySet =
    KeySet { of: "a source", known: &["preset", "secret", "token", "verify", "id"], unsupported: &[] };
pub(crate) const ID: KeySet = KeySet { of: "id", known: &["header", "payload"], unsupported: &[] };

/// The maximum length of a name, which is a part of the source's URL.
const MAX_NAME_CHARS: usize = 64;

/// Reads the sources. `public_url` is whether the file sets it: some signatures cover the URL.
pub(crate) fn read(node: &Node, has_public_url: bool, diagnostics: &mut Diagnostics) -> BTreeMap<String, EventSource> {
    let mut sources = BTreeMap::new();
    for (key, value) in shape::named(node, "sources", "sources", diagnostics).unwrap_or_default() {
        check_name(key, diagnostics);
        if let Some(source) = source(key, value, has_public_url, diagnostics) {
            sources.insert(key.text.clone(), source);
        }
    }
    sources
}

fn check_name(key: &Key, diagnostics: &mut Diagnostics) {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    if !((1..=MAX_NAME_CHARS).contains(&key.text.len()) && key.text.bytes().all(is_part)) {
        let what = format!("{} is not a valid name for a source", shown(&key.text));
        let hint = "it is a part of a URL: use 1 to 64 characters of a-z, 0-9, _ and -";
        diagnostics.fault(key.at, what, hint);
    }
}

fn source(key: &Key, node: &Node, has_public_url: bool, diagnostics: &mut Diagnostics) -> Option<EventSource> {
    let section = Section::open(key.at, node, "a source", &KEYS, diagnostics)?;
    let presets = SourcePreset::ALL.map(|preset| (preset.name(), preset));
    let preset = section.get("preset").map(|node| shape::choice(node, "preset", &presets, diagnostics));
    let id = section.get("id").and_then(|node| id(node, diagnostics));
    let given = |name: &str, diagnostics: &mut Diagnostics| section.get(name).map(|node| keys(node, name, diagnostics));
    let (secret, token) = (given("secret", diagnostics), given("token", diagnostics));
    let verify = section.get("verify").map(|node| verify::read(node, id.as_ref(), diagnostics));
    let verification = match (preset, verify) {
        // A preset that is misspelt has its fault already.
        (Some(None), _) | (_, Some(None)) => return None,
        (Some(Some(preset)), None) => by_preset(&section, preset, secret, token, diagnostics)?,
        (_, Some(Some(verification))) => {
            for name in ["secret", "token"] {
                if let Some(node) = section.get(name) {
                    let what = format!("{name} is not used beside verify");
                    diagnostics.fault(node.at, what, "write it as secrets under verify");
                }
            }
            verification
        }
        (None, None) => {
            let names = presets.map(|(name, _)| name).join(", ");
            let hint = format!("name a preset ({names}), or say under verify how requests are signed");
            diagnostics.fault(section.at, "a source needs preset or verify", hint);
            return None;
        }
    };
    if let Some(at) = section.get("verify").map(|node| node.at)
        && covers_url(&verification)
        && !has_public_url
    {
        diagnostics.fault(at, "the signature covers {url}, and Nuncio does not know its own", "set public_url");
    }
    Some(EventSource { name: key.text.clone(), preset: preset.flatten(), verification, id })
}

/// The verification of a preset, with the key that its sender has.
fn by_preset(
    section: &Section<'_>,
    preset: SourcePreset,
    secret: Option<Vec<SecretRef>>,
    token: Option<Vec<SecretRef>>,
    diagnostics: &mut Diagnostics,
) -> Option<Verification> {
    let verification = domain::source::verification(preset, Vec::new());
    let (wanted, other) = match verification {
        Verification::Header { .. } | Verification::Query { .. } | Verification::Basic { .. } => ("token", "secret"),
        Verification::Hmac { .. } | Verification::Ed25519 { .. } | Verification::StandardWebhooks { .. } => {
            ("secret", "token")
        }
    };
    if let Some(node) = section.get(other) {
        let what = format!("the preset {} has no {other}", preset.name());
        diagnostics.fault(node.at, what, format!("write {wanted}"));
        return None;
    }
    section.require(
        wanted,
        &format!("write {wanted}: \"env:NAME\", with the text that the sender uses"),
        diagnostics,
    )?;
    let given = if wanted == "secret" { secret } else { token }?;
    Some(domain::source::verification(preset, given))
}

fn covers_url(verification: &Verification) -> bool {
    match verification {
        Verification::Hmac { signature, .. } | Verification::Ed25519 { signature, .. } => {
            signature.signed.contains(&SignedPart::Url)
        }
        _ => false,
    }
}

/// One or several references to secrets.
fn keys(node: &Node, name: &str, diagnostics: &mut Diagnostics) -> Vec<SecretRef> {
    let items = shape::one_or_list(node);
    if items.is_empty() {
        diagnostics.fault(node.at, format!("{name} is an empty list"), "name at least one secret, such as env:NAME");
    }
    items.into_iter().filter_map(|item| secrets::reference(item, name, diagnostics)).collect()
}

fn id(node: &Node, diagnostics: &mut Diagnostics) -> Option<IdLocation> {
    let section = Section::open(node.at, node, "id", &ID, diagnostics)?;
    match (section.get("header"), section.get("payload")) {
        (Some(node), None) => header(node, "header", diagnostics).map(IdLocation::Header),
        (None, Some(node)) => {
            shape::text(node, "payload", diagnostics).map(|path| IdLocation::Payload(path.to_owned()))
        }
        _ => {
            let hint = "write { header: X-Delivery }, or { payload: data.id } for a path in the payload";
            diagnostics.fault(node.at, "id has either header or payload", hint);
            None
        }
    }
}

/// The name of a header, in lower case.
fn header(node: &Node, name: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let text = shape::text(node, name, diagnostics)?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.is_empty() || !text.bytes().all(is_token) {
        let what = format!("{} is not the name of a header", shown(text));
        diagnostics.fault(node.at, what, "write a name such as X-Signature, without a colon");
        return None;
    }
    Some(text.to_ascii_lowercase())
}

/// A fault at the place of a scheme.
fn fault<T>(at: Position, what: &str, hint: &str, diagnostics: &mut Diagnostics) -> Option<T> {
    diagnostics.fault(at, what, hint);
    None
}
