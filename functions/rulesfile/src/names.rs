//! Names: which are well-formed, which exist, and which was probably meant.
//!
//! Owns the suggestions; the sections say what kind of thing a name is.

use std::collections::BTreeSet;

use domain::mask::Masker;

use crate::diagnostics::{Diagnostics, Position};

const MAX_CHARS: usize = 100;
/// A longer list helps nobody.
const MAX_LISTED: usize = 10;
/// How much of a wrong word a fault repeats.
const MAX_SHOWN: usize = 60;

/// The names of one section, such as all transports.
pub(crate) struct DefinedNames<'n> {
    /// In the singular: `transport`.
    noun: &'static str,
    /// None where the section itself is broken: then nothing can be said of references to it.
    names: Option<BTreeSet<&'n str>>,
}

impl<'n> DefinedNames<'n> {
    pub(crate) fn new(noun: &'static str, names: Option<BTreeSet<&'n str>>) -> Self {
        Self { noun, names }
    }

    /// Reports a reference to what does not exist.
    pub(crate) fn check(&self, name: &str, at: Position, diagnostics: &mut Diagnostics) {
        let Some(names) = self.names.as_ref().filter(|names| !names.contains(name)) else { return };
        let noun = self.noun;
        let what = format!("there is no {noun} {}", shown(name));
        let hint = match nearest(name, names.iter().copied(), diagnostics) {
            Some(near) => format!("did you mean {near:?}?"),
            None if names.is_empty() => {
                let section = if noun == "policy" { "policies".to_owned() } else { format!("{noun}s") };
                format!("none is defined; define it under {section}")
            }
            None => format!("there are {}", listed(names.iter().copied())),
        };
        diagnostics.fault(at, what, hint);
    }
}

/// Reports a name that is none.
pub(crate) fn check(name: &str, noun: &str, at: Position, diagnostics: &mut Diagnostics) {
    let well_formed = name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ._-".contains(&byte));
    if !well_formed {
        let what = format!("{} is not a name for a {noun}", shown(name));
        diagnostics.fault(at, what, "start with a letter or digit and use only A-Z, a-z, 0-9, space, dot, _ and -");
    } else if name.len() > MAX_CHARS {
        let what = format!("the name of this {noun} has {} characters", name.len());
        diagnostics.fault(at, what, format!("use at most {MAX_CHARS}"));
    }
}

/// The candidate that was probably meant.
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
        // A third of the word may be wrong, and never all of it.
        .filter(|(distance, _)| *distance <= (length / 3).max(1) && *distance < length)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A word of the file in quotes, without control characters and not too much of it. What should
/// have been a name but is an address or a URL is not repeated.
pub(crate) fn shown(word: &str) -> String {
    if word.contains("://") {
        return "(a URL)".to_owned();
    }
    if word.contains('@') || word.parse::<std::net::IpAddr>().is_ok() {
        return "(an address)".to_owned();
    }
    let mut word = domain::notification::cut(word, MAX_SHOWN);
    Masker::default().mask_string(&mut word);
    format!("{word:?}")
}

/// Some names, as a list in words.
pub(crate) fn listed<'c>(names: impl IntoIterator<Item = &'c str>) -> String {
    let mut names = names.into_iter();
    let mut list: Vec<&str> = names.by_ref().take(MAX_LISTED).collect();
    if names.next().is_some() {
        list.push("…");
    }
    list.join(", ")
}
