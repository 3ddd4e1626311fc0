//! Removes secrets from a receiver's response: error pages often show the path of the request.
//!
//! Owns the spellings in which a secret is recognised: as it is, in another case, percent-encoded or decoded, with
//! escapes of JSON or HTML, in base64, and in hexadecimal digits. A literal occurrence is replaced. If only a decoded
//! form shows the secret, the whole text is replaced.

use std::cmp::Reverse;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use domain::admission::mask::{MASK, Masker};
use percent_encoding::percent_decode_str;
use url::Url;

/// A shorter path is not a secret.
const SHORTEST_PATH: usize = 4;
/// A shorter part of a path is not a secret of its own: it could be a common word.
const SHORTEST_PART: usize = 8;
/// How often nested escapes are decoded.
const ROUNDS: usize = 4;

/// Replaces secrets in texts.
#[derive(Debug, Default, Clone)]
pub(crate) struct Redactor {
    /// The secrets, longest first.
    parts: Vec<String>,
}

impl Redactor {
    /// The secrets of a URL: everything after the host, each longer part of it, and the password.
    pub(crate) fn from_url(text: &str) -> Self {
        let mut parts = Vec::new();
        if let Some((_, rest)) = text.split_once("://")
            && let Some(start) = rest.find(['/', '?'])
        {
            let path = &rest[start..];
            parts.extend(path.split(['/', '?', '&', '=', '#']).filter(|part| part.len() >= SHORTEST_PART));
            parts.extend(Some(path).filter(|path| path.len() >= SHORTEST_PATH));
        }
        let mut hidden = Self::default();
        for part in parts {
            hidden.add(part);
        }
        if let Some(password) = Url::parse(text).ok().as_ref().and_then(Url::password) {
            hidden.add(password);
        }
        hidden
    }

    /// Adds a signing secret.
    pub(crate) fn add_signing_secret(&mut self, secret: &str) {
        let secret = secret.trim();
        self.add(secret);
        if let Some((_, encoded)) = secret.split_once('_').filter(|(prefix, _)| prefix.starts_with("wh")) {
            self.add(encoded);
            // The key itself, as a receiver may print the bytes that it signs with.
            if let Ok(key) = STANDARD.decode(encoded) {
                self.add(&hex_of(&key));
            }
        }
    }

    fn add(&mut self, part: &str) {
        if part.len() >= SHORTEST_PATH {
            self.parts.extend([part.to_owned(), percent_decoded(part)]);
            self.parts.sort_by_key(|part| Reverse(part.len()));
            self.parts.dedup();
        }
    }

    /// The text without the secrets, and without anything that looks like a credential.
    pub(crate) fn redact(&self, text: String) -> String {
        let mut text = self.parts.iter().fold(text, |text, part| without(&text, part));
        if self.parts.iter().any(|part| repeats(&text, part)) {
            return MASK.to_owned();
        }
        Masker::default().mask_string(&mut text);
        text
    }
}

/// Replaces the part by the mask, ignoring ASCII case.
fn without(text: &str, part: &str) -> String {
    let (lower, part) = (text.to_ascii_lowercase(), part.to_ascii_lowercase());
    let mut rest = 0;
    let mut shown = String::with_capacity(text.len());
    for (at, found) in lower.match_indices(&part) {
        shown.push_str(&text[rest..at]);
        shown.push_str(MASK);
        rest = at + found.len();
    }
    shown.push_str(&text[rest..]);
    shown
}

/// Whether the text contains the part in another spelling.
fn repeats(text: &str, part: &str) -> bool {
    let plain = comparable(&decodings(part).pop().unwrap_or_default());
    let encoded: Vec<String> = base64_of(part.as_bytes()).chain(base64_of(plain.as_bytes())).collect();
    let hex = hex_of(part.as_bytes());
    decodings(text).iter().any(|text| {
        let lower = comparable(text);
        let unbroken: String = text.chars().filter(|char| !char.is_whitespace()).collect();
        lower.contains(&plain) || lower.contains(&hex) || encoded.iter().any(|encoded| unbroken.contains(encoded))
    })
}

/// In lower case, and with blanks for plus signs, as forms encode them.
fn comparable(text: &str) -> String {
    text.to_lowercase().replace('+', " ")
}

/// The text, then the text with its escapes decoded once, twice and so on, until nothing changes.
fn decodings(text: &str) -> Vec<String> {
    let mut decodings = vec![text.to_owned()];
    for _ in 0..ROUNDS {
        let last = &decodings[decodings.len() - 1];
        let next = percent_decoded(&unescaped(last));
        if next == *last {
            break;
        }
        decodings.push(next);
    }
    decodings
}

