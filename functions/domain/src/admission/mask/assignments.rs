//! Secrets that the text itself names: `password=hunter2`, `Authorization: Basic …`, `{"token": "…"}`, `--password …`.
//!
//! Judges the name before the sign like a key. After `=` and after a quoted name, anything is a value; after a colon in
//! a sentence, only text that does not look like a word, so that `token: expired` stays readable.

use std::ops::Range;

use super::MASK;
use super::keys::{Keys, starts_with};

/// Words that describe a secret instead of being one.
const STATES: [&str; 34] = [
    "none",
    "null",
    "nil",
    "true",
    "false",
    "yes",
    "no",
    "ok",
    "valid",
    "invalid",
    "missing",
    "expired",
    "required",
    "wrong",
    "unknown",
    "empty",
    "unset",
    "set",
    "changed",
    "revoked",
    "redacted",
    "undefined",
    "incorrect",
    "correct",
    "optional",
    "disabled",
    "enabled",
    "string",
    "text",
    "bearer",
    "basic",
    "weak",
    "strong",
    "hidden",
];

/// HTTP header fields whose whole value is a secret, up to the end of the line.
const WHOLE_LINE: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];

/// A shorter number is a count: `tokens=150`.
const SHORTEST_NUMBER: usize = 4;

/// After a colon in a sentence, a text that is shorter than this or has no digits is a word.
const SHORTEST_WORD: usize = 6;

/// A shorter text after the colon of `-u user:…` is not a password.
const SHORTEST_PASSWORD: usize = 4;

/// The most blanks between a name and its sign.
const MOST_BLANKS: usize = 3;

/// The longest tag, in bytes, so that a text with many `>` is not searched back to its start for each.
const LONGEST_TAG: usize = 256;

/// How often each byte of a text may be examined for values, on average. The rest of a text that exceeds this was
/// written to do so, and is masked as a whole.
const LOOKS: usize = 16;

/// The ranges of the values to mask, in order and without overlaps.
pub(super) fn values(text: &str, keys: &Keys) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found: Vec<Range<usize>> = Vec::new();
    let (mut at, mut looks) = (0, 0);
    while at < bytes.len() {
        let after = found.last().map_or(0, |range| range.end);
        let value = match bytes[at] {
            b'=' => assigned(text, after, at, at + 1, keys),
            b'%' if starts_with(&bytes[at..], "%3d") => assigned(text, after, at, at + 3, keys),
            b'%' if starts_with(&bytes[at..], "%253d") => assigned(text, after, at, at + 5, keys),
            b':' => said(text, after, at, keys),
            b'>' => element(text, after, at, keys),
            b'-' if at == 0 || bytes[at - 1].is_ascii_whitespace() => option(text, at, keys),
            _ => None,
        };
        let Some((value, is_told)) = value else {
            at += 1;
            continue;
        };
        looks += value.len();
        if looks > LOOKS * (bytes.len() + 64) {
            found.push(value.start..bytes.len());
            return found;
        }
        at = if is_told { value.end.max(at + 1) } else { at + 1 };
        if is_told && !value.is_empty() && !text[value.clone()].starts_with(MASK) {
            found.push(value);
        }
    }
    found
}

/// A name before a sign.
struct Name<'t> {
    text: &'t str,
    start: usize,
    is_quoted: bool,
}

impl Name<'_> {
    /// Whether the value extends to the end of the line, as that of a header field does.
    fn is_whole_line(&self) -> bool {
        WHOLE_LINE.iter().any(|field| field.eq_ignore_ascii_case(self.text))
    }
}

/// The name that ends before the sign at `at` and begins at `after` or later.
fn name_before(text: &str, after: usize, at: usize) -> Option<Name<'_>> {
    let bytes = text.as_bytes();
    let mut end = at;
    while end > after && at - end < MOST_BLANKS && matches!(bytes[end - 1], b' ' | b'\t') {
        end -= 1;
    }
    let unquoted = end;
    // `environ["TOKEN"]` is a quoted name as well.
    if end > after + 1 && bytes[end - 1] == b']' && matches!(bytes[end - 2], b'"' | b'\'') {
        end -= 1;
    }
    while end > after && matches!(bytes[end - 1], b'"' | b'\'' | b'\\') {
        end -= 1;
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']');
    let start = (after..end).rev().find(|place| !is_name(bytes[*place])).map_or(after, |place| place + 1);
    // The two digits of an escape such as `%26` are not part of a name.
    let start = if start > 0 && bytes[start - 1] == b'%' { (start + 2).min(end) } else { start };
    (start < end).then(|| Name { text: &text[start..end], start, is_quoted: end < unquoted })
}

