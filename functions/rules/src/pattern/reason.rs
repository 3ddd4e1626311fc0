//! Explains in words why an event passes a pattern or not.
//!
//! Evaluates the pattern as it is written, field by field, and names the first field that fails. If every field passes
//! by itself, it names the object whose fields do not pass together.

use domain::event::EVENT_KEYS;
use domain::rules_document::{EventPattern, FieldPattern, ObjectPattern, ValuePattern};
use domain::text::truncate;
use serde_json::Value;

use super::tree_matcher::{TreeMatcher, is_absentable};
use crate::event_view::{EventView, FieldValue, Leaf, ObjectView};

/// How many characters of a value, or of the wanted values, are shown.
const MAX_CHARS: usize = 120;
/// How many values of a list, and how many alternatives of `$or`, are shown.
const MAX_SHOWN: usize = 3;

/// Whether the event passes the pattern, and the reason.
pub(crate) fn explain_pattern(pattern: &EventPattern, view: &EventView<'_>) -> (bool, String) {
    let root = pattern.root();
    if let Some(failure) = failure(root, &[], view, Absence::InSomeObject) {
        return (false, failure);
    }
    if !TreeMatcher::compile(pattern).matches(view) {
        return (false, failure(root, &[], view, Absence::Everywhere).unwrap_or_else(|| joint_failure(root, view)));
    }
    let mut paths = Vec::new();
    collect_paths(root, &mut Vec::new(), &mut paths);
    let reason = match paths.as_slice() {
        [only] => format!("{only} matches"),
        several => format!("{} match", several.join(", ")),
    };
    (true, truncate(&reason, 4 * MAX_CHARS))
}

/// When `exists: false` passes.
#[derive(Clone, Copy)]
enum Absence {
    /// The path is missing in one object of each list on the way. Sufficient if another field selects that object.
    InSomeObject,
    /// The path is missing in all objects.
    Everywhere,
}

/// The first field that fails by itself: `context.user is "ann", wanted "bob"`. `None` if none fails.
fn failure(fields: &ObjectPattern, path: &[&str], view: &EventView<'_>, absence: Absence) -> Option<String> {
    for (name, field) in &fields.fields {
        let path = [path, &[name.as_str()]].concat();
        let failed = match field {
            FieldPattern::Object(inner) => failure(inner, &path, view, absence),
            FieldPattern::Value(tests) => field_failure(&path, tests, view, absence),
        };
        if failed.is_some() {
            return failed;
        }
    }
    let failures: Option<Vec<_>> = fields.any_of.iter().map(|one| failure(one, path, view, absence)).collect();
    let failures = failures.filter(|failures| !failures.is_empty())?;
    let more = if failures.len() > MAX_SHOWN { ", …" } else { "" };
    let shown: Vec<_> = failures.into_iter().take(MAX_SHOWN).map(|failure| format!("({failure})")).collect();
    Some(format!("no alternative of $or passes: {}{more}", shown.join(", ")))
}

fn field_failure(path: &[&str], tests: &[ValuePattern], view: &EventView<'_>, absence: Absence) -> Option<String> {
    let mut found = ValuesAtPath::default();
    let mut passed = false;
    visit_values(ObjectView::Event(view), path, &mut |slot| {
        slot.any_leaf(&mut |leaf| {
            passed |= leaf.passes_one(tests);
            found.leaf(leaf);
            false
        });
        found.objects |= slot.any_object(&mut |_| true);
    });
    let absent = || match absence {
        Absence::InSomeObject => can_be_absent(ObjectView::Event(view), path),
        Absence::Everywhere => found.leaves == 0,
    };
    if passed || (is_absentable(tests) && absent()) {
        return None;
    }
    let wanted: Vec<_> = tests.iter().map(|test| test.to_json().to_string()).collect();
    let one_of = if tests.len() > 1 { "one of " } else { "" };
    let wanted = truncate(&wanted.join(", "), MAX_CHARS);
    let mut reason = format!("{} is {}, wanted {one_of}{wanted}", path.join("."), found.in_words());
    if found.leaves == 0 && !found.objects {
        let mut names = Vec::new();
        if find_other_spelling(ObjectView::Event(view), &path.join("."), path, &mut names) {
            let pattern = names.iter().rev().fold("[…]".to_owned(), |inner, name| format!("{{{name:?}:{inner}}}"));
            let hint = format!(" (a dot is part of a name: write {})", truncate(&pattern, MAX_CHARS));
            reason.push_str(&hint);
        }
    }
    Some(reason)
}

