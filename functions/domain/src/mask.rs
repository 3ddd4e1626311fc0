//! Takes secrets out of an event before anything is stored, queued, logged or sent.
//!
//! Two judgements: by key (the value of `password` is a secret whatever it is) and by value (an AWS
//! access key is a secret wherever it stands). Both replace by exactly [`MASK`], and masking what is
//! masked changes nothing.

use std::borrow::Cow;
use std::sync::OnceLock;

use regex_lite::Regex;
use serde_json::Value;

use crate::diff;
use crate::document::Redact;
use crate::event::Object;

/// What stands in a secret's place: exactly 20 asterisks.
pub const MASK: &str = "********************";

/// A key that contains one of these, in any case, names a secret. By their first letter, so that
/// each place of a key is looked at once.
fn parts_starting_with(letter: u8) -> &'static [&'static str] {
    match letter {
        b'a' => &["api_key", "apikey", "api-key", "authorization"],
        b'c' => &["cookie", "credential"],
        b'p' => &["pass", "private_key"],
        b's' => &["secret", "signature"],
        b't' => &["token"],
        _ => &[],
    }
}

/// So does a key with one of these as a whole word.
const WORDS: [&str; 2] = ["key", "auth"];

/// These stay, though the lists above would take them.
const STAYS: [&str; 3] = ["passing", "password_change_date", "authorized_application"];
const STAYS_PREFIX: &str = "auth_method";

/// Decides which keys name secrets.
#[derive(Debug, Clone, Default)]
pub struct Masker {
    more: Vec<String>,
    except: Vec<String>,
}

impl Masker {
    /// With the operator's additions and exceptions.
    pub fn new(redact: &Redact) -> Self {
        let lower = |names: &[String]| names.iter().map(|name| name.to_lowercase()).collect();
        Self { more: lower(&redact.keys), except: lower(&redact.except) }
    }

    /// Masks every secret in `object`.
    pub fn mask_object(&self, object: &mut Object) {
        if object.keys().any(|key| matches!(mask_text(key), Cow::Owned(_))) {
            *object =
                std::mem::take(object).into_iter().map(|(key, value)| (mask_text(&key).into_owned(), value)).collect();
        }
        for (key, value) in object.iter_mut() {
            let secret = self.names_secret(key);
            self.mask_value(value, secret);
        }
    }

    /// Masks credentials that stand in a text of the event's own fields.
    pub fn mask_string(&self, text: &mut String) {
        if let Cow::Owned(masked) = mask_text(text) {
            *text = masked;
        }
    }

    fn mask_value(&self, value: &mut Value, secret: bool) {
        match value {
            // What a field was and is, it is judged by.
            Value::Object(sides) if secret && sides.keys().all(|key| diff::SIDES.contains(&key.as_str())) => {
                sides.values_mut().for_each(|side| self.mask_value(side, true));
            }
            // Any other object's own keys judge it; the key above it does not.
            Value::Object(object) => self.mask_object(object),
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask_value(item, secret)),
            scalar if secret => *scalar = Value::String(MASK.to_owned()),
            Value::String(text) => self.mask_string(text),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn names_secret(&self, key: &str) -> bool {
        if !(self.except.is_empty() && self.more.is_empty()) {
            let key = key.to_lowercase();
            if self.except.contains(&key) {
                return false;
            }
            if self.more.iter().any(|part| key.contains(part.as_str())) {
                return true;
            }
        }
        if STAYS.iter().any(|name| name.eq_ignore_ascii_case(key)) || starts_with(key.as_bytes(), STAYS_PREFIX) {
            return false;
        }
        names_secret_part(key.as_bytes())
            || key
                .split(|character: char| !character.is_ascii_alphanumeric())
                .any(|word| WORDS.iter().any(|name| name.eq_ignore_ascii_case(word)))
    }
}

fn names_secret_part(key: &[u8]) -> bool {
    (0..key.len()).any(|at| {
        let rest = &key[at..];
        parts_starting_with(rest[0].to_ascii_lowercase()).iter().any(|part| starts_with(rest, part))
    })
}

fn starts_with(text: &[u8], start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()))
}

