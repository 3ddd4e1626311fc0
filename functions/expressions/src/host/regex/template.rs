//! The template of a replacement: `\1`, `\g<name>`, `\n`.

use monty_types::{ExcType, MontyException};

use super::found::PatternMatch;
use super::pattern::{Pattern, raise_invalid};
use crate::host::raise;
use crate::python_pattern::Invalid;

enum Part {
    Text(String),
    Group(usize),
}

/// A template for the matches of one pattern.
pub(super) struct Template(Vec<Part>);

impl Template {
    /// Reads a template as CPython does.
    pub(super) fn parse(template: &str, pattern: &Pattern) -> Result<Self, MontyException> {
        let letters: Vec<char> = template.chars().collect();
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut at = 0;
        while let Some(letter) = letters.get(at).copied() {
            at += 1;
            if letter != '\\' {
                text.push(letter);
                continue;
            }
            let start = at - 1;
            let Some(next) = letters.get(at).copied() else {
                return Err(invalid("bad escape (end of pattern)", start));
            };
            at += 1;
            match next {
                'g' => {
                    let group = named(&letters, &mut at, pattern)?;
                    parts.push(Part::Text(std::mem::take(&mut text)));
                    parts.push(Part::Group(group));
                }
                '0' => text.push(octal(&letters, &mut at, 0, 2)),
                '1'..='9' => {
                    let is_octal = letters.len() > at + 1
                        && next.is_digit(8)
                        && letters[at].is_digit(8)
                        && letters[at + 1].is_digit(8);
                    if is_octal {
                        text.push(octal(&letters, &mut at, next.to_digit(8).unwrap_or_default(), 2));
                        continue;
                    }
                    let mut number = String::from(next);
                    if let Some(digit) = letters.get(at).filter(|digit| digit.is_ascii_digit()) {
                        number.push(*digit);
                        at += 1;
                    }
                    let group = number.parse().unwrap_or(usize::MAX);
                    if group > pattern.groups().len() {
                        return Err(invalid(format!("invalid group reference {number}"), start + 1));
                    }
                    parts.push(Part::Text(std::mem::take(&mut text)));
                    parts.push(Part::Group(group));
                }
                'a' => text.push('\u{7}'),
                'b' => text.push('\u{8}'),
                'f' => text.push('\u{c}'),
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                't' => text.push('\t'),
                'v' => text.push('\u{b}'),
                '\\' => text.push('\\'),
                other if other.is_ascii_alphabetic() => return Err(invalid(format!("bad escape \\{other}"), start)),
                other => text.extend(['\\', other]),
            }
        }
        parts.push(Part::Text(text));
        Ok(Self(parts))
    }

    /// Writes the replacement of a match.
    pub(super) fn expand(&self, found: &PatternMatch, text: &mut String) {
        for part in &self.0 {
            text.push_str(match part {
                Part::Text(text) => text,
                Part::Group(group) => found.text(*group).unwrap_or_default(),
            });
        }
    }
}

/// The group of `\g<…>`; the position is behind the `g`.
fn named(letters: &[char], at: &mut usize, pattern: &Pattern) -> Result<usize, MontyException> {
    if letters.get(*at) != Some(&'<') {
        return Err(invalid("missing <", *at));
    }
    let start = *at + 1;
    let name: String = letters[start..].iter().take_while(|letter| **letter != '>').collect();
    *at = start + name.chars().count() + 1;
    if letters.get(*at - 1) != Some(&'>') || name.is_empty() {
        let message = if name.is_empty() { "missing group name" } else { "missing >, unterminated name" };
        return Err(invalid(message, start));
    }
    if name.chars().all(|letter| letter.is_ascii_digit()) {
        let group = name.parse().unwrap_or(usize::MAX);
        if group <= pattern.groups().len() {
            return Ok(group);
        }
        return Err(invalid(format!("invalid group reference {name}"), start));
    }
    if !name.chars().all(|letter| letter == '_' || letter.is_alphanumeric()) {
        return Err(invalid(format!("bad character in group name '{name}'"), start));
    }
    let found = pattern.groups().iter().position(|group| group.as_deref() == Some(name.as_str()));
    found.map(|group| group + 1).ok_or_else(|| raise(ExcType::IndexError, format!("unknown group name '{name}'")))
}

/// The character of up to `most` more octal digits.
fn octal(letters: &[char], at: &mut usize, mut value: u32, most: usize) -> char {
    for _ in 0..most {
        let Some(digit) = letters.get(*at).and_then(|letter| letter.to_digit(8)) else { break };
        value = value * 8 + digit;
        *at += 1;
    }
    char::from_u32(value & 0xff).unwrap_or_default()
}

fn invalid(message: impl Into<String>, position: usize) -> MontyException {
    raise_invalid(&Invalid { message: message.into(), position: Some(position) })
}
