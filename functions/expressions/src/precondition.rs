//! Derives a policy's precondition from its body without running it: conditions on an event without which the body
//! returns a false value and has no effect.
//!
//! Owns the derivation. It may omit conditions, but each condition that it states must be necessary: for an event that
//! does not meet it, the body returns a false value, and before that it raises, logs, reports and creates nothing. Thus
//! a body that raises is always run.
//!
//! # How it works
//!
//! An [`EventSet`] contains at least all events for which something *happens*. For a body, this is anything except a
//! false result without effects. For a condition, it is that the condition is true ([`ConditionResult::yes`]) or that
//! it is false ([`ConditionResult::no`]). For an event outside the set, the opposite holds and nothing else happens. A
//! condition that may raise is not [`ConditionResult::safe`]; nothing can then be derived from the parts that are
//! evaluated after it. Code that is not understood may do anything.
//!
//! The statements are visited from the last to the first, each with the set of what follows it. A name counts as the
//! event only if it is bound exactly once, at the top level, before it is used.

mod condition;
mod event_set;

use std::collections::HashMap;

use domain::rules_document::Precondition;
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{ElifElseClause, Expr, Stmt};
use ruff_text_size::{Ranged, TextSize};

use condition::{ConditionReader, ConditionResult};
use event_set::EventSet;

/// Derives the precondition from the statements of a policy.
pub(crate) fn derive(body: &[Stmt]) -> Precondition {
    let mut bindings = NameBindings::default();
    bindings.visit_body(body);
    // The body redefines one of these names, so that the name no longer has its usual meaning.
    if ["request", "context", "ip_address", "ip_network", "ak_client_ip"].iter().any(|name| bindings.count(name) > 0) {
        return Precondition::default();
    }
    let conditions = ConditionReader { events: aliases(body, &bindings) };
    block(body, &EventSet::Never, &conditions).into_precondition()
}

/// How often each name is bound, anywhere in the body.
#[derive(Default)]
pub(crate) struct NameBindings(HashMap<String, usize>);

impl NameBindings {
    pub(crate) fn count(&self, name: &str) -> usize {
        self.0.get(name).copied().unwrap_or_default()
    }

    fn bind(&mut self, name: &str) {
        *self.0.entry(name.to_owned()).or_default() += 1;
    }
}

impl<'a> Visitor<'a> for NameBindings {
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

/// The names that are bound to the event, each with the position from which on they are.
fn aliases(body: &[Stmt], bindings: &NameBindings) -> HashMap<String, TextSize> {
    let none = ConditionReader { events: HashMap::new() };
    let assigned = body.iter().filter_map(|statement| match statement {
        Stmt::Assign(assign) => match (&*assign.targets, &*assign.value) {
            ([Expr::Name(name)], value) if none.is_event(value) => Some((name.id.to_string(), statement.end())),
            _ => None,
        },
        _ => None,
    });
    assigned.filter(|(name, _)| bindings.count(name) == 1).collect()
}

/// The events for which these statements, followed by `after`, do anything.
fn block(statements: &[Stmt], after: &EventSet, conditions: &ConditionReader) -> EventSet {
    statements.iter().rev().fold(after.clone(), |after, statement| one(statement, &after, conditions))
}

/// The events for which this statement, followed by `after`, does anything.
fn one(statement: &Stmt, after: &EventSet, conditions: &ConditionReader) -> EventSet {
    match statement {
        Stmt::Return(returned) => returned.value.as_ref().map_or(EventSet::Never, |value| conditions.truth(value).yes),
        Stmt::Pass(_) => after.clone(),
        Stmt::Expr(expression) if expression.value.is_literal_expr() => after.clone(),
        Stmt::Assign(assign) if matches!(&*assign.targets, [Expr::Name(_)]) && conditions.truth(&assign.value).safe => {
            after.clone()
        }
        Stmt::If(branch) => {
            let otherwise = branches(&branch.elif_else_clauses, after, conditions);
            choice(&conditions.truth(&branch.test), &block(&branch.body, after, conditions), &otherwise)
        }
        _ => EventSet::Any,
    }
}

fn branches(clauses: &[ElifElseClause], after: &EventSet, conditions: &ConditionReader) -> EventSet {
    clauses.iter().rev().fold(after.clone(), |otherwise, clause| {
        let body = block(&clause.body, after, conditions);
        match &clause.test {
            Some(test) => choice(&conditions.truth(test), &body, &otherwise),
            None => body,
        }
    })
}

/// The events for which `if test: body`, else `otherwise`, does anything.
fn choice(test: &ConditionResult, body: &EventSet, otherwise: &EventSet) -> EventSet {
    if test.safe {
        // Exactly one of the two branches runs.
        return test.yes.clone().and(body).or(&test.no.clone().and(otherwise));
    }
    // The test may raise for any event that is in both sets of the condition.
    test.yes.clone().or(otherwise).and(&test.no.clone().or(body))
}
