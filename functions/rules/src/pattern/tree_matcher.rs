//! Compiles a pattern into a tree with one node per field.
//!
//! Owns the treatment of an `$or` whose alternatives name fields that are also named beside it. Both can concern the
//! same list object and must then pass together, so that they are merged into one node.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use domain::rules_document::{EventPattern, FieldPattern, ObjectPattern, ValuePattern};

/// A pattern as a tree with one node per field, which gives an exact result for every event.
#[derive(Debug, Clone)]
pub(crate) struct TreeMatcher {
    pub(super) root: ObjectMatcher,
}

/// The conditions on one object: all fields must pass, and one alternative of each choice.
#[derive(Debug, Clone)]
pub(super) struct ObjectMatcher {
    pub(super) fields: Vec<(String, FieldMatcher)>,
    /// The `$or`s. No key is named by two of them, or by one of them and by `fields`.
    pub(super) choices: Vec<Vec<Self>>,
    /// Whether an object without any of the fields passes.
    pub(super) absentable: bool,
}

/// The conditions on one field.
#[derive(Debug, Clone, Default)]
pub(super) struct FieldMatcher {
    /// Lists of tests: for each list, a value must pass one of its tests. Several lists only if `$or` names a field
    /// again.
    pub(super) values: Vec<Arc<[ValuePattern]>>,
    /// The conditions on an object at the field.
    pub(super) inside: Option<ObjectMatcher>,
}

impl TreeMatcher {
    pub(crate) fn compile(pattern: &EventPattern) -> Self {
        Self::compile_fields(pattern.root())
    }

    pub(super) fn compile_fields(root: &ObjectPattern) -> Self {
        Self { root: merge(&[root]) }
    }
}

impl FieldMatcher {
    /// Whether the field passes if it is missing.
    pub(super) fn absentable(&self) -> bool {
        self.values.iter().all(|tests| is_absentable(tests))
            && self.inside.as_ref().is_none_or(|inside| inside.absentable)
    }
}

/// Whether one of the tests is `exists: false`.
pub(super) fn is_absentable(tests: &[ValuePattern]) -> bool {
    tests.contains(&ValuePattern::Exists(false))
}

/// Merges `parts`, which all apply to the same object.
fn merge(parts: &[&ObjectPattern]) -> ObjectMatcher {
    let named: Vec<_> = parts.iter().map(|part| part.fields.as_slice()).collect();
    let choices = parts.iter().filter(|part| !part.any_of.is_empty()).map(|part| part.any_of.as_slice()).collect();
    gather(named, choices)
}

/// Merges named fields and choices. A choice that names a key which is also named elsewhere is expanded: each of its
/// alternatives is merged with everything else.
fn gather(named: Vec<&[(String, FieldPattern)]>, mut choices: Vec<&[ObjectPattern]>) -> ObjectMatcher {
    let (fields, choices) = if let Some(at) = overlapping_choice(&named, &choices) {
        let alternatives = choices.remove(at);
        let expanded = alternatives.iter().map(|alternative| {
            let mut named = named.clone();
            named.push(&alternative.fields);
            let mut choices = choices.clone();
            choices.extend((!alternative.any_of.is_empty()).then_some(alternative.any_of.as_slice()));
            gather(named, choices)
        });
        (Vec::new(), vec![expanded.collect()])
    } else {
        let choices = choices.iter().map(|choice| choice.iter().map(|alternative| merge(&[alternative])).collect());
        (nodes(&named), choices.collect())
    };
    let absentable = fields.iter().all(|(_, node)| node.absentable())
        && choices.iter().all(|choice: &Vec<ObjectMatcher>| choice.iter().any(|alternative| alternative.absentable));
    ObjectMatcher { fields, choices, absentable }
}

fn nodes(named: &[&[(String, FieldPattern)]]) -> Vec<(String, FieldMatcher)> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut nodes: Vec<(String, FieldMatcher)> = Vec::new();
    let mut insides: Vec<Vec<&ObjectPattern>> = Vec::new();
    for (name, field) in named.iter().copied().flatten() {
        let at = *places.entry(name).or_insert_with(|| {
            nodes.push((name.clone(), FieldMatcher::default()));
            insides.push(Vec::new());
            nodes.len() - 1
        });
        match field {
            FieldPattern::Value(tests) => nodes[at].1.values.push(tests.as_slice().into()),
            FieldPattern::Object(inner) => insides[at].push(inner),
        }
    }
    for ((_, node), inside) in nodes.iter_mut().zip(insides) {
        node.inside = (!inside.is_empty()).then(|| merge(&inside));
    }
    nodes
}

/// The index of the first choice that names a key which is also named beside it.
fn overlapping_choice(named: &[&[(String, FieldPattern)]], choices: &[&[ObjectPattern]]) -> Option<usize> {
    if choices.is_empty() {
        return None;
    }
    let mut beside: HashSet<&str> = named.iter().copied().flatten().map(|(name, _)| name.as_str()).collect();
    choices.iter().position(|choice| {
        let mut keys = HashSet::new();
        choice.iter().for_each(|alternative| keys_of(alternative, &mut keys));
        let overlaps = !keys.is_disjoint(&beside);
        beside.extend(keys);
        overlaps
    })
}

fn keys_of<'p>(fields: &'p ObjectPattern, keys: &mut HashSet<&'p str>) {
    keys.extend(fields.fields.iter().map(|(name, _)| name.as_str()));
    fields.any_of.iter().for_each(|alternative| keys_of(alternative, keys));
}
