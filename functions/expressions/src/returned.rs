//! Bodies that return a function instead of what it says: a call that was forgotten. Such a policy would pass every
//! event.
//!
//! Owns what can be told of that beforehand; what cannot raises when it is returned.

use ruff_python_ast::visitor::{Visitor, walk_stmt};
use ruff_python_ast::{Expr, Stmt, StmtReturn};
use ruff_text_size::{Ranged, TextRange};

use crate::precondition::Bindings;

/// What is always there to be called, besides what the host answers.
const CALLED: [&str; 3] = ["ip_address", "ip_network", "list_flatten"];

/// Where a body returns a function, for sure. `helpers` are the names of the host's.
pub(crate) fn function(body: &[Stmt], helpers: &[&str]) -> Option<TextRange> {
    let mut bindings = Bindings::default();
    bindings.visit_body(body);
    let own = body.iter().filter_map(Stmt::as_function_def_stmt).map(|function| function.name.as_str());
    let own: Vec<&str> = own.filter(|name| bindings.count(name) == 1).collect();
    let is_function = |name: &str| {
        own.contains(&name) || ((helpers.contains(&name) || CALLED.contains(&name)) && bindings.count(name) == 0)
    };
    let mut returns = Returns::default();
    returns.visit_body(body);
    returns.0.into_iter().find_map(|returned| match returned.value.as_deref()? {
        lambda @ Expr::Lambda(_) => Some(lambda.range()),
        Expr::Name(name) => is_function(&name.id).then(|| name.range()),
        _ => None,
    })
}

/// The body's own.
#[derive(Default)]
struct Returns<'a>(Vec<&'a StmtReturn>);

impl<'a> Visitor<'a> for Returns<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Return(returned) => self.0.push(returned),
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            _ => walk_stmt(self, statement),
        }
    }
}
