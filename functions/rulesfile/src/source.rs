//! Decodes the bytes of a file into text.
//!
//! Refuses a file that is too large, is not UTF-8 or contains control characters. Knows no YAML.

use domain::json::is_json_by_grammar;

use crate::MAX_BYTES;
use crate::diagnostics::Diagnostics;
use crate::source_map::Position;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text of a file, without its byte order mark.
pub(crate) fn text<'a>(bytes: &'a [u8], diagnostics: &mut Diagnostics) -> Option<&'a str> {
    if bytes.len() > MAX_BYTES {
        let what = format!("the file has {} bytes; the limit is {MAX_BYTES}", bytes.len());
        diagnostics.fault(
            Position::START,
            what,
            "shorten it; an alias (*name) can repeat a part (&name) in a few bytes",
        );
        return None;
    }
    let (text, broken) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, false),
        // The bytes before `valid_up_to` are valid UTF-8 by the definition of the error.
        Err(error) => (std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(), true),
    };
    // JSON forbids fewer control characters than YAML (RFC 8259, 7).
    let binary = text.find(is_binary).filter(|_| broken || !is_json_by_grammar(text.as_bytes()));
    if let Some(offset) = binary {
        let code = text[offset..].chars().next().map_or(0, u32::from);
        let what = format!("the file is not text: it contains the control character U+{code:04X}");
        diagnostics.fault(position(text, offset), what, "check that this is the right file, and remove the character");
        return None;
    }
    if broken {
        diagnostics.fault(position(text, text.len()), "the file is not UTF-8 from here on", "save it as UTF-8 text");
        return None;
    }
    Some(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text))
}

/// Whether YAML forbids this control character.
fn is_binary(character: char) -> bool {
    character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\u{85}')
}

fn position(text: &str, offset: usize) -> Position {
    let before = &text[..offset];
    let line = before.matches('\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    Position { line, column: last.trim_start_matches(BYTE_ORDER_MARK).chars().count() + 1 }
}
