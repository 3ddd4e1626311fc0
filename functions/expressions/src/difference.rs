//! Errors that name a difference between CPython and the interpreter.
//!
//! Owns their wording. Without it, an error would say that `str` has no method `format_map`, which is true only here.

use std::fmt::Write as _;

use crate::cpython;

/// What to use instead of syntax that the interpreter does not support, by the beginning of its name for it.
const SYNTAX: [(&str, &str); 17] = [
    ("pattern matching", "use if and elif"),
    ("yield", "use a function that returns a list"),
    ("async", "use a plain function"),
    ("class inheritance", "use a class that keeps an object of the other one"),
    ("method decorators", "use a plain method, or a function outside the class"),
    ("class bodies", "use only methods and variables in a class"),
    ("complex class variable", "use name = value"),
    ("assignment expressions", "use an assignment of its own"),
    ("complex constants", "use two floats"),
    ("exception groups", "use except"),
    ("type aliases", "use no annotation"),
    ("template strings", "use an f-string"),
    ("multiple **kwargs", "use one dict: {**a, **b}"),
    ("the 'del' statement", "use del with names and items, one at a time"),
    ("aliasing a `__future__`", "use the import without as"),
    ("starred", "use a list"),
    ("matrix multiplication", "use a comprehension"),
];

/// The message for syntax that the interpreter does not support.
pub(crate) fn unsupported_syntax(what: &str) -> String {
    let hint = SYNTAX.iter().find(|(of, _)| what.starts_with(of)).map_or("use other syntax", |(_, hint)| hint);
    format!("{what} is not supported by {HERE}; {hint}")
}

/// What every such error says.
const HERE: &str = "Nuncio's Python";

/// What the author may use instead of an attribute, by its name.
const INSTEAD: [(&str, &str); 0] = [];

/// The message of an exception, with the difference named if CPython would not have raised it.
pub(crate) fn named(kind: &str, message: String) -> String {
    if message.contains(HERE) {
        return message;
    }
    let lacking = match kind {
        "AttributeError" => lacking_attribute(&message),
        "ImportError" => lacking_import(&message),
        "NameError" => lacking_name(&message),
        "TypeError" => lacking_operation(&message),
        _ => None,
    };
    match lacking.or_else(|| of_the_interpreter(kind, &message)) {
        Some(what) => with(message, &what),
        None => message,
    }
}

fn with(mut message: String, what: &str) -> String {
    let _ = write!(message, ": {HERE} {what}");
    message
}

/// The texts in single quotes.
fn quoted(message: &str) -> Vec<&str> {
    message.split('\'').skip(1).step_by(2).collect()
}

/// `'str' object has no attribute 'format_map'`, `type object 'dict' has …`, `module 're' has …`.
fn lacking_attribute(message: &str) -> Option<String> {
    if !message.contains("has no attribute") {
        return None;
    }
    let quoted = quoted(message);
    let [owner, attribute, ..] = quoted[..] else { return None };
    if owner == "list" && matches!(attribute, "exists" | "first" | "values_list" | "filter" | "all") {
        return Some(format!("makes a list of groups.filter(…) here; call .{attribute}() right behind it"));
    }
    let is_special = attribute.starts_with("__") || matches!(attribute, "add_note" | "with_traceback");
    if let Some(module) = owner.strip_prefix('_') {
        return cpython::module_has(module, attribute)
            .then(|| format!("has no {module}.{attribute}{}", instead(attribute)));
    }
    let known = if is_special {
        true
    } else if message.starts_with("module") {
        cpython::module_has(owner, attribute)
    } else {
        cpython::type_has(owner, attribute) || (owner == "module" && !attribute.starts_with('_'))
    };
    known.then(|| format!("has no {owner}.{attribute}{}", instead(attribute)))
}

/// `cannot import name 'OrderedDict' from 'collections'`.
fn lacking_import(message: &str) -> Option<String> {
    let quoted = quoted(message);
    let [name, module, ..] = quoted[..] else { return None };
    cpython::module_has(module, name).then(|| format!("has no {module}.{name}{}", instead(name)))
}

/// `name 'memoryview' is not defined`.
fn lacking_name(message: &str) -> Option<String> {
    let quoted = quoted(message);
    let [name, ..] = quoted[..] else { return None };
    cpython::module_has("builtins", name).then(|| format!("has no {name}{}", instead(name)))
}

