//! Credentials that are recognised by their form, anywhere in a text.
//!
//! The forms are those that the services publish for secret scanners, as listed for instance at
//! <https://docs.github.com/en/code-security/reference/secret-security/supported-secret-scanning-patterns>.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use regex_lite::Regex;

use super::MASK;
use super::keys::starts_with;

/// The characters that may follow the prefix of a credential.
#[derive(Clone, Copy)]
enum Charset {
    /// Hexadecimal digits in either case: `0-9 a-f A-F`
    Hex,
    /// ASCII letters and digits: `0-9 A-Z a-z`
    Alphanumeric,
    /// `0-9 A-Z a-z _`
    Word,
    /// `0-9 A-Z a-z _ -`
    UrlSafe,
    /// `0-9 A-Z a-z _ - .`
    Dotted,
    /// Base64: `0-9 A-Z a-z + / =`
    Base64,
}

impl Charset {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || byte == b'_',
            Self::UrlSafe => byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-',
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
        }
    }
}

/// The length of the shortest credential with a prefix.
const SHORTEST: usize = 13;

/// Each credential's prefix, the characters after it, and their least number.
const PREFIXES: &[(&str, Charset, usize)] = &[
    ("AIza", Charset::UrlSafe, 30),
    ("AGE-SECRET-KEY-1", Charset::Alphanumeric, 30),
    ("ATATT3x", Charset::Base64, 20),
    ("CCIPAT_", Charset::Word, 20),
    ("FwoGZXIvYXdz", Charset::Base64, 20),
    ("GOCSPX-", Charset::UrlSafe, 20),
    ("HRKU-", Charset::UrlSafe, 30),
    ("IQoJb3JpZ2lu", Charset::Base64, 20),
    ("NRAK-", Charset::Alphanumeric, 20),
    ("PMAK-", Charset::UrlSafe, 20),
    ("SG.", Charset::Dotted, 40),
    ("bkua_", Charset::Hex, 30),
    ("dapi", Charset::Hex, 32),
    ("dckr_pat_", Charset::UrlSafe, 20),
    ("dop_v1_", Charset::Hex, 32),
    ("doo_v1_", Charset::Hex, 32),
    ("dor_v1_", Charset::Hex, 32),
    ("dp.pt.", Charset::Alphanumeric, 20),
    ("dt0c01.", Charset::Dotted, 30),
    ("gho_", Charset::Alphanumeric, 20),
    ("ghp_", Charset::Alphanumeric, 20),
    ("ghr_", Charset::Alphanumeric, 20),
    ("ghs_", Charset::Alphanumeric, 20),
    ("ghu_", Charset::Alphanumeric, 20),
    ("github_pat_", Charset::Word, 20),
    ("glagent-", Charset::UrlSafe, 20),
    ("glc_", Charset::Base64, 20),
    ("glcbt-", Charset::UrlSafe, 20),
    ("gldt-", Charset::UrlSafe, 20),
    ("glft-", Charset::UrlSafe, 20),
    ("glpat-", Charset::UrlSafe, 20),
    ("glptt-", Charset::UrlSafe, 20),
    ("glrt-", Charset::UrlSafe, 20),
    ("glsa_", Charset::Word, 20),
    ("glsoat-", Charset::UrlSafe, 20),
    ("hf_", Charset::Alphanumeric, 30),
    ("hvb.", Charset::UrlSafe, 20),
    ("hvs.", Charset::UrlSafe, 20),
    ("key-", Charset::Hex, 32),
    ("lin_api_", Charset::Alphanumeric, 20),
    ("npm_", Charset::Alphanumeric, 36),
    ("ntn_", Charset::Alphanumeric, 30),
    ("nuncio_", Charset::UrlSafe, 40),
    ("ops_eyJ", Charset::UrlSafe, 30),
    ("pk_live_", Charset::Alphanumeric, 8),
    ("pk_test_", Charset::Alphanumeric, 8),
    ("pscale_pw_", Charset::Dotted, 20),
    ("pscale_tkn_", Charset::Dotted, 20),
    ("pypi-", Charset::UrlSafe, 30),
    ("rk_live_", Charset::Alphanumeric, 8),
    ("rk_test_", Charset::Alphanumeric, 8),
    ("rubygems_", Charset::Hex, 30),
    ("sbp_", Charset::Hex, 30),
    ("secret_", Charset::Alphanumeric, 40),
    ("sgp_", Charset::Word, 30),
    ("shpat_", Charset::Hex, 30),
    ("shpca_", Charset::Hex, 30),
    ("shppa_", Charset::Hex, 30),
    ("shpss_", Charset::Hex, 30),
    ("sk-ant-", Charset::UrlSafe, 20),
    ("sk-proj-", Charset::UrlSafe, 20),
    ("sk-svcacct-", Charset::UrlSafe, 20),
    ("sk-", Charset::Alphanumeric, 32),
    ("sk_live_", Charset::Alphanumeric, 8),
    ("sk_test_", Charset::Alphanumeric, 8),
    ("sntrys_", Charset::Base64, 20),
    ("sntryu_", Charset::Hex, 30),
    ("sq0atp-", Charset::UrlSafe, 20),
    ("sq0csp-", Charset::UrlSafe, 20),
    ("tskey-", Charset::UrlSafe, 20),
    ("whsec_", Charset::Base64, 20),
    ("whsk_", Charset::Base64, 20),
    ("xapp-", Charset::UrlSafe, 8),
    ("xoxa-", Charset::UrlSafe, 8),
    ("xoxb-", Charset::UrlSafe, 8),
    ("xoxc-", Charset::UrlSafe, 8),
    ("xoxd-", Charset::UrlSafe, 8),
    ("xoxe-", Charset::UrlSafe, 8),
    ("xoxe.xox", Charset::Dotted, 8),
    ("xoxo-", Charset::UrlSafe, 8),
    ("xoxp-", Charset::UrlSafe, 8),
    ("xoxr-", Charset::UrlSafe, 8),
    ("xoxs-", Charset::UrlSafe, 8),
    ("ya29.", Charset::Dotted, 20),
    ("1//0", Charset::UrlSafe, 30),
];

