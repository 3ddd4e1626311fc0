//! Closed Python expressions that stand for an expression of a body: they have the same value, or a value of the same
//! type.
//!
//! Owns how to ask the sandbox about such a value. Contains nothing of the author's but names.

use domain::expression::ExpressionKind;

use super::probe;

/// The built-in types that can be called by name.
const TYPES: [&str; 9] = ["str", "bytes", "int", "float", "bool", "list", "dict", "set", "tuple"];

/// What each constructor returns.
const RETURNED: [(&str, &str, &[&str]); 23] = [
    ("str", "str", &["''"]),
    ("bytes", "bytes", &["b''"]),
    ("int", "int", &["(0)"]),
    ("float", "float", &["(0.0)"]),
    ("bool", "bool", &["True"]),
    ("list", "list", &["[]"]),
    ("dict", "dict", &["{}"]),
    ("set", "set", &["{0}"]),
    ("tuple", "tuple", &["()"]),
    ("datetime.datetime", "datetime.datetime", &["datetime.datetime(2000, 1, 1)"]),
    ("datetime.datetime.now", "datetime.datetime", &["datetime.datetime(2000, 1, 1)"]),
    ("datetime.datetime.utcnow", "datetime.datetime", &["datetime.datetime(2000, 1, 1)"]),
    ("datetime.datetime.fromisoformat", "datetime.datetime", &["datetime.datetime(2000, 1, 1)"]),
    ("datetime.datetime.fromtimestamp", "datetime.datetime", &["datetime.datetime(2000, 1, 1)"]),
    ("datetime.datetime.strptime", "datetime.datetime", &["datetime.datetime(2000, 1, 1)"]),
    ("datetime.date", "datetime.date", &["datetime.date(2000, 1, 1)"]),
    ("datetime.time", "datetime.time", &["datetime.time(0, 0)"]),
    ("datetime.timedelta", "datetime.timedelta", &["datetime.timedelta(0)"]),
    ("re.compile", "re.Pattern", &["re.compile('')"]),
    ("ip_address", "ip_address(…)", &["ip_address('127.0.0.1')", "ip_address('::1')"]),
    ("ipaddress.ip_address", "ip_address(…)", &["ipaddress.ip_address('127.0.0.1')", "ipaddress.ip_address('::1')"]),
    ("ip_network", "ip_network(…)", &["ip_network('127.0.0.0/8')", "ip_network('::/0')"]),
    ("ipaddress.ip_network", "ip_network(…)", &["ipaddress.ip_network('127.0.0.0/8')", "ipaddress.ip_network('::/0')"]),
];

/// What methods return, by the type of the value that has them.
const METHODS: [(&str, &[&str], &str, &str); 14] = [
    (
        "str",
        &[
            "lower",
            "upper",
            "strip",
            "lstrip",
            "rstrip",
            "replace",
            "title",
            "capitalize",
            "casefold",
            "swapcase",
            "format",
            "join",
            "removeprefix",
            "removesuffix",
            "zfill",
            "ljust",
            "rjust",
            "center",
            "expandtabs",
        ],
        "str",
        "''",
    ),
    ("str", &["split", "rsplit", "splitlines"], "list", "[]"),
    ("str", &["partition", "rpartition"], "tuple", "()"),
    ("str", &["encode"], "bytes", "b''"),
    ("str", &["startswith", "endswith", "isdigit", "isalpha", "isalnum", "isupper", "islower"], "bool", "True"),
    ("str", &["find", "rfind", "index", "rindex", "count"], "int", "(0)"),
    ("bytes", &["decode", "hex"], "str", "''"),
    ("list", &["copy"], "list", "[]"),
    ("list", &["count", "index"], "int", "(0)"),
    ("dict", &["copy"], "dict", "{}"),
    ("datetime.datetime", &["isoformat", "strftime"], "str", "''"),
    ("datetime.datetime", &["timestamp"], "float", "(0.0)"),
    ("datetime.datetime", &["weekday", "isoweekday", "toordinal"], "int", "(0)"),
    ("datetime.timedelta", &["total_seconds"], "float", "(0.0)"),
];

/// Objects of many types, to ask whether any object has an attribute.
const OBJECTS: [&str; 10] =
    ["''", "(0)", "[]", "{}", "None", "ValueError('')", "(lambda: 0)", "Class", "Class()", "request"];
