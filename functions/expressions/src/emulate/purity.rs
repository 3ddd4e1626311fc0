//! Whether an expression can run where the interpreter cannot ask the host: in an iterator, or in the `key` of a sort.
//!
//! Owns what counts as asking the host: attributes of objects, calls of its functions, and calls of what is not known.

use std::collections::HashSet;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, Stmt, StmtFunctionDef};

use super::is_method;

/// Built-ins that never ask the host.
const PURE: [&str; 30] = [
    "len",
    "str",
    "int",
    "float",
    "bool",
    "list",
    "tuple",
    "dict",
    "set",
    "frozenset",
    "sorted",
    "sum",
    "min",
    "max",
    "any",
    "all",
    "abs",
    "round",
    "isinstance",
    "range",
    "enumerate",
    "zip",
    "repr",
    "ord",
    "chr",
    "reversed",
    "divmod",
    "pow",
    "bin",
    "hex",
];

/// Methods for which the prelude asks the host, at least about texts outside ASCII.
const ASKING_METHODS: [&str; 17] = [
    "casefold",
    "title",
    "capitalize",
    "swapcase",
    "isalpha",
    "isalnum",
    "isdecimal",
    "isdigit",
    "isnumeric",
    "isidentifier",
    "isprintable",
    "islower",
    "isupper",
    "istitle",
    "splitlines",
    "encode",
    "decode",
];

fn is_pure_method(name: &str) -> bool {
    is_method(name) && !ASKING_METHODS.contains(&name)
}

/// The functions of a body that never ask the host, by name.
pub(super) fn functions(body: &[Stmt], bound: &HashSet<String>) -> HashSet<String> {
    let mut found = FindFunctions(Vec::new());
    found.visit_body(body);
    let mut pure: HashSet<String> = found.0.iter().map(|function| function.name.to_string()).collect();
    // A function that calls one that asks the host does so too.
    loop {
        let asking: Vec<&str> = found
            .0
            .iter()
            .filter(|function| pure.contains(function.name.as_str()))
            .filter(|function| {
                let mut search = HostAccess { pure: &pure, bound, found: false };
                search.visit_body(&function.body);
                search.found
            })
            .map(|function| function.name.as_str())
            .collect();
        if asking.is_empty() {
            return pure;
        }
        for name in asking {
            pure.remove(name);
        }
    }
}

/// Whether the expression, used as a function or evaluated, never asks the host.
pub(super) fn is_pure(expression: &Expr, pure: &HashSet<String>, bound: &HashSet<String>) -> bool {
    let mut search = HostAccess { pure, bound, found: false };
    search.visit_expr(expression);
    !search.found
}

/// Whether the expression is a function that never asks the host.
pub(super) fn is_pure_function(expression: &Expr, pure: &HashSet<String>, bound: &HashSet<String>) -> bool {
    match expression {
        Expr::Name(name) => is_known(&name.id, pure, bound),
        Expr::Attribute(method) => is_pure_method(&method.attr) && is_pure(&method.value, pure, bound),
        Expr::Lambda(lambda) => is_pure(&lambda.body, pure, bound),
        Expr::NoneLiteral(_) => true,
        _ => false,
    }
}

fn is_known(name: &str, pure: &HashSet<String>, bound: &HashSet<String>) -> bool {
    // To make an exception asks nobody.
    let is_pure = PURE.contains(&name) || name.ends_with("Error") || matches!(name, "Exception" | "StopIteration");
    pure.contains(name) || (is_pure && !bound.contains(name))
}

struct HostAccess<'s> {
    pure: &'s HashSet<String>,
    bound: &'s HashSet<String>,
    found: bool,
}

impl<'a> Visitor<'a> for HostAccess<'_> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Attribute(_) => self.found = true,
            Expr::Call(call) => {
                match &*call.func {
                    Expr::Name(name) => self.found |= !is_known(&name.id, self.pure, self.bound),
                    Expr::Attribute(method) if is_pure_method(&method.attr) => self.visit_expr(&method.value),
                    _ => self.found = true,
                }
                self.visit_arguments(&call.arguments);
                return;
            }
            _ => {}
        }
        walk_expr(self, expression);
    }
}

struct FindFunctions<'a>(Vec<&'a StmtFunctionDef>);

impl<'a> Visitor<'a> for FindFunctions<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if let Stmt::FunctionDef(function) = statement {
            self.0.push(function);
        }
        walk_stmt(self, statement);
    }
}
