//! Reads `verify`: how a sender without a preset proves that it made a request.

use domain::rules_document::{
    HmacHash, IdLocation, Period, SecretRef, SignatureEncoding, SignatureScheme, SignedPart, TimestampLocation,
    Verification,
};

use super::{fault, header, keys, signed};
use crate::diagnostics::Diagnostics;
use crate::names::listed;
use crate::sections::retention;
use crate::shape::{self, KeySet, Section};
use crate::tree::Node;

/// The schemes, by the key that chooses each. `header` is last: signatures are in a header, too.
const SCHEMES: [&str; 6] = ["hmac", "ed25519", "standard_webhooks", "basic", "query", "header"];

const HMAC: KeySet = KeySet {
    of: "verify with hmac",
    known: &["hmac", "header", "prefix", "encoding", "signed", "timestamp", "timestamp_prefix", "tolerance", "secrets"],
    unsupported: &[],
};
const ED25519: KeySet = KeySet {
    of: "verify with ed25519",
    known: &[
        "ed25519",
        "header",
        "prefix",
        "encoding",
        "signed",
        "timestamp",
        "timestamp_prefix",
        "tolerance",
        "secrets",
    ],
    unsupported: &[],
};
const STANDARD_WEBHOOKS: KeySet = KeySet {
    of: "verify with standard_webhooks",
    known: &["standard_webhooks", "tolerance", "secrets"],
    unsupported: &[],
};
const BASIC: KeySet = KeySet { of: "verify with basic", known: &["basic", "secrets"], unsupported: &[] };
const QUERY: KeySet = KeySet { of: "verify with query", known: &["query", "allow_query", "secrets"], unsupported: &[] };
const HEADER: KeySet = KeySet { of: "verify with header", known: &["header", "prefix", "secrets"], unsupported: &[] };

/// The keys of every scheme.
#[cfg(test)]
pub(crate) const SCHEME_KEYS: [&KeySet; 6] = [&HMAC, &ED25519, &STANDARD_WEBHOOKS, &BASIC, &QUERY, &HEADER];

/// How far a timestamp may be from now, if the file does not say.
const TOLERANCE: Period = Period::minutes(5);
/// The most that `tolerance` may be: a day. A request that was recorded could be sent again for as long.
const MAX_TOLERANCE: Period = Period::days(1);

pub(super) fn read(node: &Node, id: Option<&IdLocation>, diagnostics: &mut Diagnostics) -> Option<Verification> {
    let Some(scheme) = SCHEMES.into_iter().find(|scheme| shape::peek(node, scheme).is_some()) else {
        let hint = format!("write one of {}", listed(SCHEMES));
        return fault(node.at, "verify does not say how requests are verified", &hint, diagnostics);
    };
    let known = match scheme {
        "hmac" => &HMAC,
        "ed25519" => &ED25519,
        "standard_webhooks" => &STANDARD_WEBHOOKS,
        "basic" => &BASIC,
        "query" => &QUERY,
        _ => &HEADER,
    };
    let section = Section::open(node.at, node, "verify", known, diagnostics)?;
    let secrets = section.require("secrets", "write secrets: [\"env:NAME\"]", diagnostics);
    let secrets = secrets.map(|node| keys(node, "secrets", diagnostics));
    let own = section.get(scheme)?;
    match scheme {
        "hmac" => {
            let hashes = [("sha1", HmacHash::Sha1), ("sha256", HmacHash::Sha256), ("sha512", HmacHash::Sha512)];
            let hash = shape::choice(own, "hash function", &hashes, diagnostics);
            let signature = signature(&section, id, diagnostics)?;
            Some(Verification::Hmac { hash: hash?, signature, secrets: secrets? })
        }
        "ed25519" => {
            chosen(own, "ed25519", diagnostics)?;
            Some(Verification::Ed25519 { signature: signature(&section, id, diagnostics)?, keys: secrets? })
        }
        "standard_webhooks" => {
            chosen(own, "standard_webhooks", diagnostics)?;
            Some(Verification::StandardWebhooks { tolerance: tolerance(&section, diagnostics)?, secrets: secrets? })
        }
        "basic" => basic(own, secrets?, diagnostics),
        "query" => {
            let parameter = shape::text(own, "query", diagnostics)?.to_owned();
            let is_allowed =
                section.get("allow_query").and_then(|node| shape::boolean(node, "allow_query", diagnostics));
            if is_allowed != Some(true) {
                let hint = "use a header if the sender can; otherwise write allow_query: true";
                return fault(own.at, "a token in the URL is written to the logs of proxies", hint, diagnostics);
            }
            Some(Verification::Query { parameter, tokens: secrets? })
        }
        _ => {
            let header = header(own, "header", diagnostics)?;
            Some(Verification::Header { header, prefix: text(&section, "prefix", diagnostics)?, tokens: secrets? })
        }
    }
}

