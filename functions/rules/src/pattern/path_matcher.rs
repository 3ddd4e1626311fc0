//! A pattern put to an event's values by their paths, without going through the event again.
//!
//! Owns the fast way. Fields that stand beside each other in a pattern may hold in one object of a list; where
//! several parts of a pattern need such objects, whether these are the same ones is `admit`'s to find out.

use domain::document::{EventPattern, Field, Fields, Test};

use super::tree_matcher::is_absentable;
use crate::index::PathTree;
use crate::path_values::PathValues;

/// All of the fields must hold, and one alternative of each choice.
#[derive(Debug, Clone)]
pub(crate) struct PathMatcher {
    wanted: Vec<PathTests>,
    choices: Vec<Vec<Self>>,
}

/// What is wanted at one path.
#[derive(Debug, Clone)]
struct PathTests {
    /// Of the object that has the field.
    parent: u32,
    path: u32,
    tests: Vec<Test>,
    absentable: bool,
}

/// How a pattern, or a part of one, holds. Which way is better depends on what stands beside it: later ones
/// never are worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PartResult {
    No,
    Unknown,
    /// With values in an object of a list. Other parts may hold in another only.
    InItem,
    Yes,
}

/// How a field holds.
enum FieldResult {
    No,
    Unknown,
    /// In those objects of lists whose number's bit is set, and nowhere else.
    InItems(u64),
    Yes,
}

impl PathMatcher {
    /// Every path that the pattern names must be known.
    pub(crate) fn of(pattern: &EventPattern, paths: &PathTree) -> Self {
        let mut flat = Self { wanted: Vec::new(), choices: Vec::new() };
        flat.add(pattern.root(), PathTree::ROOT, paths);
        flat
    }

    fn add(&mut self, fields: &Fields, parent: u32, paths: &PathTree) {
        for (name, field) in &fields.fields {
            match field {
                Field::Object(inner) => self.add(inner, paths.known(parent, name), paths),
                Field::Value(tests) => self.wanted.push(PathTests {
                    parent,
                    path: paths.known_of_tests(parent, name, tests),
                    tests: tests.clone(),
                    absentable: is_absentable(tests),
                }),
            }
        }
        // What is soon done, and seldom holds, is first.
        self.wanted.sort_by_key(|wanted| wanted.tests.iter().map(effort).max());
        if !fields.any_of.is_empty() {
            let alternative = |fields: &Fields| {
                let mut flat = Self { wanted: Vec::new(), choices: Vec::new() };
                flat.add(fields, parent, paths);
                flat
            };
            self.choices.push(fields.any_of.iter().map(alternative).collect());
        }
    }

    /// Whether the event passes, if that can be said.
    pub(crate) fn admits(&self, values: &PathValues<'_>) -> Option<bool> {
        match self.answer(values) {
            PartResult::No => Some(false),
            PartResult::Unknown => None,
            PartResult::InItem | PartResult::Yes => Some(true),
        }
    }

    fn answer(&self, values: &PathValues<'_>) -> PartResult {
        let mut answer = PartResult::Yes;
        // The object that holds the fields which are in objects of a list, and which of these objects have all.
        let mut chosen: Option<(u32, u64)> = None;
        for wanted in &self.wanted {
            match wanted.holds(values) {
                FieldResult::No => return PartResult::No,
                FieldResult::Unknown => answer = PartResult::Unknown,
                FieldResult::Yes => {}
                FieldResult::InItems(items) => match &mut chosen {
                    None => chosen = Some((wanted.parent, items)),
                    Some((parent, both)) if *parent == wanted.parent => *both &= items,
                    Some(_) => answer = PartResult::Unknown,
                },
            }
        }
        if let Some((_, items)) = chosen {
            answer = answer.and(if items == 0 { PartResult::No } else { PartResult::InItem });
        }
        for choice in &self.choices {
            if answer == PartResult::No {
                break;
            }
            answer = answer.and(either(choice, values));
        }
        answer
    }
}

fn either(choice: &[PathMatcher], values: &PathValues<'_>) -> PartResult {
    let mut best = PartResult::No;
    for alternative in choice {
        best = best.max(alternative.answer(values));
        if best == PartResult::Yes {
            break;
        }
    }
    best
}

impl PartResult {
    /// Two parts that hold in objects of lists need not hold in the same ones.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::InItem, Self::InItem) => Self::Unknown,
            (one, other) => one.min(other),
        }
    }
}

impl PathTests {
    fn holds(&self, values: &PathValues<'_>) -> FieldResult {
        let (mut absent, mut unknown, mut items) = (true, false, 0);
        for found in values.at(self.path) {
            let passes = found.leaf.passes_one(&self.tests);
            match (found.item, passes) {
                (0, true) => return FieldResult::Yes,
                (0, false) => {}
                // What is missing in one object may be there in another.
                _ if self.absentable => unknown = true,
                (item, true) => match 1u64.checked_shl(item) {
                    Some(bit) => items |= bit,
                    None => unknown = true,
                },
                (_, false) => {}
            }
            absent = false;
        }
        match items {
            _ if unknown => FieldResult::Unknown,
            0 if absent && self.absentable => FieldResult::Yes,
            0 => FieldResult::No,
            items => FieldResult::InItems(items),
        }
    }
}

fn effort(test: &Test) -> u8 {
    match test {
        Test::Null | Test::Boolean(_) | Test::Number(_) | Test::Text(_) => 0,
        Test::Prefix(_) | Test::Suffix(_) | Test::Numeric(_) | Test::Exists(_) => 1,
        Test::Cidr(_) | Test::AnythingBut(_) => 2,
        Test::EqualsIgnoreCase(_) | Test::PrefixIgnoreCase(_) | Test::SuffixIgnoreCase(_) | Test::Wildcard(_) => 3,
    }
}
