//! The module `re`: patterns, matches and the functions on them.
//!
//! Owns how CPython searches: which matches it finds, and what its functions return. Asks [`crate::python_pattern`] what a
//! pattern means. The prelude calls replacements that are functions.

mod found;
mod pattern;
mod template;

use monty_types::{ExcType, MontyException, MontyObject};

pub(crate) use found::PatternMatch;
pub(crate) use pattern::Pattern;

use super::objects::HostObject;
use super::{Arguments, CallResult, Host, raise};
use crate::python_pattern::{ASCII, DOTALL, IGNORECASE, MULTILINE, UNICODE, VERBOSE};
use crate::value;

/// The functions of the module; each is also a method of a pattern, except the last three.
const FUNCTIONS: [&str; 11] =
    ["search", "match", "fullmatch", "findall", "finditer", "split", "sub", "subn", "compile", "escape", "purge"];

/// A constant or function of the module.
pub(crate) fn attribute(name: &str) -> Option<MontyObject> {
    let flag = match name {
        "I" | "IGNORECASE" => IGNORECASE,
        "M" | "MULTILINE" => MULTILINE,
        "S" | "DOTALL" => DOTALL,
        "X" | "VERBOSE" => VERBOSE,
        "A" | "ASCII" => ASCII,
        "U" | "UNICODE" => UNICODE,
        "NOFLAG" => 0,
        other if FUNCTIONS.contains(&other) => return Some(super::function(&format!("re.{other}"))),
        _ => return None,
    };
    Some(MontyObject::Int(flag))
}

impl Host<'_> {
    /// A function of the module `re`.
    pub(crate) fn re_call(&mut self, name: &str, mut arguments: Arguments) -> CallResult {
        match name {
            "escape" => return Ok(value::text(escape(&arguments.text(name, 0, "pattern")?))),
            "purge" => return Ok(MontyObject::None),
            _ if !FUNCTIONS.contains(&name) => {
                return Err(raise(ExcType::AttributeError, format!("module 're' has no attribute '{name}'")));
            }
            _ => {}
        }
        let pattern = arguments.take(name, 0, "pattern")?;
        // Where the flags are among the arguments.
        let flags_at = match name {
            "compile" => 1,
            "search" | "match" | "fullmatch" | "findall" | "finditer" => 2,
            "split" => 3,
            _ => 4,
        };
        let flags = match arguments.take_optional(flags_at, "flags") {
            None => 0,
            Some(MontyObject::Int(flags)) => flags,
            Some(MontyObject::Bool(flag)) => i64::from(flag),
            Some(other) => {
                let message = format!("unsupported operand type(s) for &: '{}' and 'RegexFlag'", other.type_name());
                return Err(raise(ExcType::TypeError, message));
            }
        };
        let pattern = self.pattern(&pattern, flags)?;
        if name == "compile" {
            return Ok(self.object("Pattern", HostObject::Pattern(pattern), Vec::new()));
        }
        if !arguments.positional.is_empty() {
            arguments.positional.remove(0);
        }
        arguments.positional.truncate(flags_at - 1);
        self.pattern_call(&pattern, name, arguments)
    }

    fn pattern(&self, argument: &MontyObject, flags: i64) -> Result<Pattern, MontyException> {
        match argument {
            MontyObject::String(text) => Pattern::compiled(text, flags),
            MontyObject::Bytes(_) => Err(raise(
                ExcType::TypeError,
                "Nuncio's Python has no patterns of bytes; use decode() and a pattern of str",
            )),
            other => match self.host_object(other) {
                Some(HostObject::Pattern(_)) if flags != 0 => {
                    Err(raise(ExcType::ValueError, "cannot process flags argument with a compiled pattern"))
                }
                Some(HostObject::Pattern(pattern)) => Ok(pattern.clone()),
                _ => Err(raise(ExcType::TypeError, "first argument must be string or compiled pattern")),
            },
        }
    }

    /// A method of a pattern.
    pub(crate) fn pattern_call(&mut self, pattern: &Pattern, name: &str, mut arguments: Arguments) -> CallResult {
        match name {
            "search" | "match" | "fullmatch" => {
                let text = subject(&arguments.take(name, 0, "string")?)?;
                let (start, end) = (position(&mut arguments, 1, "pos")?, position(&mut arguments, 2, "endpos")?);
                let found = pattern.once(name, &text, start, end)?;
                Ok(found.map_or(MontyObject::None, |found| self.found(found)))
            }
            "findall" | "finditer" => {
                let text = subject(&arguments.take(name, 0, "string")?)?;
                let (start, end) = (position(&mut arguments, 1, "pos")?, position(&mut arguments, 2, "endpos")?);
                let all = pattern.all(&text, start, end, usize::MAX)?;
                Ok(MontyObject::List(match name {
                    "findall" => all.iter().map(PatternMatch::listed).collect(),
                    _ => all.into_iter().map(|found| self.found(found)).collect(),
                }))
            }
            "split" => {
                let text = subject(&arguments.take(name, 0, "string")?)?;
                let limit = count(&mut arguments, 1, "maxsplit")?;
                pattern.split(&text, limit)
            }
            "sub" | "subn" => {
                let replacement = arguments.take(name, 0, "repl")?;
                let text = subject(&arguments.take(name, 1, "string")?)?;
                let limit = count(&mut arguments, 2, "count")?;
                let MontyObject::String(replacement) = replacement else {
                    let message =
                        format!("decoding to str: need a bytes-like object, {} found", replacement.type_name());
                    return Err(raise(ExcType::TypeError, message));
                };
                let (text, times) = pattern.replaced(&text, &replacement, limit)?;
                let text = value::text(text);
                Ok(if name == "sub" { text } else { MontyObject::Tuple(vec![text, times]) })
            }
            _ => Err(super::objects::no_method("re.Pattern", name)),
        }
    }

    pub(crate) fn found(&mut self, found: PatternMatch) -> MontyObject {
        self.object("Match", HostObject::Match(Box::new(found)), Vec::new())
    }

    /// An attribute of a match that is another object.
    pub(crate) fn found_attribute(&mut self, found: &PatternMatch, name: &str) -> Option<MontyObject> {
        match name {
            "re" => Some(self.object("Pattern", HostObject::Pattern(found.pattern().clone()), Vec::new())),
            _ => found.attribute(name),
        }
    }
}

/// The text to be searched.
fn subject(argument: &MontyObject) -> Result<String, MontyException> {
    match argument {
        MontyObject::String(text) => Ok(text.clone()),
        MontyObject::Bytes(_) => Err(raise(ExcType::TypeError, "cannot use a string pattern on a bytes-like object")),
        other => {
            Err(raise(ExcType::TypeError, format!("expected string or bytes-like object, got '{}'", other.type_name())))
        }
    }
}

/// A position in characters; `None` if it is not given.
fn position(arguments: &mut Arguments, at: usize, name: &str) -> Result<Option<usize>, MontyException> {
    match arguments.take_optional(at, name) {
        None => Ok(None),
        Some(MontyObject::Int(place)) => Ok(Some(usize::try_from(place).unwrap_or_default())),
        Some(other) => {
            let message = format!("'{}' object cannot be interpreted as an integer", other.type_name());
            Err(raise(ExcType::TypeError, message))
        }
    }
}

/// How often; zero means without limit.
fn count(arguments: &mut Arguments, at: usize, name: &str) -> Result<usize, MontyException> {
    Ok(position(arguments, at, name)?.filter(|count| *count > 0).unwrap_or(usize::MAX))
}

/// The text as a pattern that matches it.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}