fn percent_decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Decodes escapes of JSON and HTML.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '&']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let (char, length) = json_escape(rest).or_else(|| html_escape(rest)).unwrap_or_else(|| {
            let first = rest.chars().next().unwrap_or_default();
            (first, first.len_utf8())
        });
        plain.push(char);
        rest = &rest[length..];
    }
    plain + rest
}

/// Decodes `\/` or `\u002f` at the start of the text: the character, and the length of its escape in bytes.
fn json_escape(text: &str) -> Option<(char, usize)> {
    let escape = text.strip_prefix('\\')?;
    match escape.chars().next()? {
        'u' => {
            let code = u32::from_str_radix(escape.get(1..5)?, 16).ok()?;
            Some((char::from_u32(code)?, 6))
        }
        quoted @ ('/' | '\\' | '"' | '\'') => Some((quoted, 2)),
        _ => None,
    }
}

/// Decodes `&amp;`, `&#47;` or `&#x2F;` at the start of the text: the character, and the length of its escape in bytes.
fn html_escape(text: &str) -> Option<(char, usize)> {
    let (name, _) = text.strip_prefix('&')?.split_once(';')?;
    let char = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "sol" => '/',
        "equals" => '=',
        "quest" => '?',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    };
    Some((char, name.len() + 2))
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The base64 encodings of the bytes at each of the three alignments, without the characters that depend on
/// neighbouring bytes.
fn base64_of(bytes: &[u8]) -> impl Iterator<Item = String> {
    let encode = |alphabet: &base64::engine::GeneralPurpose, before: usize| {
        let encoded = alphabet.encode([&vec![0; before], bytes].concat());
        let whole = (before + bytes.len()) * 8 / 6;
        encoded.get([0, 2, 3][before]..whole).unwrap_or_default().to_owned()
    };
    let each: Vec<String> = (0..3).flat_map(|before| [encode(&STANDARD, before), encode(&URL_SAFE, before)]).collect();
    each.into_iter().filter(|encoded| encoded.len() >= SHORTEST_PATH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "T0001234/ab%2Fcd+efgh?key=K%C3%B6ln%20456789&x=1";

    fn url() -> Redactor {
        Redactor::from_url(&format!("https://hooks.example.org/services/{SECRET}"))
    }

    #[test]
    fn what_is_written_as_it_is_is_replaced() {
        for (said, shown) in [
            (format!("no route for POST /services/{SECRET}"), "no route for POST ********************"),
            ("unknown hook t0001234".to_owned(), "unknown hook ********************"),
            ("UNKNOWN HOOK AB%2FCD+EFGH!".to_owned(), "UNKNOWN HOOK ********************!"),
            ("no hook ab/cd+efgh".to_owned(), "no hook ********************"),
            ("no such channel".to_owned(), "no such channel"),
            ("100 % wrong & <b>bad</b> \\ \u{e9}".to_owned(), "100 % wrong & <b>bad</b> \\ \u{e9}"),
        ] {
            assert_eq!(url().redact(said), shown);
        }
    }

    #[test]
    fn another_spelling_hides_the_whole_text() {
        let part = "ab/cd+efgh";
        let double = part.bytes().fold(String::new(), |text, byte| text + &format!("%25{byte:02X}"));
        for said in [
            "hook ab&#47;cd+efgh".to_owned(),
            "hook ab/cd efgh".to_owned(),
            "hook ab&#x2f;cd&#x2B;efgh".to_owned(),
            "{\"hook\": \"ab\\/cd\\u002befgh\"}".to_owned(),
            "{\"hook\": \"ab\\\\/cd+efgh\"}".to_owned(),
            format!("hook {double}"),
            format!("hook {}", double.to_lowercase()),
            format!("hook {}", STANDARD.encode(part)),
            format!("hook {}", URL_SAFE.encode(format!("/{part}."))),
            format!("hook {}", STANDARD.encode(format!("ab{part}xyz"))),
            format!("hook {}", hex_of(part.as_bytes()).to_uppercase()),
            "hook K&ouml;ln?? K%c3%96LN%20456789".to_owned(),
        ] {
            assert_eq!(url().redact(said.clone()), MASK, "{said}");
        }
    }

    #[test]
    fn logins_signing_keys_and_credentials_are_hidden_too() {
        let mail = Redactor::from_url("smtp://ann:pass%3Aword@mail.example.org");
        assert_eq!(mail.redact("bad login pass:word".to_owned()), "bad login ********************");
        let mut keys = Redactor::default();
        keys.add_signing_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
        assert_eq!(keys.redact("not MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()), "not ********************");
        let token = ["gh", "p_", &"a1B2".repeat(9)].concat();
        assert_eq!(Redactor::default().redact(format!("your {token}?")), "your ********************?");
    }
}
