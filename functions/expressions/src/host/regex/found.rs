//! A match.

use std::sync::Arc;

use monty_types::{ExcType, MontyException, MontyObject};

use super::pattern::Pattern;
use super::template::Template;
use crate::host::{Arguments, CallResult, raise};
use crate::value::{self, IntoDict};

/// A text that is searched, up to the end of the search.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    whole: Arc<str>,
    /// Where the search begins and ends, in bytes.
    start: usize,
    end: usize,
}

impl Subject {
    /// The positions are in characters.
    pub(super) fn new(text: &str, start: Option<usize>, end: Option<usize>) -> Self {
        let byte = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
        let end = end.map_or(text.len(), byte);
        // Behind the end, nothing is found.
        let start = start.map_or(0, |start| if start > text.chars().count() { end + 1 } else { byte(start) });
        Self { whole: text.into(), start, end }
    }

    pub(super) fn text(&self) -> &str {
        &self.whole[..self.end]
    }

    pub(super) const fn start(&self) -> usize {
        self.start
    }

    /// The position in characters of a byte.
    fn characters(&self, byte: usize) -> i64 {
        let before = &self.whole[..byte];
        i64::try_from(if before.is_ascii() { byte } else { before.chars().count() }).unwrap_or_default()
    }
}

/// A match: where each group is, in bytes. The first one is the whole match.
#[derive(Debug, Clone)]
pub(crate) struct PatternMatch {
    pattern: Pattern,
    subject: Subject,
    spans: Vec<Option<(usize, usize)>>,
}

impl PatternMatch {
    pub(super) fn new(pattern: Pattern, subject: Subject, spans: Vec<Option<(usize, usize)>>) -> Self {
        Self { pattern, subject, spans }
    }

    pub(super) const fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Where the match is.
    pub(super) fn bytes(&self) -> (usize, usize) {
        self.spans.first().copied().flatten().unwrap_or_default()
    }

    /// The text of a group; `None` if it takes no part in the match.
    pub(super) fn text(&self, group: usize) -> Option<&str> {
        let (start, end) = self.spans.get(group).copied().flatten()?;
        self.subject.whole.get(start..end)
    }

    /// What `findall` lists: the match, or its groups.
    pub(super) fn listed(&self) -> MontyObject {
        let text = |group| value::text(self.text(group).unwrap_or_default());
        match self.spans.len() {
            1 => text(0),
            2 => text(1),
            many => MontyObject::Tuple((1..many).map(text).collect()),
        }
    }

    pub(super) fn groups<'a>(&'a self, default: &'a MontyObject) -> impl Iterator<Item = MontyObject> + 'a {
        (1..self.spans.len()).map(|group| self.text(group).map_or_else(|| default.clone(), value::text))
    }

    fn span(&self, group: usize) -> (i64, i64) {
        let characters = |(start, end)| (self.subject.characters(start), self.subject.characters(end));
        self.spans[group].map_or((-1, -1), characters)
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<MontyObject> {
        let pair = |(start, end)| MontyObject::Tuple(vec![MontyObject::Int(start), MontyObject::Int(end)]);
        // The participating group that ended last.
        let last = || self.pattern.ends().iter().rev().copied().find(|group| self.spans[*group].is_some());
        Some(match name {
            "string" => value::text(&*self.subject.whole),
            "pos" => MontyObject::Int(self.subject.characters(self.subject.start)),
            "endpos" => MontyObject::Int(self.subject.characters(self.subject.end)),
            "regs" => MontyObject::Tuple((0..self.spans.len()).map(|group| pair(self.span(group))).collect()),
            "lastindex" => {
                last().map_or(MontyObject::None, |group| MontyObject::Int(i64::try_from(group).unwrap_or_default()))
            }
            "lastgroup" => {
                let name = last().and_then(|group| self.pattern.groups()[group - 1].as_deref());
                value::optional(name)
            }
            _ => return None,
        })
    }

    pub(crate) fn call(&self, name: &str, mut arguments: Arguments) -> CallResult {
        match name {
            "group" => {
                let of = |group| self.text(group).map_or(MontyObject::None, value::text);
                let groups =
                    arguments.positional.iter().map(|group| self.index(group)).collect::<Result<Vec<_>, _>>()?;
                Ok(match groups[..] {
                    [] => of(0),
                    [group] => of(group),
                    _ => MontyObject::Tuple(groups.into_iter().map(of).collect()),
                })
            }
            "groups" => {
                let default = arguments.take_optional(0, "default").unwrap_or(MontyObject::None);
                Ok(MontyObject::Tuple(self.groups(&default).collect()))
            }
            "groupdict" => {
                let default = arguments.take_optional(0, "default").unwrap_or(MontyObject::None);
                let names = self.pattern.groups().iter();
                let pairs = names
                    .zip(self.groups(&default))
                    .filter_map(|(name, text)| Some((value::text(name.clone()?), text)));
                Ok(pairs.collect::<Vec<_>>().into_dict())
            }
            "start" | "end" | "span" => {
                let group = arguments.take_optional(0, "group").unwrap_or(MontyObject::Int(0));
                let (start, end) = self.span(self.index(&group)?);
                Ok(match name {
                    "start" => MontyObject::Int(start),
                    "end" => MontyObject::Int(end),
                    _ => MontyObject::Tuple(vec![MontyObject::Int(start), MontyObject::Int(end)]),
                })
            }
            "expand" => {
                let template = Template::parse(&arguments.text(name, 0, "template")?, &self.pattern)?;
                let mut text = String::new();
                template.expand(self, &mut text);
                Ok(value::text(text))
            }
            _ => Err(crate::host::objects::no_method("re.Match", name)),
        }
    }

    /// The number of a group, given as a number or a name.
    fn index(&self, group: &MontyObject) -> Result<usize, MontyException> {
        let number = match group {
            MontyObject::Int(number) => usize::try_from(*number).ok().filter(|number| *number < self.spans.len()),
            MontyObject::Bool(number) => Some(usize::from(*number)).filter(|number| *number < self.spans.len()),
            MontyObject::String(name) => {
                self.pattern.groups().iter().position(|group| group.as_ref() == Some(name)).map(|at| at + 1)
            }
            _ => None,
        };
        number.ok_or_else(|| raise(ExcType::IndexError, "no such group"))
    }
}
