//! Which keys name secrets.

use crate::rules_document::RedactSettings;

/// Texts that make any key that contains them a secret's, in any case. Grouped by first letter, so that each position
/// of a key is examined once.
fn parts_starting_with(letter: u8) -> &'static [&'static str] {
    match letter {
        b'a' => &["api_key", "apikey", "api-key", "authorization"],
        b'c' => &["cookie", "credential"],
        b'p' => &["pass", "private_key"],
        b's' => &["secret", "signature", "session_id", "session-id"],
        b't' => &["token"],
        _ => &[],
    }
}

/// Words that make a key a secret's if it contains them as whole words: `sshKey`, `x-auth`, `user.pwd`. Grouped
/// likewise.
fn words_starting_with(letter: u8) -> &'static [&'static str] {
    match letter {
        b'a' => &["auth"],
        b'c' => &["csrf"],
        b'j' => &["jwt"],
        b'k' => &["key"],
        b'o' => &["otp"],
        b'p' => &["pwd", "pin", "psk"],
        b's' => &["sessionid", "sig"],
        b't' => &["totp"],
        b'x' => &["xsrf"],
        _ => &[],
    }
}

/// Keys that are not secrets, although the lists above would match them.
const NOT_SECRET: [&str; 3] = ["passing", "password_change_date", "authorized_application"];
const NOT_SECRET_PREFIX: &str = "auth_method";

/// Texts that make a name within a text a secret's. Stricter than for keys, because of ordinary sentences: in `pass=12
/// fail=3` of a test run, `pass` is not a password, and a `key` can be of any kind.
fn parts_in_text_starting_with(letter: u8) -> &'static [&'static str] {
    match letter {
        b'a' => &["authorization", "api_key", "apikey", "api-key"],
        b'c' => &["cookie", "credential"],
        b'p' => &["passw", "passphrase", "passcode", "private_key", "privatekey"],
        b's' => &["secret", "signature", "sessid", "sessionid"],
        b't' => &["token"],
        _ => &[],
    }
}

/// Words that make a name within a text a secret's if it contains them as whole words.
fn words_in_text_starting_with(letter: u8) -> &'static [&'static str] {
    match letter {
        b'c' => &["csrf"],
        b'j' => &["jwt"],
        b'o' => &["otp"],
        b'a' => &["auth"],
        b'p' => &["pass", "pin", "pwd", "psk"],
        b's' => &["sig"],
        b't' => &["totp"],
        b'x' => &["xsrf"],
        _ => &[],
    }
}

/// A name within a text that ends in one of these words is about a secret, but its value is not one: as in
/// `--token-file /run/token`.
const ABOUT: [&str; 37] = [
    "file",
    "path",
    "url",
    "uri",
    "type",
    "length",
    "count",
    "ttl",
    "expiry",
    "expires",
    "policy",
    "field",
    "hint",
    "age",
    "stdin",
    "id",
    "name",
    "format",
    "at",
    "ref",
    "set",
    "date",
    "time",
    "status",
    "state",
    "endpoint",
    "version",
    "algorithm",
    "method",
    "issuer",
    "strength",
    "prompt",
    "changed",
    "used",
    "required",
    "size",
    "limit",
];

/// Within a text, a `key` of one of these kinds is a secret.
const KEYS_OF: [&str; 14] = [
    "access",
    "account",
    "api",
    "private",
    "shared",
    "signing",
    "encryption",
    "ssh",
    "master",
    "subscription",
    "license",
    "host",
    "deploy",
    "secret",
];

/// Decides which keys name secrets: the built-in rules with the operator's additions and exceptions.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    more: Vec<String>,
    except: Vec<String>,
    /// Whether some exception is a path, such as `context.object.key`.
    paths: bool,
}

impl Keys {
    pub(super) fn new(redact: &RedactSettings) -> Self {
        let lower = |names: &[String]| names.iter().map(|name| name.to_lowercase()).collect();
        let paths = redact.except.iter().any(|name| name.contains('.'));
        Self { more: lower(&redact.keys), except: lower(&redact.except), paths }
    }

    /// Whether paths are needed to decide.
    pub(super) fn have_paths(&self) -> bool {
        self.paths
    }

