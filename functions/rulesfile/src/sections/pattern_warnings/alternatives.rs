//! Fields that a pattern names both beside and inside `$or`.
//!
//! Owns the search. Nuncio requires both; EventBridge uses the last one alone. Hardly anyone means either.

use std::collections::HashSet;

use domain::json::pointer_segment;
use domain::rules_document::{FieldPattern, ObjectPattern};

/// The JSON pointers of the fields inside `$or` that are also named beside it, each with the field's path.
pub(super) fn named_twice(root: &ObjectPattern) -> Vec<(String, String)> {
    let mut found = Vec::new();
    search(root, &[], "", &mut found);
    found.sort();
    found.dedup();
    found
}

/// A field with tests: the names on the way to it, and its JSON pointer.
struct NamedField<'p> {
    path: Vec<&'p str>,
    pointer: String,
}

fn search(object: &ObjectPattern, path: &[&str], pointer: &str, found: &mut Vec<(String, String)>) {
    for (name, field) in &object.fields {
        if let FieldPattern::Object(inner) = field {
            search(inner, &[path, &[name.as_str()]].concat(), &format!("{pointer}{}", pointer_segment(name)), found);
        }
    }
    if object.any_of.is_empty() {
        return;
    }
    let mut beside = Vec::new();
    fields(object, path, pointer, &mut beside);
    let beside: HashSet<_> = beside.into_iter().map(|field| field.path).collect();
    for (at, alternative) in object.any_of.iter().enumerate() {
        let pointer = format!("{pointer}/$or/{at}");
        search(alternative, path, &pointer, found);
        let mut inside = Vec::new();
        fields_and_alternatives(alternative, path, &pointer, &mut inside);
        let twice = inside.into_iter().filter(|one| beside.contains(&one.path));
        found.extend(twice.map(|one| (one.pointer, one.path.join("."))));
    }
}

fn fields_and_alternatives<'p>(
    object: &'p ObjectPattern,
    path: &[&'p str],
    pointer: &str,
    found: &mut Vec<NamedField<'p>>,
) {
    fields(object, path, pointer, found);
    for (at, alternative) in object.any_of.iter().enumerate() {
        fields_and_alternatives(alternative, path, &format!("{pointer}/$or/{at}"), found);
    }
}

/// The fields of the object with those inside them, without the object's own alternatives.
fn fields<'p>(object: &'p ObjectPattern, path: &[&'p str], pointer: &str, found: &mut Vec<NamedField<'p>>) {
    for (name, field) in &object.fields {
        let path = [path, &[name.as_str()]].concat();
        let pointer = format!("{pointer}{}", pointer_segment(name));
        match field {
            FieldPattern::Value(_) => found.push(NamedField { path, pointer }),
            FieldPattern::Object(inner) => fields_and_alternatives(inner, &path, &pointer, found),
        }
    }
}
