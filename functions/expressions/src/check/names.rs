//! Names that are not defined where a body reads them.
//!
//! Owns the order of evaluation. A name is reported only if no way through the body can have bound it by then:
//! branches, loops and exception handlers count as if each part may have run. Code that runs later, such as the body of
//! a function, may read whatever its surroundings bind anywhere. Names that no scope binds are the sandbox's to know.

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_pattern, walk_stmt};
use ruff_python_ast::{
    Comprehension, ElifElseClause, ExceptHandler, Expr, ExprContext, ExprName, Pattern, Stmt, StmtFunctionDef, StmtTry,
};
use ruff_text_size::{Ranged, TextRange};

use super::bindings::{ScopeBindings, imported};
use super::scopes::{LiveNames, NameScope, ScopeKind, ScopeStack, parameters};

/// A name that is read where it is not defined.
#[derive(Debug)]
pub(super) struct UndefinedName<'a> {
    pub(super) name: &'a str,
    pub(super) range: TextRange,
    /// Whether the name is called where it is read.
    pub(super) called: bool,
    /// Whether the body binds the name, but elsewhere; or deletes it before.
    pub(super) bound_elsewhere: bool,
    /// Whether it may have a value, but a statement `del` may have deleted it before.
    pub(super) may_be_deleted: bool,
}

/// Finds the names that are read but not bound, in the order of their places. `body` is the function around the body.
/// A name of the sandbox counts as not bound.
pub(super) fn undefined(body: &StmtFunctionDef) -> Vec<UndefinedName<'_>> {
    let mut walk = NameWalk { scopes: ScopeStack::from_function(body), found: Vec::new(), guards: 0 };
    walk.visit_body(&body.body);
    walk.found.sort_by_key(|undefined| undefined.range.start());
    walk.found
}

struct NameWalk<'a> {
    scopes: ScopeStack<'a>,
    found: Vec<UndefinedName<'a>>,
    /// How many `try` statements around the visited place handle `NameError`.
    guards: usize,
}

impl<'a> NameWalk<'a> {
    /// Checks a name that is read.
    fn load(&mut self, name: &'a str, range: TextRange, called: bool) {
        // The interpreter has no `del`: a deleted name is `None`, where Python raises or looks for another value.
        let may_be_deleted = self.scopes.may_be_deleted(name);
        if !may_be_deleted && (self.guards > 0 || self.scopes.is_defined(name)) {
            return;
        }
        let may_be_deleted = may_be_deleted && (self.guards > 0 || self.scopes.is_defined(name));
        let bound_elsewhere = self.scopes.is_bound_elsewhere(name);
        self.found.push(UndefinedName { name, range, called, bound_elsewhere, may_be_deleted });
    }

    /// Visits a scope and leaves it.
    fn enter(&mut self, scope: NameScope<'a>, visit: impl FnOnce(&mut Self)) {
        self.scopes.enter(scope);
        visit(self);
        self.scopes.leave();
    }

    /// Visits the scope of a function. An exception in it is not handled where the function is defined.
    fn enter_function(&mut self, scope: NameScope<'a>, visit: impl FnOnce(&mut Self)) {
        let guards = std::mem::take(&mut self.guards);
        self.enter(scope, visit);
        self.guards = guards;
    }

