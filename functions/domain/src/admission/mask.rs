//! Masks the secrets of an event before anything is stored, queued, logged or sent.
//!
//! Recognises a secret in three ways: by key (the value of `password` is a secret whatever it is), by the text around
//! it (`password=hunter2` in a message), and by form (an AWS access key is a secret anywhere). Replaces each by exactly
//! [`MASK`]; masking a masked text changes nothing.
//!
//! | file | owns |
//! |---|---|
//! | `keys` | which keys name secrets |
//! | `assignments` | values that a text gives to such a key |
//! | `formats` | credentials known by their form |

mod assignments;
mod formats;
mod keys;

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::diff;
use crate::event::Object;
use crate::rules_document::RedactSettings;
use keys::Keys;

/// The replacement of a secret: exactly 20 asterisks.
pub const MASK: &str = "********************";

/// Under a secret key, the values of these keys are masked even within an object.
const VALUES: [&str; 3] = ["old", "new", "value"];

/// A field that names another (`{"name": "password", "value": "…"}`), and the field that holds its value.
const NAMES: [&str; 6] = ["name", "key", "header", "field", "attribute", "parameter"];
const NAMED: [&str; 4] = ["value", "values", "val", "content"];

/// Masks secrets, by the built-in rules with the operator's additions and exceptions.
#[derive(Debug, Clone, Default)]
pub struct Masker {
    keys: Keys,
}

impl Masker {
    /// A masker with the built-in rules and the operator's additions and exceptions.
    pub fn new(redact: &RedactSettings) -> Self {
        Self { keys: Keys::new(redact) }
    }

    /// Masks every secret in `object`, which is a field of the event. `root` is the field's name, such as `context`,
    /// with which the paths of the operator's exceptions begin.
    pub fn mask_field(&self, root: &str, object: &mut Object) {
        let mut path = if self.keys.have_paths() { root.to_owned() } else { String::new() };
        self.mask_at(&mut path, object);
    }

    /// Masks every secret in `object`.
    pub fn mask_object(&self, object: &mut Object) {
        self.mask_field("", object);
    }

    /// Masks the secrets that a text names, and credentials in it.
    pub fn mask_string(&self, text: &mut String) {
        if let Cow::Owned(masked) = self.mask_text(text) {
            *text = masked;
        }
    }

    fn mask_at(&self, path: &mut String, object: &mut Object) {
        if object.keys().any(|key| !is_plain(key) && matches!(self.mask_text(key), Cow::Owned(_))) {
            let masked =
                std::mem::take(object).into_iter().map(|(key, value)| (self.mask_text(&key).into_owned(), value));
            *object = masked.collect();
        }
        let named = self.named_value(path, object);
        for (key, value) in object.iter_mut() {
            let above = path.len();
            if self.keys.have_paths() {
                path.extend(
                    if path.is_empty() { "" } else { "." }.chars().chain(key.chars()).flat_map(char::to_lowercase),
                );
            }
            let secret = self.keys.name_secret(key, path) || named.as_ref() == Some(key);
            self.mask_value(path, value, secret);
            path.truncate(above);
        }
    }

    /// The key of the value that another field of the object names as a secret.
    fn named_value(&self, path: &str, object: &Object) -> Option<String> {
        let is = |names: &[&str], key: &str| names.iter().any(|name| name.eq_ignore_ascii_case(key));
        let value = object.keys().find(|key| is(&NAMED, key))?;
        let names_secret = |(key, name): (&String, &Value)| {
            is(&NAMES, key) && name.as_str().is_some_and(|name| self.keys.name_secret(name, path))
        };
        object.iter().any(names_secret).then(|| value.clone())
    }