/// The value that follows `name=`, and whether to mask it; `None` unless the text assigns a value to a secret's name.
fn assigned(text: &str, after: usize, at: usize, start: usize, keys: &Keys) -> Option<(Range<usize>, bool)> {
    // A comparison, or padding in base64.
    if text.as_bytes().get(start) == Some(&b'=')
        || at.checked_sub(1).is_some_and(|before| b"=!<>".contains(&text.as_bytes()[before]))
    {
        return None;
    }
    let name = name_before(text, after, at)?;
    if !keys.name_secret_in_text(name.text, "") {
        return None;
    }
    // `=>` of Ruby, PHP and Perl.
    let start = start + usize::from(text.as_bytes().get(start) == Some(&b'>'));
    let value = value_from(text, start);
    let given = &text[value.clone()];
    let told = is_told(given) && !is_about(name.text, given);
    Some((value, told))
}

/// The value that follows `name: `.
fn said(text: &str, after: usize, at: usize, keys: &Keys) -> Option<(Range<usize>, bool)> {
    let name = name_before(text, after, at)?;
    if !keys.name_secret_in_text(name.text, "") {
        return None;
    }
    if name.is_whole_line() && !name.is_quoted {
        return Some(header(text, &name, at));
    }
    // A part of an ARN, a URN or an address, not a name and its value.
    let is_inside = name.start.checked_sub(1).is_some_and(|before| text.as_bytes()[before] == b':');
    if is_inside && !name.is_quoted {
        return None;
    }
    let (value, is_quoted) = (value_from(text, at + 1), name.is_quoted);
    let said = &text[value.clone()];
    let is_header = name.text.contains('-');
    let reads_as_word = said.len() < SHORTEST_WORD || !said.bytes().any(|byte| byte.is_ascii_digit());
    let starts_quoted = value.start.checked_sub(1).is_some_and(|place| matches!(text.as_bytes()[place], b'"' | b'\''));
    let told =
        is_told(said) && !is_about(name.text, said) && (is_quoted || is_header || starts_quoted || !reads_as_word);
    Some((value, told))
}

/// The value that follows `Authorization: ` or `Cookie: `, to the end of the line, or of the quotes around the header
/// field.
fn header(text: &str, name: &Name<'_>, at: usize) -> (Range<usize>, bool) {
    let bytes = text.as_bytes();
    let start = at + 1 + bytes[at + 1..].iter().take(MOST_BLANKS).take_while(|byte| **byte == b' ').count();
    let quote =
        name.start.checked_sub(1).map(|before| bytes[before]).filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    let goes_on = |place: usize| matches!(bytes.get(place + 1), Some(b' ' | b'\t'));
    let ends = |place: &usize| match bytes[*place] {
        // A header field continues on the next line if that begins with a blank.
        b'\n' => !goes_on(*place),
        b'\r' => bytes.get(place + 1) != Some(&b'\n') || !goes_on(place + 1),
        b'\\' => bytes.get(place + 1).is_some_and(|next| matches!(next, b'n' | b'r')),
        byte => Some(byte) == quote,
    };
    let end = (start..bytes.len()).find(ends).unwrap_or(bytes.len());
    let is_cookie = name.text.to_ascii_lowercase().ends_with("cookie");
    let value = &text[start..end];
    (start..end, is_told(value) && (!is_cookie || value.contains('=')))
}

/// The beginning of a section of XML whose text is literal.
const CDATA: &str = "<![CDATA[";

/// The text between `<name>` and the next tag.
fn element(text: &str, after: usize, at: usize, keys: &Keys) -> Option<(Range<usize>, bool)> {
    let from = after.max(at.saturating_sub(LONGEST_TAG));
    let tag = text.as_bytes()[from..at].iter().rposition(|byte| *byte == b'<').map(|place| from + place + 1)?;
    // Ignores attributes and the prefix of a namespace.
    let name = text[tag..at].split_whitespace().next().unwrap_or_default();
    let name = name.rsplit(':').next().unwrap_or_default();
    if name.starts_with('/') || !keys.name_secret_in_text(name, "") {
        return None;
    }
    let content = &text[at + 1..];
    let (start, end) = if content.starts_with(CDATA) { (at + 1 + CDATA.len(), "]]>") } else { (at + 1, "<") };
    let end = text[start..].find(end).map_or(text.len(), |length| start + length);
    Some((start..end, is_told(text[start..end].trim())))
}