/// The bytes that begin a prefix, a form's literal, or an assignment: one look at this table clears most bytes of a
/// text.
pub(super) const CLASSES: [u8; 256] = classes();
pub(super) const PREFIX: u8 = 1;
pub(super) const SHAPE: u8 = 2;
pub(super) const SIGN: u8 = 4;

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut place = 0;
    while place < PREFIXES.len() {
        classes[PREFIXES[place].0.as_bytes()[0] as usize] |= PREFIX;
        place += 1;
    }
    let (shapes, signs) = (b"ABCMPQSbcehps:/.$", b"=:>%-");
    place = 0;
    while place < shapes.len() {
        classes[shapes[place] as usize] |= SHAPE;
        place += 1;
    }
    place = 0;
    while place < signs.len() {
        classes[signs[place] as usize] |= SIGN;
        place += 1;
    }
    classes
}

/// A row of the table of prefixes.
type Prefix = (&'static str, Charset, usize);

/// The prefixes by their first two bytes.
fn prefixes() -> &'static HashMap<[u8; 2], Vec<Prefix>> {
    static SORTED: OnceLock<HashMap<[u8; 2], Vec<Prefix>>> = OnceLock::new();
    SORTED.get_or_init(|| {
        let mut sorted: HashMap<[u8; 2], Vec<Prefix>> = HashMap::new();
        for prefix in PREFIXES {
            let start = prefix.0.as_bytes();
            sorted.entry([start[0], start[1]]).or_default().push(*prefix);
        }
        sorted
    })
}

/// Masks the credentials that have a known prefix; borrows if there are none.
pub(super) fn mask_prefixed(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if bytes.len() < SHORTEST {
        return Cow::Borrowed(text);
    }
    let mut masked = String::new();
    let (mut copied, mut at) = (0, 0);
    while at < bytes.len() {
        if let Some(end) = ends_at(bytes, at) {
            masked.push_str(&text[copied..at]);
            masked.push_str(MASK);
            (copied, at) = (end, end);
        } else {
            at += 1;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[copied..]);
    Cow::Owned(masked)
}

/// Where a credential that begins at `at` ends.
fn ends_at(bytes: &[u8], at: usize) -> Option<usize> {
    if CLASSES[usize::from(bytes[at])] & PREFIX == 0 || !starts_word(bytes, at) {
        return None;
    }
    let start = [bytes[at], *bytes.get(at + 1)?];
    prefixes().get(&start)?.iter().find_map(|(prefix, of, least)| {
        let rest = bytes[at..].strip_prefix(prefix.as_bytes())?;
        let length = rest.iter().take_while(|byte| of.has(**byte)).count();
        // A full stop that ends a sentence is not part of the credential.
        let length = length - rest[..length].iter().rev().take_while(|byte| **byte == b'.').count();
        let has_digit = rest[..length].iter().any(u8::is_ascii_digit);
        (length >= *least && (has_digit || length >= 20)).then_some(at + prefix.len() + length)
    })
}

/// Whether something may begin there: behind anything but a letter or digit, unless these are an escape in a URL.
fn starts_word(bytes: &[u8], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|place| bytes[place]) else { return true };
    if !before.is_ascii_alphanumeric() {
        return true;
    }
    at >= 3 && bytes[at - 3] == b'%' && bytes[at - 2].is_ascii_hexdigit() && before.is_ascii_hexdigit()
}

