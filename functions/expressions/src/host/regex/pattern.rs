//! A compiled pattern, and how CPython searches with it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use fancy_regex::{Regex, RegexBuilder};
use monty_types::{ExcType, MontyException, MontyObject};

use super::found::{PatternMatch, Subject};
use super::template::Template;
use crate::host::{CallResult, raise};
use crate::python_pattern::{Invalid, Translated, translate};
use crate::value::{self, IntoDict};

/// How many compiled patterns are kept.
const MAX_CACHED: usize = 64;
/// The maximum size of a compiled pattern, in bytes.
const MAX_COMPILED_BYTES: usize = 1024 * 1024;
/// How often a search may go back before it gives up.
const MAX_STEPS: usize = 200_000;

thread_local! {
    static CACHE: RefCell<HashMap<(String, i64), Pattern>> = RefCell::default();
}

/// A compiled pattern. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(Arc<CompiledPattern>);

#[derive(Debug)]
struct CompiledPattern {
    source: String,
    translated: Translated,
    /// Finds the first match from a position.
    search: Regex,
    /// The same for a match that is not empty at that position; only patterns that match nothing need it.
    further: OnceLock<Option<Regex>>,
    /// The same for a match that begins at that position, or begins there and ends with the text.
    here: OnceLock<Option<Regex>>,
    whole: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Compiles a pattern, or takes it from the cache.
    pub(crate) fn compiled(source: &str, flags: i64) -> Result<Self, MontyException> {
        CACHE.with_borrow_mut(|cache| {
            if let Some(cached) = cache.get(&(source.to_owned(), flags)) {
                return Ok(cached.clone());
            }
            let translated = translate(source, flags).map_err(|invalid| raise_invalid(&invalid))?;
            let search = build(&translated.text).ok_or_else(too_large)?;
            let pattern = Self(Arc::new(CompiledPattern {
                source: source.to_owned(),
                translated,
                search,
                further: OnceLock::new(),
                here: OnceLock::new(),
                whole: OnceLock::new(),
            }));
            if cache.len() >= MAX_CACHED {
                cache.clear();
            }
            cache.insert((source.to_owned(), flags), pattern.clone());
            Ok(pattern)
        })
    }

    pub(super) fn groups(&self) -> &[Option<String>] {
        &self.0.translated.groups
    }

    /// The groups in the order in which they end in the pattern.
    pub(super) fn ends(&self) -> &[usize] {
        &self.0.translated.ends
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<MontyObject> {
        let number = |at: usize| MontyObject::Int(i64::try_from(at).unwrap_or_default());
        Some(match name {
            "pattern" => value::text(&self.0.source),
            "flags" => MontyObject::Int(self.0.translated.flags),
            "groups" => number(self.groups().len()),
            "groupindex" => self
                .groups()
                .iter()
                .enumerate()
                .filter_map(|(at, name)| Some((value::text(name.clone()?), number(at + 1))))
                .collect::<Vec<_>>()
                .into_dict(),
            _ => return None,
        })
    }

    /// `search`, `match` or `fullmatch`.
    pub(crate) fn once(
        &self,
        way: &str,
        text: &str,
        start: Option<usize>,
        end: Option<usize>,
    ) -> Result<Option<PatternMatch>, MontyException> {
        let subject = Subject::new(text, start, end);
        let text = &self.0.translated.text;
        let regex = match way {
            "match" => variant(&self.0.here, || format!(r"\G(?:{text})"))?,
            "fullmatch" => variant(&self.0.whole, || format!(r"\G(?:{text})\z"))?,
            _ => &self.0.search,
        };
        self.find(regex, &subject, subject.start())
    }

    fn find(&self, regex: &Regex, subject: &Subject, from: usize) -> Result<Option<PatternMatch>, MontyException> {
        if from > subject.text().len() {
            return Ok(None);
        }
        let found = regex.captures_from_pos(subject.text(), from).map_err(|_| too_long())?;
        Ok(found.map(|captures| {
            let spans =
                (0..captures.len()).map(|at| captures.get(at).map(|group| (group.start(), group.end()))).collect();
            PatternMatch::new(self.clone(), subject.clone(), spans)
        }))
    }

    /// All matches, at most `limit`. After an empty match, the next one may begin at the same place, but is not empty
    /// there.
    pub(super) fn all(
        &self,
        text: &str,
        start: Option<usize>,
        end: Option<usize>,
        limit: usize,
    ) -> Result<Vec<PatternMatch>, MontyException> {
        let subject = Subject::new(text, start, end);
        let mut all = Vec::new();
        let mut at = subject.start();
        let mut was_empty = false;
        while all.len() < limit {
            let regex = if was_empty {
                variant(&self.0.further, || format!(r"(?:{})(?!\G)", self.0.translated.text))?
            } else {
                &self.0.search
            };
            let Some(found) = self.find(regex, &subject, at)? else { break };
            let (from, to) = found.bytes();
            was_empty = from == to;
            at = to;
            all.push(found);
        }
        Ok(all)
    }

    pub(super) fn split(&self, text: &str, limit: usize) -> CallResult {
        let mut parts = Vec::new();
        let mut done = 0;
        for found in self.all(text, None, None, limit)? {
            let (start, end) = found.bytes();
            parts.push(value::text(&text[done..start]));
            parts.extend(found.groups(&MontyObject::None));
            done = end;
        }
        parts.push(value::text(&text[done..]));
        Ok(MontyObject::List(parts))
    }

    /// The text with the matches replaced by the template, and how many.
    pub(crate) fn replaced(
        &self,
        text: &str,
        template: &str,
        limit: usize,
    ) -> Result<(String, MontyObject), MontyException> {
        let template = Template::parse(template, self)?;
        let mut replaced = String::new();
        let mut done = 0;
        let all = self.all(text, None, None, limit)?;
        for found in &all {
            let (start, end) = found.bytes();
            replaced.push_str(&text[done..start]);
            template.expand(found, &mut replaced);
            done = end;
        }
        replaced.push_str(&text[done..]);
        Ok((replaced, MontyObject::Int(i64::try_from(all.len()).unwrap_or_default())))
    }
}

fn build(text: &str) -> Option<Regex> {
    RegexBuilder::new(text).backtrack_limit(MAX_STEPS).delegate_size_limit(MAX_COMPILED_BYTES).build().ok()
}

fn variant(slot: &OnceLock<Option<Regex>>, text: impl FnOnce() -> String) -> Result<&Regex, MontyException> {
    slot.get_or_init(|| build(&text())).as_ref().ok_or_else(too_large)
}

pub(super) fn raise_invalid(invalid: &Invalid) -> MontyException {
    let position = invalid.position.map_or_else(String::new, |position| format!(" at position {position}"));
    raise(ExcType::RePatternError, format!("{}{position}", invalid.message))
}

fn too_large() -> MontyException {
    raise(ExcType::RePatternError, "this pattern is too large for Nuncio's Python; use smaller repetitions")
}

fn too_long() -> MontyException {
    raise(ExcType::RuntimeError, "this pattern takes too long on this text for Nuncio's Python; use regex_match")
}