/// The value that follows `--name `, or the password of `-u user:password`.
fn option(text: &str, at: usize, keys: &Keys) -> Option<(Range<usize>, bool)> {
    let rest = &text[at..];
    let end = rest.find(char::is_whitespace)?;
    let (name, start) = (&rest[..end], at + end + 1);
    let value = value_from(text, start);
    let given = &text[value.clone()];
    if given.is_empty() || given.starts_with('-') {
        return Some((value, false));
    }
    if matches!(name, "-u" | "--user" | "--proxy-user") {
        let Some((user, password)) = given.split_once(':') else { return Some((value, false)) };
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_ids = is_number(user) && is_number(password);
        let told = !is_ids && password.len() >= SHORTEST_PASSWORD;
        return Some((value.start + user.len() + 1..value.end, told));
    }
    let name = name.strip_prefix("--").filter(|name| !name.contains('='))?;
    let told = keys.name_secret_in_text(name, "") && is_told(given);
    Some((value, told))
}

/// The range of the value after the sign, without blanks and quotes.
fn value_from(text: &str, sign: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let mut start = sign;
    while start < bytes.len() && start - sign < MOST_BLANKS && matches!(bytes[start], b' ' | b'\t') {
        start += 1;
    }
    // Prefixes of strings in Python and C#: `b'…'`, `@"…"`.
    if bytes.get(start).is_some_and(|byte| b"bBrRuUfF@".contains(byte))
        && matches!(bytes.get(start + 1), Some(b'"' | b'\''))
    {
        start += 1;
    }
    if let Some(triple) =
        bytes.get(start..start + 3).filter(|three| matches!(**three, [b'"', b'"', b'"'] | [b'\'', b'\'', b'\'']))
    {
        let start = start + 3;
        let end = bytes[start..].windows(3).position(|three| three == triple);
        return start..end.map_or(bytes.len(), |length| start + length);
    }
    let escapes = bytes[start..].iter().take_while(|byte| **byte == b'\\').count();
    let quote = bytes.get(start + escapes).copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    if let Some(quote) = quote {
        let start = start + escapes + 1;
        // The closing quote has as many backslashes before it as the opening one.
        let mut backslashes = 0;
        for (place, byte) in bytes.iter().enumerate().skip(start) {
            if *byte == quote && backslashes == escapes {
                return start..place - escapes;
            }
            backslashes = if *byte == b'\\' { backslashes + 1 } else { 0 };
        }
        return start..bytes.len();
    }
    let ends = |place: &usize| match bytes[*place] {
        b'\\' => bytes.get(place + 1).is_some_and(|next| matches!(next, b'n' | b'r' | b'"')),
        b'"' | b'\'' | b'`' | b'&' | b';' | b',' | b'<' | b'>' | b')' | b']' | b'}' | b'|' | b'#' => true,
        b'%' => starts_with(&bytes[*place..], "%26") || starts_with(&bytes[*place..], "%2526"),
        byte => byte.is_ascii_whitespace(),
    };
    let end = (start..bytes.len()).find(ends).unwrap_or(bytes.len());
    // The supposed value is itself a name, with a quoted value of its own.
    if end > start && bytes[end - 1] == b'=' && matches!(bytes.get(end), Some(b'"' | b'\'')) {
        return start..start;
    }
    start..end
}

/// Whether the text is a secret and not a word about one.
fn is_told(value: &str) -> bool {
    let counts = value.len() < SHORTEST_NUMBER && value.bytes().all(|byte| byte.is_ascii_digit());
    let is_state = STATES.iter().any(|state| state.eq_ignore_ascii_case(value.trim_end_matches(['.', '!', '?'])));
    let is_placeholder =
        value.starts_with(['<', '$', '{', '*']) || value.bytes().all(|byte| matches!(byte, b'x' | b'X' | b'*' | b'.'));
    !(value.is_empty() || counts || is_state || is_placeholder)
}

/// Whether the value is an ordinary one for this name, not a secret: `max_tokens=4096`, `pwd=/var/www`, `pass=12`.
fn is_about(name: &str, value: &str) -> bool {
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    let ends = |word: &str| name.len() >= word.len() && starts_with(&name.as_bytes()[name.len() - word.len()..], word);
    (is_number && (ends("tokens") || ends("pass"))) || (ends("pwd") && value.starts_with(['/', '~', '.']))
}
