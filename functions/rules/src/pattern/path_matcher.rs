//! Matches a pattern against the collected values of an event, without visiting the event again.
//!
//! Owns the fast path. It decides whether fields of the same parent pass in one list object. If fields of different
//! parents need list objects, it cannot tell whether these belong together and leaves the decision to `tree_match`.

use domain::rules_document::{EventPattern, FieldPattern, ObjectPattern, ValuePattern};

use super::tree_matcher::is_absentable;
use crate::index::PathTree;
use crate::path_values::PathValues;

/// The conditions by path: all fields must pass, and one alternative of each choice.
#[derive(Debug, Clone)]
pub(crate) struct PathMatcher {
    fields: Vec<PathTests>,
    choices: Vec<Vec<Self>>,
}

/// The tests of one field.
#[derive(Debug, Clone)]
struct PathTests {
    /// The path of the object that has the field.
    parent: u32,
    path: u32,
    tests: Vec<ValuePattern>,
    absentable: bool,
}

/// The result of a pattern or of a part of one. Ordered: for the whole pattern, a later result is never worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PartResult {
    No,
    Unknown,
    /// Passes with values in one list object. Other parts might pass only in another object.
    InItem,
    Yes,
}

/// The result of one field.
enum FieldResult {
    No,
    Unknown,
    /// Passes only in the list objects whose bits are set; bit n is object number n.
    InItems(u64),
    Yes,
}

impl PathMatcher {
    /// Compiles a pattern. `paths` must contain every path that the pattern names.
    pub(crate) fn compile(pattern: &EventPattern, paths: &PathTree) -> Self {
        let mut matcher = Self { fields: Vec::new(), choices: Vec::new() };
        matcher.add(pattern.root(), PathTree::ROOT, paths);
        matcher
    }

    fn add(&mut self, fields: &ObjectPattern, parent: u32, paths: &PathTree) {
        for (name, field) in &fields.fields {
            match field {
                FieldPattern::Object(inner) => self.add(inner, paths.known_child(parent, name), paths),
                FieldPattern::Value(tests) => self.fields.push(PathTests {
                    parent,
                    path: paths.known_child_for_tests(parent, name, tests),
                    tests: tests.clone(),
                    absentable: is_absentable(tests),
                }),
            }
        }
        // Cheap tests first: they also fail most often.
        self.fields.sort_by_key(|field| field.tests.iter().map(cost).max());
        if !fields.any_of.is_empty() {
            let alternative = |fields: &ObjectPattern| {
                let mut matcher = Self { fields: Vec::new(), choices: Vec::new() };
                matcher.add(fields, parent, paths);
                matcher
            };
            self.choices.push(fields.any_of.iter().map(alternative).collect());
        }
    }

    /// Whether the event passes; `None` if this matcher cannot decide it.
    pub(crate) fn matches(&self, values: &PathValues<'_>) -> Option<bool> {
        match self.result(values) {
            PartResult::No => Some(false),
            PartResult::Unknown => None,
            PartResult::InItem | PartResult::Yes => Some(true),
        }
    }

    fn result(&self, values: &PathValues<'_>) -> PartResult {
        let mut result = PartResult::Yes;
        // The common parent of the fields that passed inside list objects, and the objects in which all of them passed.
        let mut in_items: Option<(u32, u64)> = None;
        for field in &self.fields {
            match field.result(values) {
                FieldResult::No => return PartResult::No,
                FieldResult::Unknown => result = PartResult::Unknown,
                FieldResult::Yes => {}
                FieldResult::InItems(items) => match &mut in_items {
                    None => in_items = Some((field.parent, items)),
                    Some((parent, both)) if *parent == field.parent => *both &= items,
                    Some(_) => result = PartResult::Unknown,
                },
            }
        }
        if let Some((_, items)) = in_items {
            result = result.and(if items == 0 { PartResult::No } else { PartResult::InItem });
        }
        for choice in &self.choices {
            if result == PartResult::No {
                break;
            }
            result = result.and(either(choice, values));
        }
        result
    }
}

fn either(choice: &[PathMatcher], values: &PathValues<'_>) -> PartResult {
    let mut best = PartResult::No;
    for alternative in choice {
        best = best.max(alternative.result(values));
        if best == PartResult::Yes {
            break;
        }
    }
    best
}

impl PartResult {
    /// Two parts that each pass in a list object need not pass in the same one.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::InItem, Self::InItem) => Self::Unknown,
            (one, other) => one.min(other),
        }
    }
}

impl PathTests {
    fn result(&self, values: &PathValues<'_>) -> FieldResult {
        let (mut absent, mut unknown, mut items) = (true, false, 0);
        for found in values.at(self.path) {
            let passes = found.leaf.passes_one(&self.tests);
            match (found.item, passes) {
                (0, true) => return FieldResult::Yes,
                (0, false) => {}
                // A value that is missing in one object may be present in another.
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

/// The relative cost of a test.
fn cost(test: &ValuePattern) -> u8 {
    match test {
        ValuePattern::Null | ValuePattern::Boolean(_) | ValuePattern::Number(_) | ValuePattern::Text(_) => 0,
        ValuePattern::Prefix(_) | ValuePattern::Suffix(_) | ValuePattern::Numeric(_) | ValuePattern::Exists(_) => 1,
        ValuePattern::Cidr(_) | ValuePattern::AnythingBut(_) => 2,
        ValuePattern::EqualsIgnoreCase(_)
        | ValuePattern::PrefixIgnoreCase(_)
        | ValuePattern::SuffixIgnoreCase(_)
        | ValuePattern::Wildcard(_)
        | ValuePattern::WildcardIgnoreCase(_) => 3,
    }
}
