//! Methods of `str` that the interpreter lacks, or does not have for all of Unicode.
//!
//! Owns what CPython does with the characters. The prelude calls it with the name of the method and the text.

use std::fmt::Write as _;
use std::sync::LazyLock;

use monty_types::{ExcType, MontyObject};
use regex::Regex;

use super::{Arguments, CallResult, raise, unicode};
use crate::value;

/// Where CPython ends a line, besides at a carriage return with a line feed.
const LINE_ENDS: [char; 10] =
    ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];

/// Answers the call `_nuncio_text(method, text)` of the prelude.
pub(super) fn call(arguments: &mut Arguments) -> CallResult {
    let (method, text) = (arguments.text("_nuncio_text", 0, "method")?, arguments.text("_nuncio_text", 1, "text")?);
    if let Some(answer) = unicode::ask(&method, &text) {
        return Ok(MontyObject::Bool(answer));
    }
    if let Some(changed) = unicode::change(&method, &text) {
        return Ok(value::text(changed));
    }
    Ok(match method.as_str() {
        "splitlines" => lines(&text, false),
        "splitlines_keeping" => lines(&text, true),
        "ascii" => value::text(ascii(&text)),
        "number" => value::text(number(&text)),
        _ => return Err(raise(ExcType::RuntimeError, format!("there is no method {method} of a text"))),
    })
}

fn lines(text: &str, keep_ends: bool) -> MontyObject {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(LINE_ENDS).unwrap_or(rest.len());
        let after = match rest[end..].chars().next() {
            None => end,
            Some('\r') if rest[end..].starts_with("\r\n") => end + 2,
            Some(last) => end + last.len_utf8(),
        };
        lines.push(value::text(&rest[..if keep_ends { after } else { end }]));
        rest = &rest[after..];
    }
    MontyObject::List(lines)
}

/// The text with escapes for all characters outside ASCII.
fn ascii(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for letter in text.chars() {
        let code = u32::from(letter);
        let _ = match code {
            0..0x80 => write!(ascii, "{letter}"),
            0x80..0x100 => write!(ascii, "\\x{code:02x}"),
            0x100..0x1_0000 => write!(ascii, "\\u{code:04x}"),
            _ => write!(ascii, "\\U{code:08x}"),
        };
    }
    ascii
}

/// A number as Python writes it, for a parser that knows neither `1_000` nor digits of other scripts. What is no number
/// stays as it is.
fn number(text: &str) -> String {
    static DIGIT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A\p{Nd}\z").ok());
    let is_digit = |letter: char| DIGIT.as_ref().is_some_and(|digit| digit.is_match(letter.encode_utf8(&mut [0; 4])));
    let mut number = String::with_capacity(text.len());
    let letters: Vec<char> = text.trim().chars().collect();
    for (at, letter) in letters.iter().copied().enumerate() {
        let between_digits = letter == '_'
            && at > 0
            && is_digit(letters[at - 1])
            && letters.get(at + 1).is_some_and(|next| is_digit(*next));
        if between_digits {
            continue;
        }
        if letter.is_ascii() || !is_digit(letter) {
            number.push(letter);
        } else {
            // The digits of a script stand together, in order, from zero.
            let before = (1..=u32::from(letter))
                .take_while(|back| char::from_u32(u32::from(letter) - back).is_some_and(&is_digit));
            number.extend(char::from_digit(u32::try_from(before.count()).unwrap_or_default() % 10, 10));
        }
    }
    number
}
