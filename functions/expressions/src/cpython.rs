//! What CPython 3.11 has: the attributes of its built-in types, of the modules that bodies may import, and the
//! built-ins.
//!
//! Owns the table, which CPython printed. A body that asks for something in it that the interpreter lacks gets an error
//! that says so, instead of one that calls the name unknown.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Methods that neither the interpreter nor the prelude has.
const LACKING: [(&str, &str); 10] = [
    ("bytes", "expandtabs"),
    ("bytes", "maketrans"),
    ("bytes", "translate"),
    ("float", "as_integer_ratio"),
    ("float", "fromhex"),
    ("float", "hex"),
    ("int", "as_integer_ratio"),
    ("bool", "as_integer_ratio"),
    ("range", "count"),
    ("range", "index"),
];

static TABLE: LazyLock<HashMap<&'static str, HashSet<&'static str>>> = LazyLock::new(|| {
    include_str!("cpython.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(": "))
        .map(|(owner, names)| (owner, names.split(' ').collect()))
        .collect()
});

/// Whether CPython's type, such as `str` or `datetime.date`, has the attribute.
pub(crate) fn type_has(of: &str, attribute: &str) -> bool {
    let has = |of: &str| TABLE.get(of).is_some_and(|names| names.contains(attribute));
    has(of) || has(&format!("datetime.{of}")) || has(&format!("re.{of}"))
}

/// Whether CPython's module has the attribute.
pub(crate) fn module_has(module: &str, attribute: &str) -> bool {
    TABLE.get(format!("module {module}").as_str()).is_some_and(|names| names.contains(attribute))
}

/// The built-in types that have an attribute of this name here too, of those that a body can name.
pub(crate) fn types_with(attribute: &str) -> Vec<&'static str> {
    const NAMED: [&str; 11] =
        ["str", "bytes", "int", "float", "bool", "list", "tuple", "dict", "set", "frozenset", "range"];
    NAMED.into_iter().filter(|of| type_has(of, attribute) && !LACKING.contains(&(*of, attribute))).collect()
}
