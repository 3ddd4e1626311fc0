//! The pattern language implemented directly from its definition, on plain JSON and without optimisation.
//!
//! An event is a list of leaves, each with its path and the objects of lists that it lies in. A pattern is
//! a list of combinations without `$or`, each a list of paths with tests. It admits an event if for one
//! combination a leaf can be found for every path, no two of them in different objects of one list.

#![expect(clippy::float_cmp, reason = "numbers are equal or not; the tests have none that rounding could part")]

use std::net::IpAddr;

use ipnet::IpNet;
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};
use serde_json::{Map, Value};

/// One leaf of an event.
#[derive(Debug)]
struct Leaf<'e> {
    path: Vec<&'e str>,
    /// (where a list is, which of its items)
    memberships: Vec<(String, usize)>,
    value: &'e Value,
}

/// One path of a combination with its tests.
type Clause<'p> = (Vec<&'p str>, &'p Vec<Value>);

pub(crate) fn admits(pattern: &Value, event: &Value) -> bool {
    let mut leaves = Vec::new();
    flatten(event, &[], &[], &[], &mut leaves);
    combinations(pattern.as_object().unwrap(), &[]).iter().any(|clauses| search(clauses, &leaves, &[], &[]))
}

/// `picked` are the items of lists that the value's object lies in; `passed` are those since that object,
/// in which the value lies as well if it is an object itself.
fn flatten<'e>(
    value: &'e Value,
    path: &[&'e str],
    picked: &[(String, usize)],
    passed: &[(String, usize)],
    leaves: &mut Vec<Leaf<'e>>,
) {
    match value {
        Value::Object(object) => {
            let picked = [picked, passed].concat();
            for (key, value) in object {
                flatten(value, &[path, &[key.as_str()]].concat(), &picked, &[], leaves);
            }
        }
        Value::Array(items) => {
            // The way to a list is its name.
            let list = format!("{path:?}{picked:?}{passed:?}");
            for (at, item) in items.iter().enumerate() {
                flatten(item, path, picked, &[passed, &[(list.clone(), at)]].concat(), leaves);
            }
        }
        leaf => leaves.push(Leaf { path: path.to_vec(), memberships: picked.to_vec(), value: leaf }),
    }
}

fn combinations<'p>(fields: &'p Map<String, Value>, path: &[&'p str]) -> Vec<Vec<Clause<'p>>> {
    let mut all: Vec<Vec<Clause<'p>>> = vec![Vec::new()];
    for (key, value) in fields {
        let deeper = [path, &[key.as_str()]].concat();
        let these = match value {
            Value::Array(alternatives) if key == "$or" => {
                alternatives.iter().flat_map(|one| combinations(one.as_object().unwrap(), path)).collect()
            }
            Value::Array(tests) => vec![vec![(deeper, tests)]],
            Value::Object(inner) => combinations(inner, &deeper),
            _ => panic!("{value}"),
        };
        all = all.iter().flat_map(|one| these.iter().map(|other| [&one[..], other].concat())).collect();
    }
    all
}

/// Whether leaves can be found for all clauses; `absent` are the paths at which nothing shall be.
fn search(clauses: &[Clause<'_>], leaves: &[Leaf<'_>], picked: &[(String, usize)], absent: &[&[&str]]) -> bool {
    let consistent = |leaf: &Leaf<'_>| {
        leaf.memberships.iter().all(|(list, at)| picked.iter().all(|(other, item)| list != other || at == item))
    };
    let Some(((path, tests), rest)) = clauses.split_first() else {
        return absent.iter().all(|path| !leaves.iter().any(|leaf| leaf.path == *path && consistent(leaf)));
    };
    let found = leaves.iter().filter(|leaf| leaf.path == *path && consistent(leaf)).any(|leaf| {
        tests.iter().any(|test| passes(leaf.value, test))
            && search(rest, leaves, &[picked, &leaf.memberships].concat(), absent)
    });
    found
        || (tests.iter().any(|test| test["exists"] == false)
            && search(rest, leaves, picked, &[absent, &[path]].concat()))
}

fn passes(value: &Value, test: &Value) -> bool {
    let Some(operator) = test.as_object() else { return equal(value, test) };
    let (name, operand) = operator.iter().next().unwrap();
    if name == "exists" {
        return operand == true;
    }
    if name == "anything-but" {
        let excluded = |operand: &Value| match operand {
            Value::Object(_) => each(operand.as_object().unwrap().values().next().unwrap())
                .iter()
                .any(|one| text_passes(value, operand.as_object().unwrap().keys().next().unwrap(), one)),
            plain => each(plain).iter().any(|one| equal(value, one)),
        };
        return !excluded(operand);
    }
    if name == "numeric" {
        return value.as_f64().is_some_and(|number| {
            operand.as_array().unwrap().chunks(2).all(|pair| {
                let limit = pair[1].as_f64().unwrap();
                match pair[0].as_str().unwrap() {
                    "=" => number == limit,
                    "<" => number < limit,
                    "<=" => number <= limit,
                    ">" => number > limit,
                    _ => number >= limit,
                }
            })
        });
    }
    text_passes(value, name, operand)
}

fn each(operand: &Value) -> Vec<Value> {
    operand.as_array().cloned().unwrap_or_else(|| vec![operand.clone()])
}

fn equal(value: &Value, wanted: &Value) -> bool {
    match (value.as_f64(), wanted.as_f64()) {
        (Some(one), Some(other)) if value.is_f64() || wanted.is_f64() => one == other,
        _ => value == wanted,
    }
}

fn text_passes(value: &Value, name: &str, operand: &Value) -> bool {
    let Some(text) = value.as_str() else { return false };
    if let Some(ignoring) = operand.as_object() {
        let folded = Value::String(folded(text));
        let passes =
            |wanted: &Value| text_passes(&folded, name, &Value::String(self::folded(wanted.as_str().unwrap())));
        return each(&ignoring["equals-ignore-case"]).iter().any(passes);
    }
    let wanted = operand.as_str().unwrap();
    match name {
        "exactly" => text == wanted,
        "prefix" => text.starts_with(wanted),
        "suffix" => text.ends_with(wanted),
        "equals-ignore-case" => folded(text) == folded(wanted),
        "wildcard" => fits(&text.chars().collect::<Vec<_>>(), &wanted.chars().collect::<Vec<_>>()),
        "cidr" => text.parse::<IpAddr>().is_ok_and(|address| wanted.parse::<IpNet>().unwrap().contains(&address)),
        other => panic!("{other}"),
    }
}

/// The text with each character replaced by the first one that differs from it only in case.
fn folded(text: &str) -> String {
    let first = |character: char| {
        if character.is_ascii() {
            return character.to_ascii_uppercase();
        }
        let mut class = ClassUnicode::new([ClassUnicodeRange::new(character, character)]);
        class.case_fold_simple();
        class.ranges()[0].start()
    };
    text.chars().map(first).collect()
}

fn fits(text: &[char], wildcard: &[char]) -> bool {
    match wildcard {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|skipped| fits(&text[skipped..], rest)),
        ['\\', escaped, rest @ ..] => text.first() == Some(escaped) && fits(&text[1..], rest),
        [plain, rest @ ..] => text.first() == Some(plain) && fits(&text[1..], rest),
    }
}
