//! The policies that a body calls by `ak_call_policy` with a name that it writes out.
//!
//! Owns where such a call is found. Says nothing about names that a body computes.

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::Ranged;

use super::body_names::BodyNames;
use super::names::handles;
use crate::source::position;

/// A policy that a body calls by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalledPolicy {
    /// The name of the policy, as the body writes it.
    pub name: String,
    /// The line of the body as written, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
}

/// What the body calls, in the order of the text, without what a handler of the exception surrounds.
pub(super) fn find(text: &str, body: &[Stmt], names: &BodyNames<'_>) -> Vec<CalledPolicy> {
    if names.count("ak_call_policy") > 0 {
        return Vec::new();
    }
    let mut calls = PolicyCalls { text, found: Vec::new() };
    calls.visit_body(body);
    calls.found
}

struct PolicyCalls<'a> {
    text: &'a str,
    found: Vec<CalledPolicy>,
}

impl<'a> Visitor<'a> for PolicyCalls<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        const RAISED: [&str; 3] = ["ValueError", "Exception", "BaseException"];
        match statement {
            // An `except` may be there for a policy that does not exist.
            Stmt::Try(attempt) if attempt.handlers.iter().any(|handler| handles(handler, &RAISED)) => {
                attempt.handlers.iter().for_each(|handler| self.visit_except_handler(handler));
                self.visit_body(&attempt.orelse);
                self.visit_body(&attempt.finalbody);
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Call(call) = expression
            && call.func.as_name_expr().is_some_and(|name| name.id == "ak_call_policy")
            && let Some(Expr::StringLiteral(name)) = call.arguments.find_argument_value("name", 0)
        {
            let (line, column) = position(self.text, name.start());
            self.found.push(CalledPolicy { name: name.value.to_str().to_owned(), line, column });
        }
        walk_expr(self, expression);
    }
}
