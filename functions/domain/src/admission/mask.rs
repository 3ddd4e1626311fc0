//! Takes secrets out of an event before anything is stored, queued, logged or sent.
//!
//! Three judgements: by key (the value of `password` is a secret whatever it is), by what a text says of itself
//! (`password=hunter2` in a message), and by form (an AWS access key is a secret wherever it stands). All replace by
//! exactly [`MASK`], and masking what is masked changes nothing.
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
use crate::rules_document::Redact;
use keys::Keys;

/// What stands in a secret's place: exactly 20 asterisks.
pub const MASK: &str = "********************";

/// Below a secret key these are values, though they stand in an object of their own.
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
    /// With the operator's additions and exceptions.
    pub fn new(redact: &Redact) -> Self {
        Self { keys: Keys::new(redact) }
    }

    /// Masks every secret in `object`, one of an event's own: `root` is the name it has there, such as `context`, with
    /// which the operator's exceptions begin.
    pub fn mask_field(&self, root: &str, object: &mut Object) {
        let mut path = if self.keys.have_paths() { root.to_owned() } else { String::new() };
        self.mask_at(&mut path, object);
    }

    /// Masks every secret in `object`.
    pub fn mask_object(&self, object: &mut Object) {
        self.mask_field("", object);
    }

    /// Masks what a text of the event's own fields tells of itself, and credentials in it.
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
            // What a field was and is, it is judged by.
            Value::Object(sides) if secret && !sides.is_empty() && sides.keys().all(|key| is_value(key)) => {
                sides.values_mut().for_each(|side| self.mask_value(path, side, true));
            }
            // Any other object's own keys judge it; the key above it does not, but for those values.
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
                // `["--password", "…"]`, as a process is given its arguments.
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

    /// Borrows when there is nothing to mask. What is percent-encoded or written with HTML's escapes is looked at as it
    /// reads, and is shown decoded where that tells a secret.
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
        let signs = Signs::of(text);
        if let Cow::Owned(changed) = formats::mask_prefixed(&masked) {
            masked = Cow::Owned(changed);
        }
        if signs.may_have_shape {
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
        if signs.may_assign {
            let values = assignments::values(&masked, &self.keys);
            for value in values.into_iter().rev() {
                masked.to_mut().replace_range(value, MASK);
            }
        }
        masked
    }
}

/// Whether a key is too short and plain to hold a credential, as nearly all are.
fn is_plain(key: &str) -> bool {
    key.len() < 16 && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The text with the escapes of URLs (of quotes, colons and angle brackets, without which nothing is assigned) and of
/// HTML undone; `None` if it has none of them.
fn unescaped(text: &str) -> Option<String> {
    // Nearly every text is cleared by one look at its bytes.
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

/// A list of two that begins with a text, as headers are often written.
fn is_pair(value: &Value) -> bool {
    value.as_array().is_some_and(|pair| pair.len() == 2 && pair[0].is_string() && !pair[1].is_object())
}

/// What one look at each byte tells of a text: nearly all are cleared by it.
#[derive(Default)]
struct Signs {
    may_have_shape: bool,
    may_assign: bool,
}

impl Signs {
    fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut signs = Self::default();
        for (at, byte) in bytes.iter().enumerate() {
            let class = formats::CLASSES[usize::from(*byte)];
            signs.may_assign |= class & formats::SIGN != 0;
            if class & formats::SHAPE != 0 {
                signs.may_have_shape |= formats::may_begin_shape(*byte, &bytes[at..]);
            }
        }
        signs
    }
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