fn instead(name: &str) -> String {
    INSTEAD.iter().find(|(of, _)| *of == name).map_or_else(String::new, |(_, hint)| format!("; {hint}"))
}

/// What a `TypeError` with one of these parts says about Nuncio's Python.
const OPERATIONS: [(&str, &str); 9] = [
    ("can only concatenate list (not", "does not extend a list like this; use extend(…)"),
    ("dictionary update sequence element", "raises this as a TypeError"),
    ("cannot convert", "makes bytes only of a text or a length; use bytes.fromhex"),
    ("float() argument must be a string or a real number, not 'bytes'", "reads numbers from a str; use decode()"),
    ("must be real number, not int", "calculates this only with integers of up to 64 bits; use float(…)"),
    ("isinstance() arg 2 must be a type", "does not test for classes with isinstance; use callable(…)"),
    ("'float' object cannot be interpreted", "takes only whole numbers here; call timedelta by its name for fractions"),
    ("slice indices must be", "slices only by integers"),
    ("Value after * must be an iterable, not IPv", "does not do this with addresses; use hosts() of a network"),
];
/// Types that CPython hashes and the interpreter does not.
const UNHASHABLE: [&str; 2] = ["(unhashable type: 'dict_values')", "_iterator')"];

/// Operators and protocols that CPython has and the interpreter lacks.
fn lacking_operation(message: &str) -> Option<String> {
    if let Some((_, what)) = OPERATIONS.iter().find(|(part, _)| message.contains(part)) {
        return Some((*what).to_owned());
    }
    if UNHASHABLE.iter().any(|part| message.contains(part)) {
        return Some("does not hash this; use tuple(…) of it".to_owned());
    }
    let types = quoted(message);
    let is_set = |of: &&&str| matches!(**of, "set" | "frozenset" | "dict_keys" | "dict_items");
    let is_address = |of: &&&str| of.starts_with("IPv");
    if types.iter().any(|of| is_address(&of))
        && (message.contains("is not iterable")
            || message.contains("interpreted as an integer")
            || message.contains("a real number is required")
            || message.starts_with("int() argument"))
    {
        return Some("does not do this with addresses; use int(address), or hosts() of a network".to_owned());
    }
    if message.contains("not supported between instances of") {
        if types.iter().filter(|of| is_set(of)).count() == 2 {
            return Some("does not compare sets in a chain; use a.issubset(b)".to_owned());
        }
        if types.iter().any(|of| matches!(*of, "Counter" | "slice")) {
            return Some("does not order these; compare lists of their parts".to_owned());
        }
        if types.iter().filter(|of| is_address(of)).count() == 2 {
            return Some("does not order addresses here; use key=int".to_owned());
        }
        return None;
    }
    if message.starts_with("unsupported operand type(s)") && types.iter().any(|of| of.starts_with("datetime.")) {
        return Some("does not calculate this with dates; use timedelta(…) within the years 1 to 9999".to_owned());
    }
    if message.starts_with("unsupported operand type(s)") && types.contains(&"bool") {
        return Some("does not calculate with bool; use int(…)".to_owned());
    }
    if message.starts_with("unsupported operand type(s)") && types.iter().all(|of| matches!(*of, "int" | "float")) {
        return Some("does not calculate with a float and an integer of more than 64 bits; use float(…)".to_owned());
    }
    None
}

/// Messages with which the interpreter says that it does not have something.
fn of_the_interpreter(kind: &str, message: &str) -> Option<String> {
    let own = kind == "NotImplementedError" && message.contains("does not yet support");
    let own = own
        || message.contains("got an unexpected keyword argument 'parse_")
        || message.contains("got an unexpected keyword argument 'object_")
        || message.contains("got an unexpected keyword argument 'check_circular'");
    let own = own || message.starts_with("pow() 2nd argument cannot be negative");
    let own = own || message.starts_with("cannot create 'object' instances") || message.contains("C ssize_t");
    let own = own || message.starts_with("unknown encoding");
    let own = own || message.contains("not yet supported") || message.contains("Internal error in monty");
    own.then(|| "does not support this".to_owned())
}
