//! Compiles the patterns of `regex_match` and `regex_replace`.
//!
//! Owns the dialect: the engine matches in time linear in the text, so that look-around and back-references are refused.
//! The check of a body and the host use the same functions.

use regex::{Regex, RegexBuilder};

/// The maximum size of a compiled pattern, in bytes.
const MAX_COMPILED_BYTES: usize = 1024 * 1024;
/// The size up to which a pattern is compiled to check its syntax. The syntax is checked before the size, so that a small
/// limit saves time.
const MAX_CHECKED_BYTES: usize = 4096;

/// Compiles a pattern.
///
/// # Errors
/// Why the pattern is invalid or too large.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    let mut builder = RegexBuilder::new(&translated(pattern));
    let regex = builder.size_limit(MAX_COMPILED_BYTES).dfa_size_limit(MAX_COMPILED_BYTES).build();
    regex.map_err(|error| message(&error))
}

/// Why the syntax of a pattern is invalid; `None` if it is valid. A valid pattern can still be too large to compile.
pub(crate) fn syntax_fault(pattern: &str) -> Option<String> {
    match RegexBuilder::new(&translated(pattern)).size_limit(MAX_CHECKED_BYTES).build() {
        Err(error @ regex::Error::Syntax(_)) => Some(message(&error)),
        _ => None,
    }
}

/// Python writes the end of the text as `\Z`, the engine as `\z`.
fn translated(pattern: &str) -> String {
    pattern.replace(r"\Z", r"\z")
}

fn message(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
    if last.contains("look-around") || last.contains("backreferences") {
        format!("{last}; use the module re, which supports them")
    } else {
        last.to_owned()
    }
}