/// Whether the event has a value whose names, joined with dots, are `rest`, but which are other names than those of
/// `path`: `["geo", "country"]` for `["geo.country"]`. `names` are then these names.
fn find_other_spelling(holder: ObjectView<'_>, rest: &str, path: &[&str], names: &mut Vec<String>) -> bool {
    let keys: Vec<&str> = match holder {
        ObjectView::Event(_) => EVENT_KEYS.to_vec(),
        ObjectView::Object(object) => object.keys().map(String::as_str).collect(),
    };
    for key in keys {
        let Some(below) = rest.strip_prefix(key) else { continue };
        let Some(slot) = holder.get(key) else { continue };
        names.push(key.to_owned());
        let found = match below.strip_prefix('.') {
            None => below.is_empty() && names.iter().ne(path),
            Some(below) => {
                slot.any_object(&mut |object| find_other_spelling(ObjectView::Object(object), below, path, names))
            }
        };
        if found {
            return true;
        }
        names.pop();
    }
    false
}

fn can_be_absent(holder: ObjectView<'_>, path: &[&str]) -> bool {
    let Some((key, rest)) = path.split_first() else { return false };
    let Some(slot) = holder.get(key) else { return true };
    if rest.is_empty() {
        return !slot.any_leaf(&mut |_| true);
    }
    !slot.any_object(&mut |_| true) || slot.any_object(&mut |object| can_be_absent(ObjectView::Object(object), rest))
}

/// Calls `found` with the value at the path in every object of every list on the way.
fn visit_values<'a>(holder: ObjectView<'a>, path: &[&str], found: &mut dyn FnMut(&FieldValue<'a>)) {
    let Some((key, rest)) = path.split_first() else { return };
    let Some(slot) = holder.get(key) else { return };
    if rest.is_empty() {
        found(&slot);
        return;
    }
    slot.any_object(&mut |object| {
        visit_values(ObjectView::Object(object), rest, found);
        false
    });
}

/// The values of the event at one path.
#[derive(Default)]
struct ValuesAtPath {
    leaves: usize,
    shown: Vec<String>,
    objects: bool,
}

impl ValuesAtPath {
    fn leaf(&mut self, leaf: Leaf<'_>) {
        self.leaves += 1;
        if self.shown.len() < MAX_SHOWN {
            let value = match leaf {
                Leaf::Null => Value::Null,
                Leaf::Boolean(value) => Value::Bool(value),
                Leaf::Number(number) => Value::Number(number.clone()),
                Leaf::Text(text) => Value::String(truncate(text, MAX_CHARS)),
                Leaf::Address(address) => Value::String(address.to_string()),
            };
            self.shown.push(value.to_string());
        }
    }

    /// The values in words: `missing`, `an object`, `"a"`, or `each of "a", "b", …`.
    fn in_words(&self) -> String {
        match self.shown.as_slice() {
            [] if self.objects => "an object".to_owned(),
            [] => "missing".to_owned(),
            [only] if self.leaves == 1 => only.clone(),
            shown => {
                let more = if self.leaves > MAX_SHOWN { ", …" } else { "" };
                format!("each of {}{more}", shown.join(", "))
            }
        }
    }
}

/// The innermost object whose fields pass one by one, but not together.
fn joint_failure(root: &ObjectPattern, view: &EventView<'_>) -> String {
    let mut path: Vec<&str> = Vec::new();
    let mut fields = root;
    let fails_alone = |path: &[&str], fields: &ObjectPattern| {
        let alone = path.iter().rev().fold(fields.clone(), |inner, key| ObjectPattern {
            fields: vec![((*key).to_owned(), FieldPattern::Object(inner))],
            any_of: Vec::new(),
        });
        !TreeMatcher::compile_fields(&alone).matches(view)
    };
    'deeper: loop {
        for (name, field) in &fields.fields {
            let FieldPattern::Object(below) = field else { continue };
            path.push(name);
            if fails_alone(&path, below) {
                fields = below;
                continue 'deeper;
            }
            path.pop();
        }
        break;
    }
    match path.as_slice() {
        [] => "every field passes by itself, but no single object of a list passes all of them".to_owned(),
        path => format!("no single object at {} passes all fields", path.join(".")),
    }
}

/// Adds the path of every field with tests; `$or` counts as one path.
fn collect_paths<'p>(fields: &'p ObjectPattern, path: &mut Vec<&'p str>, paths: &mut Vec<String>) {
    for (name, field) in &fields.fields {
        path.push(name);
        match field {
            FieldPattern::Object(inner) => collect_paths(inner, path, paths),
            FieldPattern::Value(_) => paths.push(path.join(".")),
        }
        path.pop();
    }
    if !fields.any_of.is_empty() {
        path.push("$or");
        paths.push(path.join("."));
        path.pop();
    }
}