    /// Whether the operator exempts this key, or the field at this path.
    fn is_exempt(&self, key: &str, path: &str) -> bool {
        self.except.iter().any(|name| *name == key || (self.paths && *name == path))
    }

    /// Whether the value of this key is a secret. `path` leads to it from the event, in lower case; it may be empty
    /// where no exception is a path.
    pub(super) fn name_secret(&self, key: &str, path: &str) -> bool {
        if !(self.except.is_empty() && self.more.is_empty()) {
            let key = key.to_lowercase();
            if self.is_exempt(&key, path) {
                return false;
            }
            if self.more.iter().any(|part| key.contains(part.as_str())) {
                return true;
            }
        }
        if is_not_secret(key) {
            return false;
        }
        let bytes = key.as_bytes();
        (0..bytes.len()).any(|at| {
            let (rest, letter) = (&bytes[at..], bytes[at].to_ascii_lowercase());
            parts_starting_with(letter).iter().any(|part| starts_with(rest, part))
                || words_starting_with(letter).iter().any(|word| is_word(bytes, at, word))
        })
    }

    /// Whether a text that assigns a value to this name reveals a secret.
    pub(super) fn name_secret_in_text(&self, name: &str, path: &str) -> bool {
        if !(self.except.is_empty() && self.more.is_empty()) {
            let name = name.to_lowercase();
            if self.is_exempt(&name, path) {
                return false;
            }
            if self.more.iter().any(|part| name.contains(part.as_str())) {
                return true;
            }
        }
        let bytes = name.as_bytes();
        let is_key_of = |at: usize| is_word(bytes, at, "key") && KEYS_OF.iter().any(|kind| has_word(bytes, kind));
        let names_secret = (0..bytes.len()).any(|at| {
            let (rest, letter) = (&bytes[at..], bytes[at].to_ascii_lowercase());
            parts_in_text_starting_with(letter).iter().any(|part| starts_with(rest, part))
                || words_in_text_starting_with(letter).iter().any(|word| is_word(bytes, at, word))
                || (letter == b'k' && is_key_of(at))
        });
        names_secret
            && !is_not_secret(name)
            && !starts_with(last_word(name).as_bytes(), "secretar")
            && !ABOUT.iter().any(|about| about.eq_ignore_ascii_case(last_word(name)))
    }
}

fn is_not_secret(key: &str) -> bool {
    NOT_SECRET.iter().any(|name| name.eq_ignore_ascii_case(key)) || starts_with(key.as_bytes(), NOT_SECRET_PREFIX)
}

/// The part after the last sign or capital letter.
fn last_word(name: &str) -> &str {
    let bytes = name.as_bytes();
    let starts = |place: &usize| {
        !bytes[place - 1].is_ascii_alphanumeric()
            || (bytes[*place].is_ascii_uppercase() && bytes[place - 1].is_ascii_lowercase())
    };
    let start = (1..bytes.len()).rev().find(starts).unwrap_or(0);
    name.get(start..).unwrap_or(name)
}

/// Whether `text` begins with `start`, in any case.
pub(super) fn starts_with(text: &[u8], start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()))
}

/// Whether `word` is at this position of the key, as a whole word.
fn is_word(key: &[u8], at: usize, word: &str) -> bool {
    starts_with(&key[at..], word) && is_boundary(key, at) && is_boundary(key, at + word.len())
}

/// Whether the key contains `word` as a whole word.
fn has_word(key: &[u8], word: &str) -> bool {
    (0..key.len()).any(|at| is_word(key, at, word))
}

/// Whether a word ends and another begins between that byte and the one before: at everything but letters and digits,
/// before a capital letter that follows a small one or a digit (`sshKey`), and before the last of several capital
/// letters (`SSHKey`).
fn is_boundary(key: &[u8], at: usize) -> bool {
    let (Some(before), Some(after)) = (at.checked_sub(1).map(|place| key[place]), key.get(at)) else { return true };
    if !before.is_ascii_alphanumeric() || !after.is_ascii_alphanumeric() {
        return true;
    }
    after.is_ascii_uppercase() && (!before.is_ascii_uppercase() || key.get(at + 1).is_some_and(u8::is_ascii_lowercase))
}
