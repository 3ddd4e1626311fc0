//! The helpers `regex_match`, `regex_replace` and `slugify`.
//!
//! Owns the cache of compiled patterns. Matching takes time linear in the text, unlike in the module `re`.

use std::cell::RefCell;
use std::collections::HashMap;

use monty_types::{ExcType, MontyException, MontyObject};
use regex::Regex;
use unicode_normalization::UnicodeNormalization;

use super::{Arguments, CallResult, raise};
use crate::{regex_pattern, value};

/// How many compiled patterns are cached. Compiling takes about a hundred times as long as matching.
const MAX_CACHED: usize = 64;

thread_local! {
    static CACHE: RefCell<HashMap<String, Regex>> = RefCell::default();
}

/// `regex_match(value, regex)`: whether the pattern matches anywhere in the text.
pub(crate) fn regex_match(arguments: &mut Arguments) -> CallResult {
    let text = subject(&arguments.take("regex_match", 0, "value")?)?;
    let pattern = arguments.text("regex_match", 1, "regex")?;
    Ok(MontyObject::Bool(compiled(&pattern)?.is_match(&text)))
}

/// `regex_replace(value, regex, repl)`: replaces all matches.
pub(crate) fn regex_replace(arguments: &mut Arguments) -> CallResult {
    let text = subject(&arguments.take("regex_replace", 0, "value")?)?;
    let pattern = arguments.text("regex_replace", 1, "regex")?;
    let replacement = template(&arguments.text("regex_replace", 2, "repl")?);
    Ok(value::text(compiled(&pattern)?.replace_all(&text, replacement.as_str())))
}

/// The text to be searched.
fn subject(argument: &MontyObject) -> Result<String, MontyException> {
    match argument {
        MontyObject::String(text) => Ok(text.clone()),
        other => {
            Err(raise(ExcType::TypeError, format!("expected string or bytes-like object, got '{}'", other.type_name())))
        }
    }
}

fn compiled(pattern: &str) -> Result<Regex, MontyException> {
    CACHE.with_borrow_mut(|cache| {
        if let Some(cached) = cache.get(pattern) {
            return Ok(cached.clone());
        }
        let regex = regex_pattern::compile(pattern).map_err(|why| raise(ExcType::RePatternError, why))?;
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
        cache.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    })
}

/// Converts Python's `\1` and `\g<name>` in a replacement to the engine's `${…}`.
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
                let name: String = rest
                    .by_ref()
                    .skip_while(|character| *character == '<')
                    .take_while(|character| *character != '>')
                    .collect();
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
pub(crate) fn slugify(arguments: &mut Arguments) -> CallResult {
    let text = arguments.take("slugify", 0, "value")?.to_string();
    let ascii = text.nfkd().filter(char::is_ascii).map(|character| character.to_ascii_lowercase());
    let mut slug = String::new();
    for character in ascii {
        if character.is_ascii_alphanumeric() || character == '_' {
            slug.push(character);
        } else if (character == '-' || character.is_ascii_whitespace()) && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    Ok(value::text(slug.trim_matches(['-', '_'])))
}
