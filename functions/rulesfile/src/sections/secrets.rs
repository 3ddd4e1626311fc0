//! Reads references to secrets.
//!
//! Refuses a secret that is written into the file itself. No fault repeats the text.

use domain::rules_document::SecretRef;

use crate::diagnostics::Diagnostics;
use crate::shape;
use crate::tree::Node;

const PREFIXES: [&str; 3] = ["env:", "ssm:", "secretsmanager:"];

/// Whether a text is intended as a reference, even if it is malformed.
pub(crate) fn looks_like_reference(text: &str) -> bool {
    PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

/// Reads `env:NAME`, `ssm:/path` or `secretsmanager:name`.
pub(crate) fn reference(node: &Node, name: &str, diagnostics: &mut Diagnostics) -> Option<SecretRef> {
    let text = shape::text(node, name, diagnostics)?;
    let (what, hint) = match SecretRef::parse(text) {
        Ok(reference) => match malformed(&reference) {
            None => return Some(reference),
            Some(hint) => ("is not a valid reference to a secret", hint),
        },
        Err(_) if looks_like_reference(text) => {
            ("is not a valid reference to a secret", "name the secret after the colon")
        }
        Err(_) => (
            "must not be written into the file",
            "keep it elsewhere, and refer to it as env:NAME, ssm:/path or secretsmanager:name",
        ),
    };
    diagnostics.fault(node.at, format!("{name} {what}"), hint);
    None
}

/// Why the name or path in a reference is malformed; `None` if it is valid.
fn malformed(reference: &SecretRef) -> Option<&'static str> {
    let plain = |text: &str| text.chars().all(|one| one.is_ascii_graphic());
    match reference {
        SecretRef::Env(name) => {
            let is_valid = !name.starts_with(|first: char| first.is_ascii_digit())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            (!is_valid)
                .then_some("an environment variable consists of A-Z, a-z, 0-9 and _, and does not start with a digit")
        }
        SecretRef::Ssm(path) => (!(plain(path) && path.starts_with('/'))).then_some("write ssm:/path/to/parameter"),
        SecretRef::SecretsManager(name) => (!plain(name)).then_some("a secret's name has no spaces"),
    }
}