    fn comprehension(&mut self, kind: ScopeKind, generators: &'a [Comprehension], elements: &[&'a Expr]) {
        let Some(first) = generators.first() else { return };
        // Python evaluates the first iterable outside of the comprehension.
        self.visit_expr(&first.iter);
        let mut bindings = ScopeBindings::default();
        for generator in generators {
            bindings.add_target(&generator.target);
        }
        self.enter(NameScope::new(kind, bindings, ScopeBindings::default()), |walk| {
            for (index, generator) in generators.iter().enumerate() {
                if index > 0 {
                    walk.visit_expr(&generator.iter);
                }
                walk.visit_expr(&generator.target);
                generator.ifs.iter().for_each(|condition| walk.visit_expr(condition));
            }
            for element in elements {
                walk.visit_expr(element);
            }
        });
    }

    /// Visits alternatives that all begin with the present names. Afterwards, the names of each may be bound.
    fn branch(&mut self, visit: impl FnOnce(&mut Self)) -> Option<LiveNames<'a>> {
        let before = self.scopes.live().clone();
        visit(self);
        std::mem::replace(self.scopes.live(), before)
    }

    fn clauses(&mut self, clauses: &'a [ElifElseClause]) {
        let mut ends = Vec::new();
        for clause in clauses {
            clause.test.iter().for_each(|test| self.visit_expr(test));
            ends.push(self.branch(|walk| walk.visit_body(&clause.body)));
            if clause.test.is_none() {
                *self.scopes.live() = None;
            }
        }
        for end in ends {
            self.scopes.merge(end);
        }
    }

    fn attempt(&mut self, attempt: &'a StmtTry) {
        let guards = attempt.handlers.iter().any(|handler| handles(handler, &["NameError"]));
        self.guards += usize::from(guards);
        let failed = {
            let before = self.scopes.live().clone();
            self.visit_body(&attempt.body);
            let succeeded = std::mem::replace(self.scopes.live(), before);
            self.scopes.may_run(&attempt.body);
            std::mem::replace(self.scopes.live(), succeeded)
        };
        self.guards -= usize::from(guards);
        let mut handled = Vec::new();
        for handler in &attempt.handlers {
            let mut entry = failed.clone();
            std::mem::swap(self.scopes.live(), &mut entry);
            self.visit_except_handler(handler);
            std::mem::swap(self.scopes.live(), &mut entry);
            handled.push(entry);
        }
        self.visit_body(&attempt.orelse);
        for entry in handled {
            self.scopes.merge(entry);
        }
        if attempt.finalbody.is_empty() {
            return;
        }
        let ends = self.scopes.live().is_none();
        self.scopes.merge(failed);
        self.scopes.may_run(&attempt.orelse);
        for ExceptHandler::ExceptHandler(handler) in &attempt.handlers {
            self.scopes.may_run(&handler.body);
        }
        self.visit_body(&attempt.finalbody);
        if ends {
            *self.scopes.live() = None;
        }
    }
}

/// Whether a handler is there for one of these exceptions: it names it, or it handles every exception without naming
/// one.
pub(super) fn handles(handler: &ExceptHandler, exceptions: &[&str]) -> bool {
    let ExceptHandler::ExceptHandler(handler) = handler;
    let is_named = |one: &Expr| matches!(one, Expr::Name(name) if exceptions.contains(&name.id.as_str()));
    match handler.type_.as_deref() {
        None => true,
        Some(Expr::Tuple(tuple)) => tuple.elts.iter().any(is_named),
        Some(one) => is_named(one),
    }
}

