//! References to secrets.
//!
//! Owns the refusal of a secret that stands in the file itself. No fault repeats what was written.

use domain::document::SecretRef;

use crate::diagnostics::Diagnostics;
use crate::shape;
use crate::tree::Node;

const PREFIXES: [&str; 3] = ["env:", "ssm:", "secretsmanager:"];

/// Whether a text is meant as a reference, be it well-formed or not.
pub(crate) fn looks_like_reference(text: &str) -> bool {
    PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

/// `env:NAME`, `ssm:/path` or `secretsmanager:name`.
pub(crate) fn reference(node: &Node, name: &str, diagnostics: &mut Diagnostics) -> Option<SecretRef> {
    let text = shape::text(node, name, diagnostics)?;
    let (what, hint) = match SecretRef::parse(text) {
        Ok(reference) => match misshapen(&reference) {
            None => return Some(reference),
            Some(hint) => ("refers to no secret", hint),
        },
        Err(_) if looks_like_reference(text) => ("refers to no secret", "name the secret after the colon"),
        Err(_) => (
            "is written into the file",
            "keep it elsewhere and refer to it as env:NAME, ssm:/path or secretsmanager:name",
        ),
    };
    diagnostics.fault(node.at, format!("{name} {what}"), hint);
    None
}

fn misshapen(reference: &SecretRef) -> Option<&'static str> {
    let plain = |text: &str| text.chars().all(|one| one.is_ascii_graphic());
    match reference {
        SecretRef::Env(name) => {
            let holds = !name.starts_with(|first: char| first.is_ascii_digit())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            (!holds).then_some("an environment variable has only A-Z, a-z, 0-9 and _, and no digit first")
        }
        SecretRef::Ssm(path) => (!(plain(path) && path.starts_with('/'))).then_some("write ssm:/path/to/parameter"),
        SecretRef::SecretsManager(name) => (!plain(name)).then_some("a secret's name has no spaces"),
    }
}
