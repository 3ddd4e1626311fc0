//! Describes syntax errors of the YAML parser in plain words.
//!
//! Owns only the hints, which it derives from the parser's message and the line.

use domain::json::{self, JsonError};

use crate::source_map::Position;

/// The parser's message as a fault.
pub(super) fn what(info: &str) -> String {
    format!("this is not valid YAML: {info}")
}

/// The most frequent cause of such an error.
pub(super) fn hint(info: &str, text: &str, at: Position) -> String {
    if info.contains("Unicode") { surrogate_hint(text) } else { general_hint(info, text, at).to_owned() }
}

/// JSON writes a character beyond U+FFFF as two escapes, which YAML does not have.
fn surrogate_hint(text: &str) -> String {
    match json::parse(text.as_bytes()) {
        Err(JsonError::Syntax { line, column, .. }) if text.trim_start().starts_with(['{', '[']) => format!(
            r"if the file is to be JSON, correct it at line {line} column {column}: pairs such as \ud83d\ude00 are not YAML"
        ),
        _ => r"write the character itself, or \U and eight digits; pairs such as \ud83d\ude00 are not YAML".to_owned(),
    }
}

fn general_hint(info: &str, text: &str, at: Position) -> &'static str {
    let line = text.lines().nth(at.line - 1).unwrap_or_default();
    let indent = &line[..line.len() - line.trim_start().len()];
    if indent.contains('\t') || info.contains("tab") {
        "indent by spaces; YAML allows no tabs there"
    } else if info.contains("anchor") || info.contains("alias") {
        "put a text that starts with * or & in quotes"
    } else if info.contains("quoted") || info.contains("escape") {
        "close the quotes; inside double quotes write \\\\ for a backslash"
    } else if info.contains("flow") || info.contains("bracket") || info.contains("':' indicator") {
        "close every [ and {, and put commas between the items"
    } else if info.contains("mapping values") {
        "put a text that holds a colon and a space in quotes, and check the indentation"
    } else {
        "check the indentation of this line and the one before it"
    }
}