    fn mask_value(&self, path: &mut String, value: &mut Value, secret: bool) {
        match value {
            // Masks the old and the new value of a changed field.
            Value::Object(sides) if secret && !sides.is_empty() && sides.keys().all(|key| is_value(key)) => {
                sides.values_mut().for_each(|side| self.mask_value(path, side, true));
            }
            // In any other object, the key above masks only the `VALUES`; the object's own keys decide about the rest.
            Value::Object(object) => {
                self.mask_at(path, object);
                if secret {
                    object
                        .iter_mut()
                        .filter(|(key, _)| is_value(key))
                        .for_each(|(_, side)| self.mask_value(path, side, true));
                }
            }
            Value::Array(items) => {
                let pairs = items.iter().all(is_pair);
                // `["--password", "…"]`, like the arguments of a process.
                let mut follows_option = false;
                for item in items {
                    let is_option = item.as_str().is_some_and(|text| self.is_secret_option(path, text));
                    match item {
                        Value::String(value) if follows_option && !value.starts_with('-') => MASK.clone_into(value),
                        Value::Array(pair) if pairs && self.is_secret_pair(path, pair) => {
                            self.mask_value(path, &mut pair[1], true);
                        }
                        _ => self.mask_value(path, item, secret),
                    }
                    follows_option = is_option;
                }
            }
            scalar if secret => *scalar = Value::String(MASK.to_owned()),
            Value::String(text) => self.mask_string(text),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn is_secret_option(&self, path: &str, text: &str) -> bool {
        let name = text.strip_prefix("--").or_else(|| text.strip_prefix('-'));
        name.is_some_and(|name| name.len() > 1 && self.keys.name_secret_in_text(name, path))
    }

    fn is_secret_pair(&self, path: &str, pair: &[Value]) -> bool {
        pair[0].as_str().is_some_and(|name| self.keys.name_secret(name, path))
    }

    /// Borrows if there is nothing to mask. Also looks at the text without percent-encoding and HTML escapes; if that
    /// reveals a secret, returns the decoded text, masked.
    fn mask_text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let masked = self.mask_plain(text);
        let Some(decoded) = unescaped(&masked) else { return masked };
        match self.mask_plain(&decoded) {
            Cow::Owned(decoded) => Cow::Owned(decoded),
            Cow::Borrowed(_) => masked,
        }
    }

    fn mask_plain<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut masked = Cow::Borrowed(text);
        let hints = TextHints::scan(text);
        if let Cow::Owned(changed) = formats::mask_prefixed(&masked) {
            masked = Cow::Owned(changed);
        }
        if hints.may_have_shape {
            for shape in formats::shapes() {
                if shape.literals.iter().any(|literal| masked.contains(literal))
                    && let Cow::Owned(changed) = shape.regex.replace_all(&masked, shape.replacement)
                {
                    masked = Cow::Owned(changed);
                }
            }
            if let Cow::Owned(changed) = formats::mask_basic(&masked) {
                masked = Cow::Owned(changed);
            }
        }
        if hints.may_assign {
            let values = assignments::values(&masked, &self.keys);
            for value in values.into_iter().rev() {
                masked.to_mut().replace_range(value, MASK);
            }
        }
        masked
    }
}

/// Whether a key is too short and plain to contain a credential, as nearly all are.
fn is_plain(key: &str) -> bool {
    key.len() < 16 && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The text without the escapes of HTML and of URLs (of quotes, colons and angle brackets, without which nothing is
/// assigned); `None` if it has none of them.
fn unescaped(text: &str) -> Option<String> {
    // For nearly every text, one look at its bytes is enough.
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'&')) {
        return None;
    }
    let has = |escape: &str| text.contains(escape);
    if !(has("%22")
        || has("%27")
        || has("%3A")
        || has("%3a")
        || has("%3C")
        || has("%3c")
        || has("&lt;")
        || has("&quot;"))
    {
        return None;
    }
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    Some(
        decoded
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&"),
    )
}

fn is_value(key: &str) -> bool {
    diff::SIDES.contains(&key) || VALUES.contains(&key)
}

/// A list of two items that begins with a text, as headers are often written.
fn is_pair(value: &Value) -> bool {
    value.as_array().is_some_and(|pair| pair.len() == 2 && pair[0].is_string() && !pair[1].is_object())
}

/// The result of one look at each byte of a text, which is enough to clear nearly all texts.
#[derive(Default)]
struct TextHints {
    may_have_shape: bool,
    may_assign: bool,
}

impl TextHints {
    fn scan(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut hints = Self::default();
        for (at, byte) in bytes.iter().enumerate() {
            let class = formats::CLASSES[usize::from(*byte)];
            hints.may_assign |= class & formats::SIGN != 0;
            if class & formats::SHAPE != 0 {
                hints.may_have_shape |= formats::may_begin_shape(*byte, &bytes[at..]);
            }
        }
        hints
    }
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
