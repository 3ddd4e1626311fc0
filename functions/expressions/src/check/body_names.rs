//! What a body binds anywhere, and the attributes that it has dealings with.
//!
//! Owns the question whether a name stands for one thing in the whole body. Knows nothing of scopes: a name that two
//! functions bind counts twice.

use std::collections::{HashMap, HashSet};

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_parameter, walk_stmt};
use ruff_python_ast::{Expr, ExprCall, ExprContext, Parameter, Stmt};

use super::bindings::imported;

/// What the body binds, and the attributes that it has dealings with.
#[derive(Default)]
pub(super) struct BodyNames<'a> {
    /// How often each name is bound, in any scope.
    bound: HashMap<&'a str, usize>,
    /// Plain assignments `name = value`, in order.
    pub(super) assigned: Vec<(&'a str, &'a Expr)>,
    stored: HashSet<&'a str>,
    loaded: HashSet<&'a str>,
    /// What each `import` binds: the module, and the member of `from module import member`.
    pub(super) imported: Vec<(&'a str, &'a str, Option<&'a str>)>,
    /// Named in a text, as `hasattr` does.
    tested: HashSet<&'a str>,
}

impl<'a> BodyNames<'a> {
    pub(super) fn from_body(body: &'a [Stmt]) -> Self {
        let mut names = Self::default();
        names.visit_body(body);
        names
    }

    /// How often the body binds a name, in any scope.
    pub(super) fn count(&self, name: &str) -> usize {
        self.bound.get(name).copied().unwrap_or_default()
    }

    /// All names that the body binds, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = &'a str> {
        self.bound.keys().copied()
    }

    /// Whether the body tests for an attribute of this name, or both stores and reads it.
    pub(super) fn has_own_attribute(&self, name: &str) -> bool {
        self.tested.contains(name) || (self.stored.contains(name) && self.loaded.contains(name))
    }

    /// Whether the body stores an attribute of this name in some object.
    pub(super) fn stores(&self, name: &str) -> bool {
        self.stored.contains(name) || self.tested.contains(name)
    }

    fn bind(&mut self, name: &'a str) {
        *self.bound.entry(name).or_default() += 1;
    }
}

impl<'a> Visitor<'a> for BodyNames<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Assign(assign) => {
                if let [Expr::Name(name)] = &*assign.targets {
                    self.assigned.push((name.id.as_str(), &assign.value));
                }
            }
            Stmt::FunctionDef(function) => self.bind(function.name.as_str()),
            Stmt::ClassDef(class) => self.bind(class.name.as_str()),
            Stmt::Import(import) => {
                for alias in &import.names {
                    self.bind(imported(alias));
                    // `import a.b` binds `a`, which has more members than the module `a` alone.
                    if alias.asname.is_some() || !alias.name.contains('.') {
                        self.imported.push((imported(alias), alias.name.as_str(), None));
                    }
                }
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                for alias in &import.names {
                    self.bind(imported(alias));
                    self.imported.push((imported(alias), module, Some(alias.name.as_str())));
                }
            }
            Stmt::Try(attempt) => {
                for ruff_python_ast::ExceptHandler::ExceptHandler(handler) in &attempt.handlers {
                    handler.name.iter().for_each(|name| self.bind(name.as_str()));
                }
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_parameter(&mut self, parameter: &'a Parameter) {
        self.bind(parameter.name.as_str());
        walk_parameter(self, parameter);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) if name.ctx != ExprContext::Load => self.bind(name.id.as_str()),
            Expr::Attribute(attribute) if attribute.ctx == ExprContext::Load => {
                self.loaded.insert(attribute.attr.as_str());
            }
            Expr::Attribute(attribute) => {
                self.stored.insert(attribute.attr.as_str());
            }
            Expr::Call(call) => self.tested.extend(tested(call)),
            _ => {}
        }
        walk_expr(self, expression);
    }
}

/// The attribute of `hasattr(object, "name")`, also `getattr` and `setattr`.
fn tested(call: &ExprCall) -> Option<&str> {
    let Expr::Name(function) = &*call.func else { return None };
    if !["hasattr", "getattr", "setattr"].contains(&function.id.as_str()) {
        return None;
    }
    match call.arguments.args.get(1) {
        Some(Expr::StringLiteral(name)) => Some(name.value.to_str()),
        _ => None,
    }
}