/// A form that cannot be recognised by a prefix alone.
pub(super) struct Shape {
    /// At least one of these must occur in the text; searching for them is much cheaper than the expression.
    pub(super) literals: &'static [&'static str],
    pub(super) regex: Regex,
    pub(super) replacement: &'static str,
}

/// Whether the literal of some form may begin here, or `Basic `.
pub(super) fn may_begin_shape(byte: u8, rest: &[u8]) -> bool {
    let is = |literal: &str| rest.starts_with(literal.as_bytes());
    match byte {
        b'A' => is("AKIA") || is("ASIA"),
        b'B' | b'b' => starts_with(rest, "bearer ") || starts_with(rest, "basic ") || is("bcrypt_sha256") || is("bot"),
        b'C' => is("CRYPT}"),
        b'M' => is("MD5}"),
        b'P' => is("PRIVATE KEY") || is("Private-Lines: "),
        b'S' => is("SHA}") || is("SHA256}") || is("SHA512}") || is("SCRAM-SHA-"),
        b'Q' => is("Q~"),
        b'c' => is("code="),
        b'e' => is("eyJ"),
        b'h' => is("hooks.slack.com/"),
        b'p' => is("pbkdf2_sha") || is("pbkdf2:sha"),
        b's' => is("scrypt:"),
        b':' => is("://") || is(r":\/\/") || is(":AA"),
        b'/' => is("/api/webhooks/"),
        b'.' => rest.len() > 30 || is(".webhook.office.com/"),
        b'$' => rest.len() > 20,
        _ => false,
    }
}