impl<'a> Visitor<'a> for NameWalk<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                function.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
                self.visit_parameters(&function.parameters);
                self.scopes.bind(function.name.as_str());
                let own = parameters(Some(function), Some(&function.parameters));
                let scope = NameScope::new(ScopeKind::Function, ScopeBindings::from_statements(&function.body), own);
                self.enter_function(scope, |walk| walk.visit_body(&function.body));
            }
            Stmt::ClassDef(class) => {
                class.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
                class.arguments.iter().for_each(|arguments| self.visit_arguments(arguments));
                let mut own = ScopeBindings::default();
                own.add_type_parameters(class.type_params.as_deref());
                let scope = NameScope::new(ScopeKind::Class, ScopeBindings::from_statements(&class.body), own);
                self.enter(scope, |walk| walk.visit_body(&class.body));
                self.scopes.bind(class.name.as_str());
            }
            Stmt::Return(_) | Stmt::Raise(_) | Stmt::Break(_) | Stmt::Continue(_) => {
                walk_stmt(self, statement);
                *self.scopes.live() = None;
            }
            Stmt::AugAssign(assign) => {
                if let Expr::Name(name) = &*assign.target {
                    self.load(name.id.as_str(), name.range(), false);
                }
                walk_stmt(self, statement);
            }
            Stmt::AnnAssign(assign) if assign.value.is_none() => {
                // It binds nothing, but makes the name local.
                if !assign.target.is_name_expr() {
                    self.visit_expr(&assign.target);
                }
            }
            Stmt::For(repeated) => {
                self.visit_expr(&repeated.iter);
                if let Some(live) = self.scopes.live() {
                    let mut target = ScopeBindings::default();
                    target.add_target(&repeated.target);
                    live.extend(target.bound);
                }
                self.scopes.may_run(&repeated.body);
                let left = self.branch(|walk| {
                    walk.visit_expr(&repeated.target);
                    walk.visit_body(&repeated.body);
                });
                self.scopes.merge(left);
                let broken = self.scopes.live().clone();
                self.visit_body(&repeated.orelse);
                self.scopes.merge(broken);
            }
            Stmt::While(repeated) => {
                self.visit_expr(&repeated.test);
                self.scopes.may_run(&repeated.body);
                let left = self.branch(|walk| walk.visit_body(&repeated.body));
                self.scopes.merge(left);
                let broken = self.scopes.live().clone();
                self.visit_body(&repeated.orelse);
                self.scopes.merge(broken);
            }
            Stmt::If(branch) => {
                self.visit_expr(&branch.test);
                let taken = self.branch(|walk| walk.visit_body(&branch.body));
                self.clauses(&branch.elif_else_clauses);
                self.scopes.merge(taken);
            }
            Stmt::With(with) => {
                with.items.iter().for_each(|item| self.visit_with_item(item));
                let before = self.scopes.live().clone();
                self.visit_body(&with.body);
                // The context manager may suppress an exception.
                let after = std::mem::replace(self.scopes.live(), before);
                self.scopes.may_run(&with.body);
                self.scopes.merge(after);
            }
            Stmt::Try(attempt) => self.attempt(attempt),
            Stmt::Match(matched) => {
                self.visit_expr(&matched.subject);
                for case in &matched.cases {
                    let taken = self.branch(|walk| walk.visit_match_case(case));
                    self.scopes.merge(taken);
                }
            }
            Stmt::Import(import) => import.names.iter().for_each(|alias| self.scopes.bind(imported(alias))),
            Stmt::ImportFrom(import) => import.names.iter().for_each(|alias| self.scopes.bind(imported(alias))),
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(handler) = handler;
        handler.type_.iter().for_each(|exceptions| self.visit_expr(exceptions));
        if let Some(name) = &handler.name {
            self.scopes.bind(name.as_str());
        }
        self.visit_body(&handler.body);
        // Python deletes the name at the end of the handler.
        if let Some(name) = &handler.name {
            self.scopes.unbind(name.as_str());
        }
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let mut bindings = ScopeBindings::default();
        bindings.visit_pattern(pattern);
        bindings.bound.into_iter().for_each(|name| self.scopes.bind(name));
        walk_pattern(self, pattern);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(ExprName { id, ctx, range, .. }) => match ctx {
                ExprContext::Load => self.load(id.as_str(), *range, false),
                ExprContext::Del => {
                    self.load(id.as_str(), *range, false);
                    self.scopes.delete(id.as_str());
                }
                ExprContext::Store | ExprContext::Invalid => self.scopes.bind(id.as_str()),
            },
            Expr::Call(call) => {
                match &*call.func {
                    Expr::Name(name) => self.load(name.id.as_str(), name.range(), true),
                    function => self.visit_expr(function),
                }
                self.visit_arguments(&call.arguments);
            }
            Expr::Named(named) => {
                self.visit_expr(&named.value);
                if let Expr::Name(name) = &*named.target {
                    self.scopes.bind_outside_comprehensions(name.id.as_str());
                }
            }
            Expr::Lambda(lambda) => {
                lambda.parameters.iter().for_each(|parameters| self.visit_parameters(parameters));
                let mut bindings = ScopeBindings::default();
                bindings.add_target(&lambda.body);
                let own = parameters(None, lambda.parameters.as_deref());
                let scope = NameScope::new(ScopeKind::Function, bindings, own);
                self.enter_function(scope, |walk| walk.visit_expr(&lambda.body));
            }
            Expr::ListComp(made) => self.comprehension(ScopeKind::Comprehension, &made.generators, &[&made.elt]),
            Expr::SetComp(made) => self.comprehension(ScopeKind::Comprehension, &made.generators, &[&made.elt]),
            Expr::Generator(made) => self.comprehension(ScopeKind::Generator, &made.generators, &[&made.elt]),
            Expr::DictComp(made) => {
                let elements: Vec<&Expr> = made.key.as_deref().into_iter().chain([&*made.value]).collect();
                self.comprehension(ScopeKind::Comprehension, &made.generators, &elements);
            }
            _ => walk_expr(self, expression),
        }
    }

    /// Annotations are not evaluated.
    fn visit_annotation(&mut self, _: &'a Expr) {}
}