const CLASS: &str = "class Class:\n    def __init__(self):\n        self.x = 1\n";

/// Closed expressions for one expression of a body.
#[derive(Debug, Clone)]
pub(super) struct Witness {
    /// What is shown to the author: `re.compile`, or the type of a value.
    label: String,
    /// The module that the values need; empty if they need none.
    module: String,
    /// One expression, or several if the type has variants.
    values: Vec<String>,
    /// Whether the members of the value are values of their own: those of a module or class.
    is_namespace: bool,
}

impl Witness {
    pub(super) fn module(name: &str) -> Self {
        Self { label: name.to_owned(), module: name.to_owned(), values: vec![name.to_owned()], is_namespace: true }
    }

    pub(super) fn literal(label: &str, value: &str) -> Self {
        Self { label: label.to_owned(), module: String::new(), values: vec![value.to_owned()], is_namespace: false }
    }

    /// A name of the sandbox whose meaning is certain; `None` for others.
    pub(super) fn builtin(name: &str) -> Option<Self> {
        let is_known = TYPES.contains(&name) || ["ip_address", "ip_network", "ak_logger"].contains(&name);
        is_known.then(|| Self { is_namespace: true, ..Self::literal(name, name) })
    }

    /// The member of a value.
    pub(super) fn member(&self, name: &str) -> Self {
        let join = |owner: &String| format!("{owner}.{name}");
        Self {
            label: join(&self.label),
            module: self.module.clone(),
            values: self.values.iter().map(join).collect(),
            is_namespace: self.is_namespace,
        }
    }

    /// The value, if its members are known one by one.
    pub(super) fn namespace(self) -> Option<Self> {
        Some(self).filter(|witness| witness.is_namespace)
    }

    /// What a call of the value returns; `None` if that is not known.
    pub(super) fn called(&self) -> Option<Self> {
        let (_, label, values) = RETURNED.iter().find(|(function, ..)| *function == self.label)?;
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Some(Self { label: (*label).to_owned(), module: self.module.clone(), values, is_namespace: false })
    }

    /// What a method of the value returns, or a function of the module or class; `None` if that is not known.
    pub(super) fn method_called(&self, name: &str) -> Option<Self> {
        if self.is_namespace {
            return self.member(name).called();
        }
        let is_method = |method: &&(&str, &[&str], &str, &str)| method.0 == self.label && method.1.contains(&name);
        METHODS.iter().find(is_method).map(|(.., label, value)| Self::literal(label, value))
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// One value that needs no module.
    pub(super) fn closed(&self) -> Option<&str> {
        self.values.first().filter(|_| self.module.is_empty()).map(String::as_str)
    }

    /// Whether the sandbox has no such value.
    pub(super) fn is_missing(&self, kind: ExpressionKind) -> bool {
        self.values.iter().all(|value| self.raises(value, kind))
    }

    /// Whether the sandbox has nothing to call there.
    pub(super) fn is_missing_call(&self, kind: ExpressionKind) -> bool {
        self.values.iter().all(|value| self.raises(&format!("{value}()"), kind))
    }

    /// Whether `from module import name` fails.
    pub(super) fn is_missing_import(&self, name: &str, kind: ExpressionKind) -> bool {
        is_missing(&format!("from {} import {name}", self.module), kind)
    }

    fn raises(&self, value: &str, kind: ExpressionKind) -> bool {
        let body = if self.module.is_empty() { value.to_owned() } else { format!("import {}\n{value}", self.module) };
        is_missing(&body, kind)
    }
}

/// Whether no object of any type has this attribute.
pub(super) fn is_unknown_everywhere(name: &str, kind: ExpressionKind) -> bool {
    OBJECTS.iter().all(|object| is_missing(&format!("{CLASS}{object}.{name}"), kind))
}

/// Whether the sandbox lacks something that this body names.
fn is_missing(body: &str, kind: ExpressionKind) -> bool {
    // A syntax error rejects what the interpreter has, but differs from CPython in.
    let absent = ["AttributeError", "ImportError", "ModuleNotFoundError", "NameError", "SyntaxError"];
    probe::exception(body, kind).is_some_and(|raised| absent.contains(&raised.as_str()))
}
