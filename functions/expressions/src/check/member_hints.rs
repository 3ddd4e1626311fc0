//! What to use instead of a member that the sandbox does not have.
//!
//! Owns the wording. `members.txt` lists the members that the sandbox has; a test compares it with the sandbox.

use super::nearest::nearest;
use super::witness::Witness;

/// The members of each module and type, one line each: `math: acos asin …`.
pub(super) const MEMBERS: &str = include_str!("members.txt");
/// The most members to list in a hint.
const MAX_LISTED: usize = 12;

/// The replacements of members that Python has.
pub(super) const REPLACEMENTS: [(&str, &str); 11] = [
    ("collections.OrderedDict", "use a dict, which keeps the order of its keys"),
    ("itertools.groupby", "collect the groups in a dict: groups.setdefault(key, []).append(item)"),
    ("itertools.product", "write a comprehension with two loops: [(a, b) for a in x for b in y]"),
    ("itertools.combinations", "write a comprehension with two loops over the indexes"),
    ("itertools.permutations", "write a comprehension with two loops over the indexes"),
    ("functools.cmp_to_key", "sort by a key: sorted(items, key=lambda item: …)"),
    ("functools.lru_cache", "keep results in a dict"),
    ("functools.cache", "keep results in a dict"),
    ("functools.wraps", "leave it out; it only copies the name of a function"),
    ("math.hypot", "write math.sqrt(x * x + y * y)"),
    ("json.load", "use json.loads with a text; there are no files"),
];

/// The hint for a member that `owner` does not have.
pub(super) fn hint(owner: &Witness, name: &str) -> String {
    let label = owner.label();
    let written = format!("{label}.{name}");
    if let Some((_, instead)) = REPLACEMENTS.iter().find(|(member, _)| *member == written) {
        return (*instead).to_owned();
    }
    if name.starts_with("__") {
        return special(name).to_owned();
    }
    let members: Vec<&str> = members(label).collect();
    if members.contains(&name) {
        return format!("it can only be called on a value; to pass it on, write lambda value: value.{name}()");
    }
    let near = nearest(name, members.iter().copied()).map(|near| format!("did you mean {label}.{near}?"));
    match near {
        Some(near) if label == "dict" => return format!("{near} To read a key, write value[\"{name}\"]"),
        None if label == "dict" => return format!("a dict has keys; write value[\"{name}\"] or value.get(\"{name}\")"),
        Some(near) => return near,
        None => {}
    }
    let more = if members.len() > MAX_LISTED { ", …" } else { "" };
    match members.get(..members.len().min(MAX_LISTED)) {
        Some([]) | None => "use a value that has it".to_owned(),
        Some(first) => format!("{label} has {}{more}", first.join(", ")),
    }
}

/// The hint for an attribute such as `__dict__`, which no object has.
pub(super) fn special(name: &str) -> &'static str {
    match name {
        "__dict__" => "read the attributes by their names",
        _ => "special attributes are not available; use the functions and operators that they stand for",
    }
}

/// The members of a module or type that the sandbox has.
pub(super) fn members(label: &str) -> impl Iterator<Item = &'static str> {
    let line = MEMBERS.lines().find_map(|line| line.split_once(": ").filter(|(owner, _)| *owner == label));
    line.into_iter().flat_map(|(_, members)| members.split(' '))
}