/// `true`, which chooses a scheme that has no other setting in this place.
fn chosen(node: &Node, name: &str, diagnostics: &mut Diagnostics) -> Option<()> {
    if shape::boolean(node, name, diagnostics)? {
        return Some(());
    }
    fault(node.at, &format!("{name} is false"), "write true, or choose another scheme", diagnostics)
}

fn basic(node: &Node, passwords: Vec<SecretRef>, diagnostics: &mut Diagnostics) -> Option<Verification> {
    let user = shape::text(node, "basic", diagnostics)?;
    if user.is_empty() || user.contains(':') {
        return fault(node.at, "basic is not a user name", "write the name alone, without a colon", diagnostics);
    }
    Some(Verification::Basic { user: user.to_owned(), passwords })
}

fn signature(section: &Section<'_>, id: Option<&IdLocation>, diagnostics: &mut Diagnostics) -> Option<SignatureScheme> {
    let place = section.require("header", "name the header that has the signature", diagnostics);
    let place = place.and_then(|node| header(node, "header", diagnostics));
    let encodings = [("hex", SignatureEncoding::Hex), ("base64", SignatureEncoding::Base64)];
    let encoding = match section.get("encoding") {
        Some(node) => shape::choice(node, "encoding", &encodings, diagnostics)?,
        None => SignatureEncoding::Hex,
    };
    let prefix = text(section, "prefix", diagnostics)?;
    let signed = match section.get("signed") {
        Some(node) => signed::read(node, diagnostics)?,
        None => vec![SignedPart::Body],
    };
    let timestamp = match section.get("timestamp") {
        Some(node) => Some(TimestampLocation {
            header: header(node, "timestamp", diagnostics)?,
            prefix: text(section, "timestamp_prefix", diagnostics)?,
            tolerance: tolerance(section, diagnostics)?,
        }),
        None => None,
    };
    let at = section.get("signed").or_else(|| section.get("timestamp")).map_or(section.at, |node| node.at);
    if timestamp.is_some() != signed.contains(&SignedPart::Timestamp) {
        let (what, hint) = match timestamp {
            Some(_) => ("the signature does not cover the timestamp", "add {timestamp} to signed, or remove timestamp"),
            None => ("signed has {timestamp}, and nothing says where it is", "write timestamp: X-Timestamp"),
        };
        return fault(at, what, hint, diagnostics);
    }
    let id_header = match id {
        Some(IdLocation::Header(header)) => Some(header.clone()),
        _ => None,
    };
    if signed.contains(&SignedPart::Id) && id_header.is_none() {
        let hint = "write id: { header: X-Delivery } beside verify";
        return fault(at, "signed has {id}, and nothing says where it is", hint, diagnostics);
    }
    Some(SignatureScheme { header: place?, prefix, encoding, signed, timestamp, id_header })
}

fn tolerance(section: &Section<'_>, diagnostics: &mut Diagnostics) -> Option<Period> {
    let Some(node) = section.get("tolerance") else { return Some(TOLERANCE) };
    let period = retention::period(node, "tolerance", diagnostics)?;
    if period.duration() > MAX_TOLERANCE.duration() {
        let hint = "write at most days=1: a recorded request could be sent again for as long";
        return fault(node.at, "tolerance is longer than a day", hint, diagnostics);
    }
    Some(period)
}

/// An optional text; empty if it is missing. `None` if it is faulty.
fn text(section: &Section<'_>, name: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    match section.get(name) {
        Some(node) => shape::text(node, name, diagnostics).map(str::to_owned),
        None => Some(String::new()),
    }
}
