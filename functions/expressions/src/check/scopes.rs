//! The scopes around a place of a body, and which of their names may be bound there.
//!
//! Owns Python's rules of looking up a name: functions see the names around them, classes give theirs to nobody, and
//! `global` and `nonlocal` choose another scope.

use std::collections::HashSet;

use ruff_python_ast::visitor::{Visitor, walk_stmt};
use ruff_python_ast::{Expr, Parameters, Stmt, StmtFunctionDef};

use super::bindings::ScopeBindings;

/// Names that a statement `global` or `nonlocal` makes one function bind for others. The order in which these functions
/// run is not known.
#[derive(Default)]
struct Declared<'a> {
    globals: HashSet<&'a str>,
    nonlocals: HashSet<&'a str>,
}

impl<'a> Declared<'a> {
    fn add(&mut self, bindings: ScopeBindings<'a>) {
        self.globals.extend(bindings.globals.intersection(&bindings.bound));
        self.nonlocals.extend(bindings.nonlocals);
    }
}

impl<'a> Visitor<'a> for Declared<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => self.add(ScopeBindings::from_statements(&function.body)),
            Stmt::ClassDef(class) => self.add(ScopeBindings::from_statements(&class.body)),
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, _: &'a Expr) {}
}

/// How the code of a scope runs, and who sees its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScopeKind {
    Function,
    Class,
    /// Runs at once, within the scope around it.
    Comprehension,
    /// A generator expression, which may run later.
    Generator,
}

/// The names of a scope that may have a value at a place, and those that may have been deleted there.
#[derive(Debug, Clone, Default)]
pub(super) struct LiveNames<'a> {
    bound: HashSet<&'a str>,
    deleted: HashSet<&'a str>,
}

impl<'a> LiveNames<'a> {
    /// Binds names, or some of them.
    pub(super) fn extend(&mut self, names: impl IntoIterator<Item = &'a str>) {
        self.bound.extend(names);
    }
}

/// A function, class or comprehension around the visited place.
pub(super) struct NameScope<'a> {
    kind: ScopeKind,
    bindings: ScopeBindings<'a>,
    /// The names that may be bound at the visited place; `None` where no execution arrives, such as after `return`.
    live: Option<LiveNames<'a>>,
}

impl<'a> NameScope<'a> {
    /// A scope in which the names of `own` are bound from the beginning.
    pub(super) fn new(kind: ScopeKind, mut bindings: ScopeBindings<'a>, own: ScopeBindings<'a>) -> Self {
        bindings.bound.extend(&own.bound);
        Self { kind, bindings, live: Some(LiveNames { bound: own.bound, deleted: HashSet::new() }) }
    }
}

/// The names that the parameters of a function or lambda bind.
pub(super) fn parameters<'a>(
    function: Option<&'a StmtFunctionDef>,
    parameters: Option<&'a Parameters>,
) -> ScopeBindings<'a> {
    let mut own = ScopeBindings::default();
    own.add_type_parameters(function.and_then(|function| function.type_params.as_deref()));
    if let Some(parameters) = parameters {
        own.add_parameters(parameters);
    }
    own
}

/// The scopes around the visited place, with the names that may be bound there.
pub(super) struct ScopeStack<'a> {
    innermost: NameScope<'a>,
    /// The scopes around it, outermost first.
    outer: Vec<NameScope<'a>>,
    declared: Declared<'a>,
}

impl<'a> ScopeStack<'a> {
    /// The scope of a function around a body.
    pub(super) fn from_function(function: &'a StmtFunctionDef) -> Self {
        let mut declared = Declared::default();
        declared.add(ScopeBindings::from_statements(&function.body));
        declared.visit_body(&function.body);
        let innermost = NameScope::new(
            ScopeKind::Function,
            ScopeBindings::from_statements(&function.body),
            parameters(None, Some(&function.parameters)),
        );
        Self { innermost, outer: Vec::new(), declared }
    }

    /// Enters a scope within the present one.
    pub(super) fn enter(&mut self, scope: NameScope<'a>) {
        let around = std::mem::replace(&mut self.innermost, scope);
        self.outer.push(around);
    }

    /// Leaves the scope that was entered last.
    pub(super) fn leave(&mut self) {
        if let Some(around) = self.outer.pop() {
            self.innermost = around;
        }
    }

