//! The helpers `regex_match`, `regex_replace` and `slugify`.
//!
//! Owns what they accept. Their patterns are those of the module `re`.

use monty_types::{ExcType, MontyException, MontyObject};
use unicode_normalization::UnicodeNormalization;

use super::regex::Pattern;
use super::{Arguments, CallResult, raise};
use crate::value;

/// `regex_match(value, regex)`: whether the pattern matches anywhere in the text, as `re.search` does.
pub(crate) fn regex_match(arguments: &mut Arguments) -> CallResult {
    let text = subject(&arguments.take("regex_match", 0, "value")?)?;
    let pattern = Pattern::compiled(&arguments.text("regex_match", 1, "regex")?, 0)?;
    Ok(MontyObject::Bool(pattern.once("search", &text, None, None)?.is_some()))
}

/// `regex_replace(value, regex, repl)`: replaces all matches, as `re.sub` does.
pub(crate) fn regex_replace(arguments: &mut Arguments) -> CallResult {
    let text = subject(&arguments.take("regex_replace", 0, "value")?)?;
    let pattern = Pattern::compiled(&arguments.text("regex_replace", 1, "regex")?, 0)?;
    let (replaced, _) = pattern.replaced(&text, &arguments.text("regex_replace", 2, "repl")?, usize::MAX)?;
    Ok(value::text(replaced))
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