/// Masks every credential in `text`; borrows when there is none.
fn mask_text(text: &str) -> Cow<'_, str> {
    let mut masked = Cow::Borrowed(text);
    if !text.bytes().enumerate().any(|(at, byte)| may_start_literal(byte, &text.as_bytes()[at..])) {
        return masked;
    }
    for shape in shapes() {
        // The literal is far cheaper to look for than the expression, and nearly never there.
        if shape.literals.iter().any(|literal| masked.contains(literal))
            && let Cow::Owned(replaced) = shape.regex.replace_all(&masked, shape.replacement)
        {
            masked = Cow::Owned(replaced);
        }
    }
    masked
}

/// Whether one of the shapes' literals may start here: one look at each byte clears nearly every text.
fn may_start_literal(byte: u8, rest: &[u8]) -> bool {
    match byte {
        b'A' => rest.starts_with(b"AKIA") || rest.starts_with(b"ASIA"),
        b'e' => rest.starts_with(b"eyJ"),
        b'g' => rest.get(3) == Some(&b'_') && rest.starts_with(b"gh") || rest.starts_with(b"github_pat_"),
        b'x' => rest.starts_with(b"xox") || rest.starts_with(b"xapp-"),
        b'_' => rest.starts_with(b"_live_") || rest.starts_with(b"_test_"),
        b'P' => rest.starts_with(b"PRIVATE KEY"),
        b':' => rest.starts_with(b"://") || rest.starts_with(b":\\/\\/"),
        _ => false,
    }
}

struct Shape {
    literals: &'static [&'static str],
    regex: Regex,
    replacement: &'static str,
}

fn shapes() -> &'static [Shape] {
    static SHAPES: OnceLock<Vec<Shape>> = OnceLock::new();
    SHAPES.get_or_init(|| {
        // What a credential may stand behind: anything but a letter or digit, unless these are an escape in a URL.
        let behind = |shape: &str| format!("(^|%[0-9A-Fa-f]{{2}}|[^A-Za-z0-9]){shape}");
        // (literals that must be there, the credential's shape, what replaces it)
        let table: [(&'static [&'static str], String, &'static str); 6] = [
            (&["AKIA", "ASIA"], behind(r"(?:AKIA|ASIA)[A-Z0-9]{16}(\b|_)"), "${1}********************${2}"),
            // Signed; or encrypted, with nothing or a wrapped key in the second place.
            (
                &["eyJ"],
                behind(r"eyJ[\w-]{5,}\.(?:[\w-]{5,}\.[\w-]*(?:\.[\w-]+\.[\w-]+)?|\.[\w-]+\.[\w-]+\.[\w-]+)"),
                "${1}********************",
            ),
            (
                &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
                behind("(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})"),
                "${1}********************",
            ),
            (
                &["xox", "xapp-", "_live_", "_test_"],
                behind("(?:xox[a-z]-[A-Za-z0-9-]{8,}|xapp-[A-Za-z0-9-]{8,}|[spr]k_(?:live|test)_[A-Za-z0-9]{8,})"),
                "${1}********************",
            ),
            (
                &["PRIVATE KEY"],
                r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|$)"
                    .to_owned(),
                MASK,
            ),
            // What stands behind the colon is a password, unless it is a port. Some JSON escapes slashes.
            (
                &["://", r":\/\/"],
                r"([A-Za-z][A-Za-z0-9+.-]*:(?://|\\/\\/))[^\s/?#@:\[]*:(?:[^\s/?#]*|[0-9]*[^\s0-9/?#@][^\s@]*)@".to_owned(),
                "${1}********************@",
            ),
        ];
        table
            .into_iter()
            .filter_map(|(literals, pattern, replacement)| {
                Some(Shape { literals, regex: Regex::new(&pattern).ok()?, replacement })
            })
            .collect()
    })
}

#[cfg(test)]
mod tests;
