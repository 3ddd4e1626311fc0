//! Checks names and references to names, and suggests the name that was probably intended.
//!
//! Owns the suggestions. The sections say what kind of thing a name denotes.

use std::collections::BTreeSet;

use domain::admission::mask::Masker;

use crate::diagnostics::Diagnostics;
use crate::source_map::Position;

/// The maximum length of a name.
const MAX_CHARS: usize = 100;
/// How many names a fault lists.
const MAX_LISTED: usize = 10;
/// How many characters of a wrong word a fault repeats.
const MAX_SHOWN: usize = 60;

/// The names that one section defines, such as all transports.
pub(crate) struct DefinedNames<'n> {
    /// What a name denotes, in the singular: `transport`.
    noun: &'static str,
    /// `None` if the section itself is faulty: references to it cannot be checked then.
    names: Option<BTreeSet<&'n str>>,
}

impl<'n> DefinedNames<'n> {
    pub(crate) fn new(noun: &'static str, names: Option<BTreeSet<&'n str>>) -> Self {
        Self { noun, names }
    }

    /// Reports a fault if `name` is not defined.
    pub(crate) fn check_reference(&self, name: &str, at: Position, diagnostics: &mut Diagnostics) {
        let Some(names) = self.names.as_ref().filter(|names| !names.contains(name)) else { return };
        let noun = self.noun;
        let what = format!("there is no {noun} {}", shown(name));
        let hint = match nearest(name, names.iter().copied(), diagnostics) {
            Some(near) => format!("did you mean {near:?}?"),
            None if names.is_empty() => {
                let section = match noun {
                    "policy" => "policies".to_owned(),
                    "policy or detection" => "policies or detections".to_owned(),
                    other => format!("{other}s"),
                };
                format!("define it under {section}")
            }
            None => format!("the defined names are {}", listed(names.iter().copied())),
        };
        diagnostics.fault(at, what, hint);
    }
}

/// Reports a fault if `name` is not well-formed.
pub(crate) fn check_name(name: &str, noun: &str, at: Position, diagnostics: &mut Diagnostics) {
    let well_formed = name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ._-".contains(&byte));
    if !well_formed {
        let what = format!("{} is not a valid name for a {noun}", shown(name));
        diagnostics.fault(at, what, "start with a letter or digit and use only A-Z, a-z, 0-9, space, dot, _ and -");
    } else if name.len() > MAX_CHARS {
        let what = format!("the name of this {noun} has {} characters", name.len());
        diagnostics.fault(at, what, format!("use at most {MAX_CHARS}"));
    }
}

/// The candidate that was probably intended; `None` if no candidate is similar enough.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
    diagnostics: &mut Diagnostics,
) -> Option<&'c str> {
    let length = word.chars().count();
    if length > MAX_CHARS {
        return None;
    }
    let lowered = word.to_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= MAX_CHARS)
        .take_while(|_| diagnostics.may_compare())
        .map(|candidate| (strsim::osa_distance(&lowered, &candidate.to_lowercase()), candidate))
        // At most a third of the characters may differ, and never all of them.
        .filter(|(distance, _)| *distance <= (length / 3).max(1) && *distance < length)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A word of the file in quotes, with control characters escaped and cut to a readable length. An address or a URL is
/// not repeated, because it may be confidential: `(a URL)`.
pub(crate) fn shown(word: &str) -> String {
    if word.contains("://") {
        return "(a URL)".to_owned();
    }
    if word.contains('@') || word.parse::<std::net::IpAddr>().is_ok() {
        return "(an address)".to_owned();
    }
    let mut word = domain::text::truncate(word, MAX_SHOWN);
    Masker::default().mask_string(&mut word);
    format!("{word:?}")
}

/// The names, separated by commas; at most [`MAX_LISTED`].
pub(crate) fn listed<'c>(names: impl IntoIterator<Item = &'c str>) -> String {
    let mut names = names.into_iter();
    let mut list: Vec<&str> = names.by_ref().take(MAX_LISTED).collect();
    if names.next().is_some() {
        list.push("…");
    }
    list.join(", ")
}
