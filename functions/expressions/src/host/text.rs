//! `regex_match`, `regex_replace` and `slugify`.
//!
//! Owns the two helpers' patterns: they run in time linear in the text, unlike those of the module
//! `re`, whose look-around and back-references need a search that is only bounded.

use std::cell::RefCell;
use std::collections::HashMap;

use monty_types::{ExcType, MontyException, MontyObject};
use regex::{Regex, RegexBuilder};
use unicode_normalization::UnicodeNormalization;

use super::{Answer, Arguments, raise};
use crate::value;

/// Compiling costs a hundred times what matching does.
const MAX_KEPT: usize = 64;
const MAX_COMPILED_BYTES: usize = 1024 * 1024;
/// Beyond this a pattern that is only looked at is not compiled on.
const MAX_LOOKED_AT_BYTES: usize = 4096;

thread_local! {
    static KEPT: RefCell<HashMap<String, Regex>> = RefCell::default();
}

/// `regex_match(value, regex)`: anywhere in the text.
pub(crate) fn regex_match(arguments: &mut Arguments) -> Answer {
    let text = subject(&arguments.take("regex_match", 0, "value")?)?;
    let pattern = arguments.text("regex_match", 1, "regex")?;
    Ok(MontyObject::Bool(compiled(&pattern)?.is_match(&text)))
}

/// `regex_replace(value, regex, repl)`: everywhere in the text.
pub(crate) fn regex_replace(arguments: &mut Arguments) -> Answer {
    let text = subject(&arguments.take("regex_replace", 0, "value")?)?;
    let pattern = arguments.text("regex_replace", 1, "regex")?;
    let replacement = template(&arguments.text("regex_replace", 2, "repl")?);
    Ok(value::text(compiled(&pattern)?.replace_all(&text, replacement.as_str())))
}

fn subject(argument: &MontyObject) -> Result<String, MontyException> {
    match argument {
        MontyObject::String(text) => Ok(text.clone()),
        other => {
            Err(raise(ExcType::TypeError, format!("expected string or bytes-like object, got '{}'", other.type_name())))
        }
    }
}

fn compiled(pattern: &str) -> Result<Regex, MontyException> {
    KEPT.with_borrow_mut(|kept| {
        if let Some(known) = kept.get(pattern) {
            return Ok(known.clone());
        }
        // Python's end of the text.
        let translated = pattern.replace(r"\Z", r"\z");
        let regex =
            RegexBuilder::new(&translated).size_limit(MAX_COMPILED_BYTES).dfa_size_limit(MAX_COMPILED_BYTES).build();
        let regex = regex.map_err(|error| raise(ExcType::RePatternError, refusal(&error)))?;
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    })
}

/// What keeps a text from being a pattern, as far as that is told in little time: one that is only too large raises
/// when it is used.
pub(crate) fn pattern_fault(pattern: &str) -> Option<String> {
    match RegexBuilder::new(&pattern.replace(r"\Z", r"\z")).size_limit(MAX_LOOKED_AT_BYTES).build() {
        Err(error @ regex::Error::Syntax(_)) => Some(refusal(&error)),
        _ => None,
    }
}

fn refusal(error: &regex::Error) -> String {
    let shown = error.to_string();
    let last = shown.lines().last().unwrap_or_default().trim_start_matches("error: ");
    if last.contains("look-around") || last.contains("backreferences") {
        format!("{last}; use the module re, which knows them")
    } else {
        last.to_owned()
    }
}

/// Python's `\1` and `\g<name>` as the engine's `${…}`.
fn template(replacement: &str) -> String {
    let mut template = String::with_capacity(replacement.len());
    let mut rest = replacement.chars().peekable();
    while let Some(next) = rest.next() {
        match (next, rest.peek().copied()) {
            ('$', _) => template.push_str("$$"),
            ('\\', Some(digit)) if digit.is_ascii_digit() => {
                let mut group = String::new();
                while let Some(digit) = rest.next_if(char::is_ascii_digit).filter(|_| group.len() < 2) {
                    group.push(digit);
                }
                template.extend(["${", &group, "}"]);
            }
            ('\\', Some('g')) => {
                rest.next();
                let name: String =
                    rest.by_ref().skip_while(|sign| *sign == '<').take_while(|sign| *sign != '>').collect();
                template.extend(["${", &name, "}"]);
            }
            ('\\', Some(escaped)) => {
                rest.next();
                match escaped {
                    'n' => template.push('\n'),
                    't' => template.push('\t'),
                    '$' => template.push_str("$$"),
                    '\\' => template.push('\\'),
                    other => template.extend(['\\', other]),
                }
            }
            _ => template.push(next),
        }
    }
    template
}

/// Django's `slugify`: ASCII letters, digits, `_` and single hyphens.
pub(crate) fn slugify(arguments: &mut Arguments) -> Answer {
    let text = arguments.take("slugify", 0, "value")?.to_string();
    let kept = text.nfkd().filter(char::is_ascii).map(|sign| sign.to_ascii_lowercase());
    let mut slug = String::new();
    for sign in kept {
        if sign.is_ascii_alphanumeric() || sign == '_' {
            slug.push(sign);
        } else if (sign == '-' || sign.is_ascii_whitespace()) && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    Ok(value::text(slug.trim_matches(['-', '_'])))
}
