//! A pattern made ready: what is wanted of each field gathered at that field.
//!
//! Owns the treatment of `$or` whose alternatives name fields that also stand beside it. Such fields can
//! lie in the same object of a list and must then pass together, so they have to stand together.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use domain::document::{EventPattern, Field, Fields, Test};

/// A pattern made ready.
#[derive(Debug, Clone)]
pub(crate) struct TreeMatcher {
    pub(super) root: ObjectMatcher,
}

/// What one object must hold: all the fields, and of each choice one alternative.
#[derive(Debug, Clone)]
pub(super) struct ObjectMatcher {
    pub(super) fields: Vec<(String, FieldMatcher)>,
    /// No two of them, and none and a field, name the same key of this object.
    pub(super) choices: Vec<Vec<Self>>,
    /// Whether it could hold of what has none of the fields.
    pub(super) absentable: bool,
}

/// What is wanted at one field.
#[derive(Debug, Clone, Default)]
pub(super) struct FieldMatcher {
    /// A value there passes one test of each. More than one only where `$or` names a field again.
    pub(super) values: Vec<Arc<[Test]>>,
    /// An object there holds this.
    pub(super) inside: Option<ObjectMatcher>,
}

impl TreeMatcher {
    pub(crate) fn of(pattern: &EventPattern) -> Self {
        Self::of_fields(pattern.root())
    }

    pub(super) fn of_fields(root: &Fields) -> Self {
        Self { root: object(&[root]) }
    }
}

impl FieldMatcher {
    pub(super) fn absentable(&self) -> bool {
        self.values.iter().all(|tests| is_absentable(tests))
            && self.inside.as_ref().is_none_or(|inside| inside.absentable)
    }
}

/// Whether one of the tests is that nothing is there.
pub(super) fn is_absentable(tests: &[Test]) -> bool {
    tests.contains(&Test::Exists(false))
}

/// All of `parts` hold of the same object.
fn object(parts: &[&Fields]) -> ObjectMatcher {
    let named: Vec<_> = parts.iter().map(|part| part.fields.as_slice()).collect();
    let choices = parts.iter().filter(|part| !part.any_of.is_empty()).map(|part| part.any_of.as_slice()).collect();
    gather(named, choices)
}

fn gather(named: Vec<&[(String, Field)]>, mut choices: Vec<&[Fields]>) -> ObjectMatcher {
    let (fields, choices) = if let Some(at) = entangled(&named, &choices) {
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
        let choices = choices.iter().map(|choice| choice.iter().map(|alternative| object(&[alternative])).collect());
        (nodes(&named), choices.collect())
    };
    let absentable = fields.iter().all(|(_, node)| node.absentable())
        && choices.iter().all(|choice: &Vec<ObjectMatcher>| choice.iter().any(|alternative| alternative.absentable));
    ObjectMatcher { fields, choices, absentable }
}

fn nodes(named: &[&[(String, Field)]]) -> Vec<(String, FieldMatcher)> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut nodes: Vec<(String, FieldMatcher)> = Vec::new();
    let mut insides: Vec<Vec<&Fields>> = Vec::new();
    for (name, field) in named.iter().copied().flatten() {
        let at = *places.entry(name).or_insert_with(|| {
            nodes.push((name.clone(), FieldMatcher::default()));
            insides.push(Vec::new());
            nodes.len() - 1
        });
        match field {
            Field::Value(tests) => nodes[at].1.values.push(tests.as_slice().into()),
            Field::Object(inner) => insides[at].push(inner),
        }
    }
    for ((_, node), inside) in nodes.iter_mut().zip(insides) {
        node.inside = (!inside.is_empty()).then(|| object(&inside));
    }
    nodes
}

/// The first choice that names a key which is named beside it, too.
fn entangled(named: &[&[(String, Field)]], choices: &[&[Fields]]) -> Option<usize> {
    if choices.is_empty() {
        return None;
    }
    let mut beside: HashSet<&str> = named.iter().copied().flatten().map(|(name, _)| name.as_str()).collect();
    choices.iter().position(|choice| {
        let mut keys = HashSet::new();
        choice.iter().for_each(|alternative| keys_of(alternative, &mut keys));
        let entangled = !keys.is_disjoint(&beside);
        beside.extend(keys);
        entangled
    })
}

fn keys_of<'p>(fields: &'p Fields, keys: &mut HashSet<&'p str>) {
    keys.extend(fields.fields.iter().map(|(name, _)| name.as_str()));
    fields.any_of.iter().for_each(|alternative| keys_of(alternative, keys));
}
