//! The names that one scope of a body binds, by Python's rules of scoping.
//!
//! Owns what counts as a binding: assignments, `for`, `with`, `except`, `import`, `def`, `class`, `del`, patterns, and
//! `:=`, also in a comprehension. Does not enter nested functions, lambdas and classes, because they have scopes of
//! their own.

use std::collections::HashSet;

use ruff_python_ast::visitor::{Visitor, walk_except_handler, walk_expr, walk_pattern, walk_stmt};
use ruff_python_ast::{ExceptHandler, Expr, ExprContext, Parameters, Pattern, Stmt, TypeParam, TypeParams};

/// What the statements of one scope bind and declare.
#[derive(Debug, Default)]
pub(super) struct ScopeBindings<'a> {
    pub(super) bound: HashSet<&'a str>,
    pub(super) globals: HashSet<&'a str>,
    pub(super) nonlocals: HashSet<&'a str>,
    /// The names that a statement `del` of the scope deletes.
    pub(super) deleted: HashSet<&'a str>,
    /// How many comprehensions surround the visited expression. Their targets belong to them.
    comprehensions: usize,
}

impl<'a> ScopeBindings<'a> {
    /// The bindings of a scope with these statements.
    pub(super) fn from_statements(statements: &'a [Stmt]) -> Self {
        let mut bindings = Self::default();
        bindings.visit_body(statements);
        bindings
    }

    /// Adds the names of parameters.
    pub(super) fn add_parameters(&mut self, parameters: &'a Parameters) {
        self.bound.extend(parameters.iter().map(|parameter| parameter.name().as_str()));
    }

    /// Adds the names of type parameters, as in `def f[T](x)`.
    pub(super) fn add_type_parameters(&mut self, parameters: Option<&'a TypeParams>) {
        self.bound.extend(
            parameters
                .into_iter()
                .flat_map(|all| all.iter())
                .map(TypeParam::name)
                .map(ruff_python_ast::Identifier::as_str),
        );
    }

    /// Adds the targets of a comprehension or of another expression that binds names.
    pub(super) fn add_target(&mut self, target: &'a Expr) {
        self.visit_expr(target);
    }
}

/// The name that `import a.b` or `import a.b as c` binds.
pub(super) fn imported(alias: &ruff_python_ast::Alias) -> &str {
    match &alias.asname {
        Some(name) => name.as_str(),
        None => alias.name.split('.').next().unwrap_or_default(),
    }
}

impl<'a> Visitor<'a> for ScopeBindings<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                self.bound.insert(function.name.as_str());
                function.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
                self.visit_parameters(&function.parameters);
            }
            Stmt::ClassDef(class) => {
                self.bound.insert(class.name.as_str());
                class.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
                class.arguments.iter().for_each(|arguments| self.visit_arguments(arguments));
            }
            Stmt::Import(import) => self.bound.extend(import.names.iter().map(imported)),
            Stmt::ImportFrom(import) => self.bound.extend(import.names.iter().map(imported)),
            Stmt::Global(declared) => {
                self.globals.extend(declared.names.iter().map(ruff_python_ast::Identifier::as_str));
            }
            Stmt::Nonlocal(declared) => {
                self.nonlocals.extend(declared.names.iter().map(ruff_python_ast::Identifier::as_str));
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) if !name.ctx.is_load() && self.comprehensions == 0 => {
                self.bound.insert(name.id.as_str());
                if name.ctx == ExprContext::Del {
                    self.deleted.insert(name.id.as_str());
                }
            }
            Expr::Named(named) => {
                if let Expr::Name(target) = &*named.target {
                    self.bound.insert(target.id.as_str());
                }
                self.visit_expr(&named.value);
            }
            Expr::Lambda(lambda) => lambda.parameters.iter().for_each(|parameters| self.visit_parameters(parameters)),
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) => {
                self.comprehensions += 1;
                walk_expr(self, expression);
                self.comprehensions -= 1;
            }
            _ => walk_expr(self, expression),
        }
    }

    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(one) = handler;
        self.bound.extend(one.name.as_ref().map(ruff_python_ast::Identifier::as_str));
        walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let name = match pattern {
            Pattern::MatchAs(one) => one.name.as_ref(),
            Pattern::MatchStar(one) => one.name.as_ref(),
            Pattern::MatchMapping(one) => one.rest.as_ref(),
            _ => None,
        };
        self.bound.extend(name.map(ruff_python_ast::Identifier::as_str));
        walk_pattern(self, pattern);
    }
}