/// The forms, compiled once.
pub(super) fn shapes() -> &'static [Shape] {
    static SHAPES: OnceLock<Vec<Shape>> = OnceLock::new();
    SHAPES.get_or_init(|| {
        // What a credential may stand behind: anything but a letter or digit, unless these are an escape in a URL.
        let behind = |shape: &str| format!("(^|%[0-9A-Fa-f]{{2}}|[^A-Za-z0-9]){shape}");
        // (literals that must be there, the credential's shape, what replaces it)
        let table: Vec<(&'static [&'static str], String, &'static str)> = vec![
            (&["AKIA", "ASIA"], behind(r"(?:AKIA|ASIA)[A-Z0-9]{16}(\b|_)"), "${1}********************${2}"),
            // Signed; or encrypted, with nothing or a wrapped key in the second place.
            (
                &["eyJ"],
                behind(r"eyJ[\w-]{5,}\.(?:[\w-]{5,}\.[\w-]*(?:\.[\w-]+\.[\w-]+)?|\.[\w-]+\.[\w-]+\.[\w-]+)"),
                "${1}********************",
            ),
            (
                &["PRIVATE KEY"],
                r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|$)"
                    .to_owned(),
                MASK,
            ),
            // The text after the colon is a password, unless it is a port. Some JSON escapes slashes.
            (
                &["://", r":\/\/"],
                r"([A-Za-z][A-Za-z0-9+.-]*:(?://|\\/\\/))[^\s/?#@:\[]*:(?:[^\s/?#]*|[0-9]*[^\s0-9/?#@][^\s@]*)@".to_owned(),
                "${1}********************@",
            ),
            // Chat services whose webhook URL is the secret.
            (
                &["hooks.slack.com/"],
                r"(hooks\.slack\.com/(?:services|workflows|triggers)/)[A-Za-z0-9/_+-]{8,}".to_owned(),
                "${1}********************",
            ),
            (
                &["/api/webhooks/"],
                r"(discord(?:app)?\.com/api/webhooks/[0-9]+/)[\w-]{8,}".to_owned(),
                "${1}********************",
            ),
            (
                &[".webhook.office.com/"],
                r"([\w.-]+\.webhook\.office\.com/webhookb2/)[\w@/-]{8,}".to_owned(),
                "${1}********************",
            ),
            (&["bot"], r"(/bot)[0-9]{6,12}:[\w-]{30,}".to_owned(), "${1}********************"),
            (&[":AA"], behind(r"[0-9]{6,12}:AA[\w-]{30,}"), "${1}********************"),
            // A Discord bot: its id in base64, a time, a signature.
            (&["."], behind(r"[MNO][A-Za-z0-9_-]{23,27}\.[\w-]{6}\.[\w-]{27,40}"), "${1}********************"),
            (
                &["Bearer ", "bearer ", "BEARER "],
                r"([Bb]earer |BEARER )[A-Za-z0-9._~+/=-]*(?:[0-9][A-Za-z0-9._~+/=-]{15,}|[A-Za-z0-9._~+/=-]{15,}[0-9])[A-Za-z0-9._~+/=-]*"
                    .to_owned(),
                "${1}********************",
            ),
            // Hashed passwords: crypt(3), bcrypt, Argon2, scrypt, Django's PBKDF2.
            (
                &["$"],
                r"(^|[^A-Za-z0-9])\$(?:2[abxy]?|1|5|6|y|7|argon2id?|argon2d|scrypt|pbkdf2[\w-]*)\$[A-Za-z0-9$./,=+-]{20,}"
                    .to_owned(),
                "${1}********************",
            ),
            (
                &["pbkdf2_sha", "bcrypt_sha256", "pbkdf2:sha", "scrypt:"],
                behind(r"(?:pbkdf2_sha[0-9]+|bcrypt_sha256|pbkdf2:sha[0-9]+|scrypt)[:$][A-Za-z0-9$:./=+-]{20,}"),
                "${1}********************",
            ),
            // Passwords as LDAP and PostgreSQL keep them, and a PuTTY key.
            (
                &["SHA}", "SHA256}", "SHA512}", "MD5}", "CRYPT}"],
                r"\{(?:S?SHA(?:256|512)?|S?MD5|CRYPT)\}[A-Za-z0-9+/=$.]{16,}".to_owned(),
                MASK,
            ),
            (&["SCRAM-SHA-"], r"(SCRAM-SHA-[0-9]+\$)[0-9]+:[A-Za-z0-9+/=$:]{20,}".to_owned(), "${1}********************"),
            (
                &["Private-Lines: "],
                r"(Private-Lines: [0-9]+\s+)[A-Za-z0-9+/=\s]{20,}".to_owned(),
                "${1}********************",
            ),
            // An Azure client secret.
            (&["Q~"], behind(r"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"), "${1}********************"),
            (&[".atlasv1."], r"[A-Za-z0-9]{10,}\.atlasv1\.[\w-]{30,}".to_owned(), MASK),
            // The code that an authorization server puts into a URL.
            (&["code="], r"([?&]code=)[\w.~/%+-]{16,}".to_owned(), "${1}********************"),
        ];
        table
            .into_iter()
            .filter_map(|(literals, pattern, replacement)| {
                Some(Shape { literals, regex: Regex::new(&pattern).ok()?, replacement })
            })
            .collect()
    })
}

/// Masks the text after `Basic `, if it is the base64 of a name and a password.
pub(super) fn mask_basic(text: &str) -> Cow<'_, str> {
    const SCHEME: &str = "basic ";
    let lower = text.to_ascii_lowercase();
    let mut masked = String::new();
    let mut copied = 0;
    for (place, _) in lower.match_indices(SCHEME) {
        let start = place + SCHEME.len();
        let length = text[start..].bytes().take_while(|byte| Charset::Base64.has(*byte)).count();
        let code = text[start..start + length].trim_end_matches('=');
        let decoded = STANDARD_NO_PAD.decode(code).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        if decoded.is_some_and(|pair| pair.contains(':') && !pair.contains(char::is_control)) {
            masked.push_str(&text[copied..start]);
            masked.push_str(MASK);
            copied = start + length;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[copied..]);
    Cow::Owned(masked)
}
