//! What can be said of a policy's body without running it: what an event must have for the body to do
//! anything but say no.
//!
//! Owns the derivation. It may leave conditions out, but every one that it states must be kept: of an event
//! that lacks it, the body returns nothing true, and raises, says, logs and creates nothing before it
//! does. A body that raises is thus never passed over.
//!
//! # How it works
//!
//! [`Reach`] is what an event must have for something to *happen*: for a body, anything but a silent no;
//! for a condition, that it is true ([`Truth::yes`]) or that it is false ([`Truth::no`]); whoever does not
//! have it gets the opposite, silently. A condition that can raise is not [`Truth::safe`]: what is evaluated
//! behind it can no longer be relied on. What is not understood could do anything.
//!
//! Statements are walked from the last to the first, each being told what follows it. Names stand for the
//! event only where they are bound once, at the top, before they are used.

mod condition;
mod reach;

use std::collections::HashMap;

use domain::rules_document::Precondition;
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{ElifElseClause, Expr, Stmt};
use ruff_text_size::{Ranged, TextSize};

use condition::{Conditions, Truth};
use reach::Reach;

/// What is read off a policy's statements.
pub(crate) fn of(body: &[Stmt]) -> Precondition {
    let mut bindings = Bindings::default();
    bindings.visit_body(body);
    // What the body calls by these names is not what it means then.
    if ["request", "context", "ip_address", "ip_network", "ak_client_ip"].iter().any(|name| bindings.count(name) > 0) {
        return Precondition::default();
    }
    let conditions = Conditions { events: aliases(body, &bindings) };
    block(body, &Reach::Never, &conditions).into_precondition()
}

/// How often each name is bound, wherever.
#[derive(Default)]
pub(crate) struct Bindings(HashMap<String, usize>);

impl Bindings {
    pub(crate) fn count(&self, name: &str) -> usize {
        self.0.get(name).copied().unwrap_or_default()
    }

    fn bind(&mut self, name: &str) {
        *self.0.entry(name.to_owned()).or_default() += 1;
    }
}

impl<'a> Visitor<'a> for Bindings {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                self.bind(&function.name);
                function.parameters.iter().for_each(|parameter| self.bind(parameter.name()));
            }
            Stmt::ClassDef(class) => self.bind(&class.name),
            Stmt::Import(import) => {
                import.names.iter().for_each(|alias| self.bind(alias.asname.as_ref().unwrap_or(&alias.name)));
            }
            Stmt::ImportFrom(import) => {
                import.names.iter().for_each(|alias| self.bind(alias.asname.as_ref().unwrap_or(&alias.name)));
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Name(name) = expression
            && !name.ctx.is_load()
        {
            self.bind(&name.id);
        }
        if let Expr::Lambda(lambda) = expression {
            lambda.parameters.iter().flat_map(|all| all.iter()).for_each(|parameter| self.bind(parameter.name()));
        }
        walk_expr(self, expression);
    }

    fn visit_except_handler(&mut self, handler: &'a ruff_python_ast::ExceptHandler) {
        let ruff_python_ast::ExceptHandler::ExceptHandler(one) = handler;
        one.name.iter().for_each(|name| self.bind(name));
        ruff_python_ast::visitor::walk_except_handler(self, handler);
    }
}

/// Names that stand for the event, from where on.
fn aliases(body: &[Stmt], bindings: &Bindings) -> HashMap<String, TextSize> {
    let none = Conditions { events: HashMap::new() };
    let assigned = body.iter().filter_map(|statement| match statement {
        Stmt::Assign(assign) => match (&*assign.targets, &*assign.value) {
            ([Expr::Name(name)], value) if none.is_event(value) => Some((name.id.to_string(), statement.end())),
            _ => None,
        },
        _ => None,
    });
    assigned.filter(|(name, _)| bindings.count(name) == 1).collect()
}

/// What an event must have for these statements, and then what comes `after` them, to do anything.
fn block(statements: &[Stmt], after: &Reach, conditions: &Conditions) -> Reach {
    statements.iter().rev().fold(after.clone(), |after, statement| one(statement, &after, conditions))
}

fn one(statement: &Stmt, after: &Reach, conditions: &Conditions) -> Reach {
    match statement {
        Stmt::Return(returned) => returned.value.as_ref().map_or(Reach::Never, |value| conditions.truth(value).yes),
        Stmt::Pass(_) => after.clone(),
        Stmt::Expr(expression) if expression.value.is_literal_expr() => after.clone(),
        Stmt::Assign(assign) if matches!(&*assign.targets, [Expr::Name(_)]) && conditions.truth(&assign.value).safe => {
            after.clone()
        }
        Stmt::If(branch) => {
            let otherwise = branches(&branch.elif_else_clauses, after, conditions);
            choice(&conditions.truth(&branch.test), &block(&branch.body, after, conditions), &otherwise)
        }
        _ => Reach::Any,
    }
}

fn branches(clauses: &[ElifElseClause], after: &Reach, conditions: &Conditions) -> Reach {
    clauses.iter().rev().fold(after.clone(), |otherwise, clause| {
        let body = block(&clause.body, after, conditions);
        match &clause.test {
            Some(test) => choice(&conditions.truth(test), &body, &otherwise),
            None => body,
        }
    })
}

/// Of `if test: body`, else `otherwise`.
fn choice(test: &Truth, body: &Reach, otherwise: &Reach) -> Reach {
    if test.safe {
        // It goes one way or the other.
        return test.yes.clone().and(body).or(&test.no.clone().and(otherwise));
    }
    // It may raise, unless the event lacks what makes it true, or what makes it false.
    test.yes.clone().or(otherwise).and(&test.no.clone().or(body))
}
