//! Finds bodies that return a function instead of calling it. Such a policy would pass every event.
//!
//! Owns the cases that can be recognised statically. The others raise when the function is returned.

use ruff_python_ast::visitor::{Visitor, walk_stmt};
use ruff_python_ast::{Expr, Stmt, StmtReturn};
use ruff_text_size::{Ranged, TextRange};

use crate::precondition::NameBindings;

/// Functions that are defined by Python code of the prelude and not by the host.
const PRELUDE_FUNCTIONS: [&str; 3] = ["ip_address", "ip_network", "list_flatten"];

/// The first expression that certainly returns a function. `helpers` are the names of the host functions.
pub(crate) fn find(body: &[Stmt], helpers: &[&str]) -> Option<TextRange> {
    let mut bindings = NameBindings::default();
    bindings.visit_body(body);
    let own = body.iter().filter_map(Stmt::as_function_def_stmt).map(|function| function.name.as_str());
    let own: Vec<&str> = own.filter(|name| bindings.count(name) == 1).collect();
    let is_function = |name: &str| {
        own.contains(&name)
            || ((helpers.contains(&name) || PRELUDE_FUNCTIONS.contains(&name)) && bindings.count(name) == 0)
    };
    let mut returns = ReturnStatements::default();
    returns.visit_body(body);
    returns.0.into_iter().find_map(|returned| match returned.value.as_deref()? {
        lambda @ Expr::Lambda(_) => Some(lambda.range()),
        Expr::Name(name) => is_function(&name.id).then(|| name.range()),
        _ => None,
    })
}

/// The return statements of the body itself, without those of nested functions.
#[derive(Default)]
struct ReturnStatements<'a>(Vec<&'a StmtReturn>);

impl<'a> Visitor<'a> for ReturnStatements<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Return(returned) => self.0.push(returned),
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            _ => walk_stmt(self, statement),
        }
    }
}