    /// Whether a scope that the visited place can see binds the name somewhere. In a class, Python looks for the names
    /// of the class in the sandbox as well, so that they do not count.
    pub(super) fn is_bound_elsewhere(&self, name: &str) -> bool {
        let is_bound = |scope: &NameScope<'_>| scope.bindings.bound.contains(name);
        let is_own_of_class = self.innermost.kind == ScopeKind::Class && is_bound(&self.innermost);
        !is_own_of_class && self.scopes().any(is_bound)
    }

    /// The scopes, innermost first.
    fn scopes(&self) -> impl Iterator<Item = &NameScope<'a>> {
        std::iter::once(&self.innermost).chain(self.outer.iter().rev())
    }

    /// The names that may be bound at the visited place; `None` where no execution arrives.
    pub(super) const fn live(&mut self) -> &mut Option<LiveNames<'a>> {
        &mut self.innermost.live
    }

    /// Binds a name in the present scope.
    pub(super) fn bind(&mut self, name: &'a str) {
        if let Some(live) = self.live() {
            live.bound.insert(name);
            live.deleted.remove(name);
        }
    }

    /// Binds the target of `name := value`, which belongs to the scope around all comprehensions.
    pub(super) fn bind_outside_comprehensions(&mut self, name: &'a str) {
        let is_own =
            |scope: &&mut NameScope<'a>| !matches!(scope.kind, ScopeKind::Comprehension | ScopeKind::Generator);
        let mut scopes = std::iter::once(&mut self.innermost).chain(self.outer.iter_mut().rev());
        if let Some(live) = scopes.find(is_own).and_then(|scope| scope.live.as_mut()) {
            live.bound.insert(name);
        }
    }

    /// Takes the value of a name in the present scope.
    pub(super) fn unbind(&mut self, name: &str) {
        if let Some(live) = self.live() {
            live.bound.remove(name);
        }
    }

    /// Takes the value of a name in the present scope by a statement `del`.
    pub(super) fn delete(&mut self, name: &'a str) {
        self.unbind(name);
        if let Some(live) = self.live() {
            live.deleted.insert(name);
        }
    }

    /// Whether a statement `del` may have deleted the name before the visited place.
    pub(super) fn may_be_deleted(&self, name: &str) -> bool {
        let mut at_once = true;
        for scope in self.scopes() {
            if scope.bindings.bound.contains(name) {
                let live = scope.live.as_ref().is_some_and(|live| live.deleted.contains(name));
                return live || (!at_once && scope.bindings.deleted.contains(name));
            }
            at_once &= matches!(scope.kind, ScopeKind::Comprehension | ScopeKind::Class);
        }
        false
    }

    /// Whether the name may have a value at the visited place.
    pub(super) fn is_defined(&self, name: &str) -> bool {
        let in_class = self.scopes().any(|scope| scope.kind == ScopeKind::Class);
        // Python mangles private names in a class, and gives its methods `__class__`.
        if in_class && name.starts_with("__") {
            return true;
        }
        let mut at_once = true;
        for (index, scope) in self.scopes().enumerate() {
            let is_class = scope.kind == ScopeKind::Class;
            if scope.bindings.globals.contains(name) {
                break;
            }
            if scope.bindings.bound.contains(name) && !scope.bindings.nonlocals.contains(name) {
                let is_live = scope.live.as_ref().is_none_or(|live| live.bound.contains(name));
                let any_order = !at_once || self.declared.nonlocals.contains(name);
                match (is_class, index) {
                    (false, _) => return is_live || any_order,
                    // A class sees no names of the functions around it that it binds itself.
                    (true, 0) if !is_live => break,
                    (true, 0) => return true,
                    // Only the statements of the class itself see its names.
                    (true, _) => {}
                }
            }
            at_once &= matches!(scope.kind, ScopeKind::Comprehension | ScopeKind::Class);
        }
        self.declared.globals.contains(name)
    }

    /// Adds the names that may be bound on another way to the visited place.
    pub(super) fn merge(&mut self, other: Option<LiveNames<'a>>) {
        let Some(other) = other else { return };
        match self.live() {
            Some(live) => {
                live.bound.extend(other.bound);
                live.deleted.extend(other.deleted);
            }
            live @ None => *live = Some(other),
        }
    }

    /// Adds all names that these statements bind or delete, if they are reached.
    pub(super) fn may_run(&mut self, statements: &'a [Stmt]) {
        if let Some(live) = self.live() {
            let bindings = ScopeBindings::from_statements(statements);
            live.bound.extend(bindings.bound);
            live.deleted.extend(bindings.deleted);
        }
    }
}
