//! Reads a file that is JSON (RFC 8259).
//!
//! Owns the differences between JSON and YAML: JSON writes a character beyond U+FFFF as a pair of escapes, and allows
//! control characters and tabs where YAML does not. Emits the events of the YAML parser, so that both give the same
//! tree.

use std::iter::Peekable;
use std::str::Chars;

use saphyr_parser::{Event, ScalarStyle};

use super::builder::{Abort, Builder};
use crate::source_map::Position;

/// The anchor of a node that has none.
const NO_ANCHOR: usize = 0;

/// Passes each value of `text` to `builder`. `text` must be JSON by its grammar.
pub(super) fn read(text: &str, builder: &mut Builder<'_>) -> Result<(), Abort> {
    let mut tokens = JsonTokens { rest: text.chars().peekable(), at: Position::START };
    while let Some(&first) = tokens.rest.peek() {
        let at = tokens.at;
        let event = match first {
            '{' => Event::MappingStart(NO_ANCHOR, None),
            '[' => Event::SequenceStart(NO_ANCHOR, None),
            '}' => Event::MappingEnd,
            ']' => Event::SequenceEnd,
            '"' => {
                let (text, is_whole) = tokens.string();
                if !is_whole {
                    let hint = r"write both halves, such as \ud83d\ude00, or remove the half";
                    builder.diagnostics.fault(
                        at,
                        "this text has half of a surrogate pair, which is not a character",
                        hint,
                    );
                }
                Event::Scalar(text.into(), ScalarStyle::DoubleQuoted, NO_ANCHOR, None)
            }
            ',' | ':' | ' ' | '\t' | '\r' | '\n' => {
                tokens.next();
                continue;
            }
            _ => Event::Scalar(tokens.word().into(), ScalarStyle::Plain, NO_ANCHOR, None),
        };
        if matches!(first, '{' | '[' | '}' | ']') {
            tokens.next();
        }
        builder.take(event, at)?;
    }
    Ok(())
}

/// The rest of the text and its position.
struct JsonTokens<'t> {
    rest: Peekable<Chars<'t>>,
    at: Position,
}

impl JsonTokens<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.next()?;
        self.at = match next {
            '\n' => Position { line: self.at.line + 1, column: 1 },
            _ => Position { column: self.at.column + 1, ..self.at },
        };
        Some(next)
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> String {
        let mut word = String::new();
        while self.rest.peek().is_some_and(|next| next.is_ascii_alphanumeric() || "+-.".contains(*next)) {
            word.extend(self.next());
        }
        word
    }

    /// The text between quotes, and whether every surrogate in it has its other half. A half becomes U+FFFD.
    fn string(&mut self) -> (String, bool) {
        self.next();
        // In UTF-16, which is what the escapes of JSON spell.
        let mut units: Vec<u16> = Vec::new();
        while let Some(next) = self.next() {
            let character = match next {
                '"' => break,
                '\\' => match self.next() {
                    Some('u') => {
                        let digits: String = (0..4).filter_map(|_| self.next()).collect();
                        units.push(u16::from_str_radix(&digits, 16).unwrap_or_default());
                        continue;
                    }
                    Some('b') => '\u{8}',
                    Some('f') => '\u{c}',
                    Some('n') => '\n',
                    Some('r') => '\r',
                    Some('t') => '\t',
                    Some(other) => other,
                    None => break,
                },
                plain => plain,
            };
            units.extend_from_slice(character.encode_utf16(&mut [0; 2]));
        }
        match String::from_utf16(&units) {
            Ok(text) => (text, true),
            Err(_) => (String::from_utf16_lossy(&units), false),
        }
    }
}
